"""Markets, calibration and contestants of `benchmarks/search_quality.py`, in small."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dsl.analysis.check import check_expression
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from evolve.backtest.backtest import backtest
from evolve.data.paths import bars_from_paths
from evolve.fitness.fitness import Scores

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SEED, BUDGET = 7, 60
COUNT = 3_000  # bars


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("search_quality")


@pytest.fixture
def markets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("planted_markets")


def draw(markets: ModuleType, name: str, edge_bps: float, count: int = COUNT) -> Bars:
    edges = markets.MARKETS[name].edges
    shares = {each.rule: 0.2 for each in edges}
    bars: Bars = markets.plant(markets.draw_walk(name, SEED, count), edges, edge_bps * 1e-4, shares)
    return bars


def test_a_bar_drifts_exactly_if_the_rule_holds_on_the_bar_before(markets: ModuleType) -> None:
    for name, market in markets.MARKETS.items():
        bars = draw(markets, name, 30.0)
        assert np.all(bars.low <= np.minimum(bars.open, bars.close)), name
        assert np.all(bars.high >= np.maximum(bars.open, bars.close)), name
        plain = bars_from_paths(markets.draw_walk(name, SEED, COUNT))
        added = (np.log(bars.close / bars.open) - np.log(plain.close / plain.open))[0]
        expected = np.zeros(COUNT)
        for each in market.edges:
            holds = Evaluator(bars).series(check_expression(each.rule))
            own = each.side * 30e-4 * (holds[:-1] - 0.2)
            expected[1:] += (
                np.where(np.arange(1, COUNT) < markets.TRAIN_BARS, own, 0.0)
                if each.is_decoy
                else own
            )
        np.testing.assert_allclose(added, expected, atol=1e-9, err_msg=name)


def test_a_stronger_cell_has_a_larger_edge(suite: ModuleType, markets: ModuleType) -> None:
    edges = json.loads(suite.EDGES.read_text("utf-8"))["edges_bps"]
    for costs, by_market in edges.items():
        assert set(by_market) == {name for name, each in markets.MARKETS.items() if each.edges}
        for name, by_strength in by_market.items():
            found = [by_strength[f"{each:g}"] for each in suite.STRENGTHS]
            assert 0 < found[0] < found[1] < found[2], (costs, name)


@pytest.mark.slow
def test_each_hidden_rule_earns_on_fresh_bars(suite: ModuleType, markets: ModuleType) -> None:
    for name, market in markets.MARKETS.items():
        if market.edges:
            cell = suite.Cell(market, suite.STRENGTHS[0], "half", SEED)
            bars = cell.draw()
            data = cell.open(bars, ()).data
            fresh = backtest(market.rule, bars, data.market, markets.SEEN_BARS)
            assert fresh.metrics["appraisal_ratio"] > 0.3, name


def test_cells_of_other_strengths_share_no_random_numbers(markets: ModuleType) -> None:
    one, other = (
        np.diff(np.log(bars_from_paths(markets.draw_walk(cell, SEED, COUNT)).close[0]))
        for cell in ("dip/1/half", "dip/1.5/half")
    )
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


@pytest.mark.parametrize("name", ["random", "deap", "after"])
def test_a_contestant_uses_its_budget_and_repeats_its_result(
    suite: ModuleType, markets: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    contestants = importlib.import_module("contestants")
    evaluated: list[int] = []
    build = contestants.build_problem

    def count_evaluations(*args: object) -> object:
        problem = build(*args)

        def evaluate(programs: list[object]) -> list[Scores]:
            scores: list[Scores] = problem.evaluate(programs)
            evaluated.append(sum(not each.is_idle for each in scores))
            return scores

        return replace(problem, evaluate=evaluate)

    monkeypatch.setattr(contestants, "build_problem", count_evaluations)
    cell = suite.Cell(markets.MARKETS["place"], suite.STRENGTHS[-1], "half", SEED)
    entry = suite.Entry(name, suite.CONTESTANTS[name], (), BUDGET)
    bars = cell.draw()
    split = cell.open(bars, ()).data.split
    assert (len(split.train), len(split.seen)) == (markets.TRAIN_BARS, markets.SEEN_BARS)
    first, second = ({**suite.measure_entry(cell, bars, entry), "seconds": 0} for _ in range(2))
    assert first == second
    # The search counts an idle strategy that it no longer replaces.
    assert 0.8 * 2 * BUDGET <= sum(evaluated) <= 2 * BUDGET
    assert name == "after" or sum(evaluated) == 2 * BUDGET
    assert first["share"] == pytest.approx(first["ratio"] / first["rule_ratio"], abs=1e-3)


def test_cells_of_one_market_and_seed_count_as_one_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    summarize = importlib.import_module("quality_summary").summarize
    values = np.random.default_rng(1).normal(size=40)
    mean, error = summarize(values, range(40))
    assert error == pytest.approx(values.std(ddof=1) / 40**0.5)
    repeated = summarize(np.repeat(values, 3), np.repeat(range(40), 3))
    assert repeated == pytest.approx((mean, error))


def test_differences_are_paired_within_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    summary = importlib.import_module("quality_summary")
    cell = {"strength": 1.1, "costs": "half", "evaluations": 500, "market": "dip"}
    results = [
        {**cell, "contestant": name, "seed": seed, "share": share}
        for seed, shares in {1: (0.9, 0.8), 2: (0.1, 0.0), 3: (0.5, 0.4)}.items()
        for name, share in zip(("after", "random"), shares, strict=True)
    ]
    alone = {**cell, "contestant": "after", "seed": 4, "share": 0.0}  # of no pair
    assert summary.compare([*results, alone], "random")[-1] == "| after | 0.10 ± 0.00, 100% |"
