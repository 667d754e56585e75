"""Markets of a power test, the grid of edges, and the meaning of a found edge."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import BPS, FillMode, market
from evolve.data import load
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from evolve.validation.permutation import permute
from evolve.validation.power import (
    EDGE_RATIO,
    FIRST_MARKET,
    MARKETS_PER_EDGE,
    RULES,
    PlantedMarkets,
    Power,
    PowerRow,
    choose_edges,
    iterate_delays,
    list_found,
    start_power,
)

FREE = market(commission_bps=0, slippage_bps=0)
WALK = load("synthetic:walk?bars=1500&seed=6").bars


def power(*rows: PowerRow, threshold: float | None = 1.0, bars_per_year: float = 252) -> Power:
    return Power(100, 19, threshold, bars_per_year, RULES, rows)


def row(edge: float, found: int, searches: int = MARKETS_PER_EDGE) -> PowerRow:
    return PowerRow(edge, (True,) * found + (False,) * (searches - found), 1.0)


def test_a_market_depends_on_its_number_alone() -> None:
    markets = PlantedMarkets(RULES, (10.0, 20.0), FREE)
    numbers = list(markets.numbers)
    assert len(numbers) == 2 * MARKETS_PER_EDGE
    assert min(numbers) > 1_000_000
    hashes = [markets(WALK, number).hash for number in numbers]
    assert len(set(hashes)) == len(hashes)
    plain = PlantedMarkets(RULES, (0.0,), FREE)
    for number in plain.numbers:
        assert np.array_equal(plain(WALK, number).close, permute(WALK, number).close)
    assert markets(WALK, numbers[7]).hash == hashes[7]


def test_rules_rotate_and_each_edge_has_the_same_permutations() -> None:
    markets = PlantedMarkets(RULES, (0.0, 20.0), FREE)
    first = [markets.find_rule(FIRST_MARKET + index).name for index in range(MARKETS_PER_EDGE)]
    second = [
        markets.find_rule(FIRST_MARKET + MARKETS_PER_EDGE + index).name
        for index in range(MARKETS_PER_EDGE)
    ]
    assert first == second
    assert {first.count(each.name) for each in RULES} == {2}
    plain, planted = (
        markets(WALK, number) for number in (FIRST_MARKET, FIRST_MARKET + MARKETS_PER_EDGE)
    )
    assert np.log(planted.close / planted.open).sum() > np.log(plain.close / plain.open).sum()
    gaps = [np.diff(np.log(each.open[0])) - np.log(each.close / each.open)[0, :-1]
            for each in (plain, planted)]  # fmt: skip
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-11)


FILLS: dict[FillMode, int] = {"next_open": 1, "close": 1, "next_close": 2}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("closes_only", [False, True])
def test_the_hidden_rule_earns_its_edge_under_each_fill(fill: FillMode, closes_only: bool) -> None:
    bars = replace(WALK, closes_only=WALK.symbols if closes_only else ())
    settings = market(commission_bps=0, slippage_bps=0, fill=fill)
    expected = 2 if closes_only and fill == "next_open" else FILLS[fill]
    assert list(iterate_delays(bars, settings)) == [expected]
    markets = PlantedMarkets(RULES, (0.0, 60.0), settings)
    for index, rule in enumerate(RULES):
        program = check(rule.write("long"))
        numbers = FIRST_MARKET + index, FIRST_MARKET + MARKETS_PER_EDGE + index
        plain, planted = (
            backtest(program, markets(bars, number), settings).metrics["appraisal_ratio"]
            for number in numbers
        )
        assert planted > plain + 1.0


def test_a_short_rule_earns_a_negative_edge() -> None:
    markets = PlantedMarkets(RULES, (-60.0,), FREE)
    for index, rule in enumerate(RULES):
        program = check(rule.write("short"))
        result = backtest(program, markets(WALK, FIRST_MARKET + index), FREE)
        assert result.metrics["appraisal_ratio"] > 0.5


@pytest.mark.parametrize("direction", ["long", "short"])
def test_the_grid_is_geometric_and_pays_the_costs(direction: str) -> None:
    costly = market(commission_bps=1, slippage_bps=5)
    edges = choose_edges(WALK, costly, direction)
    sizes = np.abs(edges)
    assert np.all(np.sign(edges) == (1 if direction == "long" else -1))
    assert sizes[0] > 12
    assert sizes[1:] / sizes[:-1] == pytest.approx(EDGE_RATIO, rel=0.08)
    free = choose_edges(WALK, FREE, direction)
    assert abs(edges[0]) - abs(free[0]) == pytest.approx(12, abs=2)


def test_the_grid_begins_lower_on_more_bars_and_calmer_ones() -> None:
    short = load("synthetic:walk?bars=1500").bars
    long = load("synthetic:walk?bars=6000").bars
    calm = load("synthetic:walk?bars=1500&volatility=0.08").bars
    first = [choose_edges(each, FREE, "long")[0] for each in (short, long, calm)]
    assert first[0] / first[1] == pytest.approx(2, rel=0.1)
    assert first[0] / first[2] == pytest.approx(2, rel=0.1)


@pytest.mark.slow
def test_the_grid_ends_before_prices_explode() -> None:
    many = load("synthetic:walk?bars=60000&volatility=0.5").bars
    edges = choose_edges(many, market(commission_bps=5, slippage_bps=5), "long")
    assert len(edges) == 1
    planted = PlantedMarkets(RULES, edges, FREE)(many, FIRST_MARKET)
    assert np.all(np.isfinite(planted.close))


def test_found_is_a_score_above_that_of_the_null_searches() -> None:
    found = list_found(power(threshold=1.0), [None, 0.9, 1.0, 1.000000000001, 2.0])
    assert found == (False, False, False, True, True)
    assert list_found(power(threshold=None), [None, -5.0]) == (False, True)


def test_the_threshold_is_the_score_that_would_have_passed() -> None:
    results = tuple(NullResult(n, float(n), 10, False, ()) for n in range(1, 20))
    null = NullRun(math.inf, 10, 19, results)
    started = start_power(null, 252, RULES)
    assert started.threshold == 19
    assert NullRun(started.target, 10, 19, results).p_value == pytest.approx(0.05)
    assert NullRun(19.0, 10, 19, results).p_value == pytest.approx(0.1)


def test_the_chosen_edge_is_the_smallest_that_is_usually_found() -> None:
    assert power().chosen is None
    assert power(row(10, 3, 4)).chosen is None
    assert power(row(10, 1), row(20, 3)).chosen == row(20, 3)
    assert power(row(10, 1), row(20, 8), row(30, 10)).chosen == row(20, 8)
    assert power(row(10, 1), row(20, 5, 5)).chosen == row(10, 1)


def test_the_unit_of_an_edge_is_the_day_for_daily_bars_only() -> None:
    units = {rate: power(bars_per_year=rate).unit for rate in (12, 52, 252, 365, 19_656)}
    assert units == {12: "bar", 52: "bar", 252: "day", 365: "day", 19_656: "bar"}


def test_the_grid_is_in_basis_points() -> None:
    planted = PlantedMarkets(RULES, (50.0,), FREE)(WALK, FIRST_MARKET)
    plain = PlantedMarkets(RULES, (0.0,), FREE)(WALK, FIRST_MARKET)
    steps = np.log(planted.close / planted.open) - np.log(plain.close / plain.open)
    assert steps.max() == pytest.approx(50 * BPS, abs=1e-9)
