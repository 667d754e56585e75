"""Shortlist and finalists: the best of each size class, and the best that trade differently."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check, check_file
from dsl.bars import Bars
from dsl.syntax.printer import format_text
from evolve.backtest.backtest import Backtester, backtest
from evolve.backtest.market import market
from evolve.data import load
from evolve.data.align import align
from evolve.experiment import finalists
from evolve.experiment.assessed import Assessed
from evolve.experiment.finalists import MAX_FINALISTS, assess_finalists, select_different
from evolve.experiment.plan import LoadedData, read_plan
from evolve.experiment.positions import MAX_CORRELATION, correlate_positions
from evolve.experiment.result import Run, document
from evolve.experiment.run import run
from evolve.experiment.shortlist import MAX_SHORTLIST, select_shortlist
from evolve.fitness.fitness import Scores
from evolve.search.hall_of_fame import find_size_class
from evolve.search.individual import SEED, Fitness, Individual
from tests.command_line import invoke

EXPERIMENT = """
name: sizes-and-behaviour
seed: 3
data: {from: "synthetic:planted?rule=rsi(close, 2) < 20&edge_bps=60&seed=3&bars=2000"}
search: {islands: 2, population: 50, generations_per_epoch: 3}
start_from: [seed.evo]
budget: {evaluations: 900}
validate: {null_runs: 0}
"""
TOTALS = (5, MAX_SHORTLIST, 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finalists")
    (folder / "x.yaml").write_text(EXPERIMENT)
    (folder / "seed.evo").write_text("strategy seed { buy when rsi(close, 2) < 20 hold 2 }")
    return folder


@pytest.fixture(scope="module")
def finished(folder: Path) -> Run:
    return run(folder / "x.yaml", ["workers=1"], out=folder / "run")


def one(text: str, score: float) -> Individual:
    program = check(f"strategy s {{ {text} }}")
    scores = Scores((score, float(program.nodes)), (score,), 9, "")
    return Individual(program, scores, Fitness((1.0, -1.0), scores.values), "random", (), 0, 1)


def select(hall_of_fame: Sequence[Individual], bars: Bars, total: int) -> list[Individual]:
    return [each for each, _ in select_shortlist(hall_of_fame, Backtester(bars, market()), total)]


def correlate(one: Individual, other: Individual, bars: Bars) -> float:
    """Return the correlation of positions as numpy computes it, for one symbol."""
    held = [backtest(each.program, bars, market()).held for each in (one, other)]
    if any(np.ptp(each) == 0 for each in held):
        return 0.0
    return float(np.asarray(np.corrcoef(held[0], held[1]))[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("total", TOTALS)
def test_the_best_of_each_size_class_is_on_the_shortlist(finished: Run, total: int) -> None:
    hall_of_fame = finished.progress.hall_of_fame
    classes = sorted({find_size_class(each) for each in hall_of_fame})
    assert len(classes) > 3
    selected = select(hall_of_fame, finished.split.train, total)
    assert len(selected) <= total
    for size_class in classes:
        best = max(each.score for each in hall_of_fame if find_size_class(each) == size_class)
        of_class = [each.score for each in selected if find_size_class(each) == size_class]
        assert max(of_class) == best
    assert finished.progress.best in selected


def test_others_are_the_best_that_correlate_with_none_before_them(finished: Run) -> None:
    bars, hall_of_fame = finished.split.train, finished.progress.hall_of_fame
    selected = select(hall_of_fame, bars, MAX_SHORTLIST)
    leaders = len({find_size_class(each) for each in hall_of_fame})
    others = selected[leaders:]
    assert others
    assert [each.score for each in others] == sorted((e.score for e in others), reverse=True)
    for index, each in enumerate(others, start=leaders):
        correlations = [correlate(each, before, bars) for before in selected[:index]]
        assert max(correlations) < MAX_CORRELATION
    better = [each for each in hall_of_fame if each.score > others[0].score]
    for each in better:
        if each not in selected:
            assert max(correlate(each, leader, bars) for leader in selected[:leaders]) >= 0.5


def test_a_larger_total_extends_the_selection(finished: Run) -> None:
    bars, hall_of_fame = finished.split.train, finished.progress.hall_of_fame
    few, more = (select(hall_of_fame, bars, total) for total in (6, MAX_SHORTLIST))
    assert more[: len(few)] == few


def test_the_selection_does_not_depend_on_the_order_of_candidates(finished: Run) -> None:
    bars, candidates = finished.split.train, list(finished.progress.hall_of_fame)
    expected = select(candidates, bars, MAX_SHORTLIST)
    random.Random(1).shuffle(candidates)
    assert select(candidates, bars, MAX_SHORTLIST) == expected


def test_of_equal_scores_the_smaller_then_the_lower_hash_is_first() -> None:
    bars = load("synthetic:walk?seed=1&bars=300").bars
    equal = [one(f"buy when close > sma(close, {n}) hold 3", 1.0) for n in (5, 6, 7)]
    small = one("buy when close > open", 1.0)
    assert select([*equal, small], bars, 9)[0] is small
    for candidates in (equal, equal[::-1]):
        assert select(candidates, bars, 1) == [min(equal, key=lambda each: each.program.hash)]


def test_constant_positions_correlate_with_none() -> None:
    bars = load("synthetic:walk?seed=1&bars=300").bars
    never = [one(f"buy when close > {price}", score) for price, score in ((1e6, 2.0), (2e6, 1.0))]
    trading = one("buy when close > open sell when close < open", 3.0)
    same = one("buy when open < close sell when open > close", 2.5)
    assert not any(backtest(each.program, bars, market()).held.any() for each in never)
    assert select([*never, trading, same], bars, 4) == [trading, *never]


def test_positions_of_several_symbols_are_compared_symbol_by_symbol() -> None:
    walk = load("synthetic:walk?seed=1&bars=300&drift=0").bars
    cheap = replace(
        walk, symbols=("CHEAP",),
        **{name: getattr(walk, name) / 1000 for name in ("open", "high", "low", "close")},
    )  # fmt: skip
    bars = align([replace(walk, symbols=("DEAR",)), cheap])
    dear_only = one("buy when close > sma(close, 5) and close > 5 sell when close < open", 2.0)
    cheap_only = one("buy when close > sma(close, 5) and close < 5 sell when close < open", 1.0)
    runs = [backtest(each.program, bars, market()) for each in (dear_only, cheap_only)]
    assert runs[0].held.any()
    np.testing.assert_array_equal(runs[0].held, runs[1].held)  # their sums are equal
    assert select([dear_only, cheap_only], bars, 2) == [dear_only, cheap_only]


@pytest.mark.slow
def test_finalists_do_not_depend_on_the_number_of_workers(finished: Run, folder: Path) -> None:
    other = run(folder / "x.yaml", ["workers=2"], out=folder / "two")
    assert document(other)["finalists"] == document(finished)["finalists"]
    assert [path.read_text() for path in sorted((folder / "two" / "finalists").iterdir())] == [
        path.read_text() for path in sorted((folder / "run" / "finalists").iterdir())
    ]


def correlate_with_numpy(one: Assessed, other: Assessed) -> float:
    return float(np.asarray(np.corrcoef(one.train.held, other.train.held))[0, 1])


def test_finalists_are_the_winner_and_the_next_that_correlate_with_none_before(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = LoadedData(finished.dataset, finished.split, market())
    monkeypatch.setattr(finalists, "select_different", list)
    plan = read_plan(finished.folder / "experiment.yaml")
    ranked = assess_finalists(finished.progress.hall_of_fame, plan, data)
    found = [each.program.hash for each in finished.finalists]
    assert len(ranked) == MAX_SHORTLIST
    assert found[0] == ranked[0].program.hash
    assert 2 <= len(found) <= MAX_FINALISTS
    expected = list[Assessed]()
    for each in ranked:
        if all(correlate_with_numpy(each, other) < MAX_CORRELATION for other in expected):
            expected.append(each)
    assert len(expected) < len(ranked), "a near copy was on the shortlist"
    assert found == [each.program.hash for each in expected[:MAX_FINALISTS]]


def test_at_most_five_are_finalists_and_a_near_copy_is_none(finished: Run) -> None:
    train = finished.split.train
    signs = (
        "close > open", "close < open", "volume > volume[1]", "close > close[3]", "high > high[1]",
        "low < low[1]", "close > sma(close, 50)",
    )  # fmt: skip
    texts = [f"buy when {each} and close > {low} hold 1" for each in signs for low in (0.1, 0.2)]
    ranked = [
        Assessed(program, None, backtest(program, train, market()), None)
        for program in (check(f"strategy s {{ {text} }}") for text in texts)
    ]
    found = select_different(ranked, 100)
    assert len(found) > MAX_FINALISTS
    assert select_different(ranked) == found[:MAX_FINALISTS]
    assert found[0] is ranked[0]
    assert not set(found) & set(ranked[1::2])
    between = [correlate_with_numpy(a, b) for a in found for b in found if a is not b]
    assert max(between) < MAX_CORRELATION


def test_the_files_of_finalists_name_their_origin_and_are_formatted(finished: Run) -> None:
    count, winner = len(finished.finalists), finished.finalists[0]
    paths = [finished.folder / "finalists" / f"{rank}.evo" for rank in range(1, count + 1)]
    assert sorted((finished.folder / "finalists").iterdir()) == paths
    for rank, (path, finalist) in enumerate(zip(paths, finished.finalists, strict=True), start=1):
        text, individual = path.read_text("utf-8"), finalist.individual
        assert individual is not None and finalist.validation is not None
        ratio = finalist.validation.metrics["appraisal_ratio"]
        assert text.splitlines()[:6] == [
            f"# finalist: {rank} of {count}",
            f"# score on train: {individual.score:.6g}",
            f"# appraisal_ratio on validation: {ratio:.6g}",
            f"# nodes: {finalist.program.nodes}, {individual.program.nodes} as found",
            f"# proposer: {individual.proposer}, in epoch {individual.epoch}",
            f"# trial: {individual.program.hash}",
        ]
        assert ("# Only the winner has a verdict." in text) == (rank > 1)
        correlation = f"{correlate_positions(finalist.train, winner.train):.2f}"
        assert (f"with those of the winner: {correlation}\n" in text) == (rank > 1)
        assert format_text(text, str(path)) == text
        (program,) = check_file(text, str(path))
        assert program.hash == finalist.program.hash
    assert (finished.folder / "best.evo").read_text("utf-8") == paths[0].read_text("utf-8")
    names = [str(path) for path in paths]
    for command in (["check", *names], ["fmt", "--check", *names]):
        invoke(*command)


def test_the_document_has_the_correlation_of_each_with_the_winner(finished: Run) -> None:
    described: Any = document(finished)["finalists"]
    assert described[0]["correlation"] == 1.0
    for each, finalist in zip(described, finished.finalists, strict=True):
        expected = correlate_with_numpy(finalist, finished.finalists[0])
        assert each["correlation"] == pytest.approx(expected, abs=1e-6)


def test_a_finalist_has_the_name_of_the_experiment_and_a_seed_its_own(finished: Run) -> None:
    data = LoadedData(finished.dataset, finished.split, market())
    seed = replace(one("buy when close > sma(close, 5) hold 3", 1.0), proposer=SEED)
    found = one("buy when close > sma(close, 9) hold 3 stop 5%", 2.0)
    assessed = assess_finalists([found, seed], read_plan(finished.folder / "experiment.yaml"), data)
    names = {each.individual: each.program.name for each in assessed}
    assert names == {found: "sizes_and_behaviour", seed: "s"}


def test_equal_metrics_on_validation_rank_by_score(finished: Run) -> None:
    data = LoadedData(finished.dataset, finished.split, market())
    large = "buy when close > 1e7 and open > 1e7 and high > 1e7"
    never = [one("buy when close > 1e7", 3.0), one("buy when close > 2e7", 2.0), one(large, 1.0)]
    selected = select(never, finished.split.train, MAX_SHORTLIST)
    assert selected == [never[0], never[2], never[1]]  # the best of each size class first
    assessed = assess_finalists(never, read_plan(finished.folder / "experiment.yaml"), data)
    assert len({each.validation_metric("appraisal_ratio") for each in assessed}) == 1
    assert [each.individual for each in assessed] == never
