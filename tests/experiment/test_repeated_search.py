"""Power and walk-forward of small experiments: deterministic, and blind to later bars."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from dsl.analysis.check import check
from dsl.bars import FIELDS, Bars
from evolve.config.validate import WalkForward as Settings
from evolve.data import load
from evolve.errors import EvolveError
from evolve.experiment import power as power_module
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.power import PowerTest, describe_power
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.run import run
from evolve.experiment.walk_forward import WalkForwardTest, describe_walk_forward
from evolve.notices import NoticeList
from evolve.stop import Stop
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullSearcher
from evolve.validation.power import MARKETS_PER_EDGE, RULES, Power
from evolve.validation.walk_forward import WalkForward
from tests.samples import random_bars

pytestmark = pytest.mark.usefixtures("own_home")

EXPERIMENT = """
name: tiny
data: {from: "synthetic:walk?bars=600&seed=3"}
fitness: {folds: 2, require: {trades_per_fold: 2}}
search: {islands: 2, population: 20, generations_per_epoch: 2}
language: {max_nodes: 20}
budget: {evaluations: 120}
workers: 1
"""
STRATEGY = "strategy s { buy when close > open sell when close < open }"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(EXPERIMENT)
    return path


def read(path: Path, *overrides: str) -> tuple[Plan, LoadedData]:
    plan = read_plan(path, overrides)
    return plan, plan.load(NoticeList())


def runner(plan: Plan, stop: Stop | None = None) -> JobRunner:
    return JobRunner(plan.experiment.workers, NoticeList(), stop or Stop())


# -- walk-forward


def walk(plan: Plan, data: LoadedData, anchored: bool = True, windows: int = 4) -> WalkForward:
    settings = Settings(windows=windows, anchored=anchored)
    (*_, last) = WalkForwardTest(plan, data, settings, runner(plan)).iterate()
    return last


def with_future(plan: Plan, bars: Bars, known: int) -> LoadedData:
    """Return the data of other prices from a bar on, near the last known price."""
    other = random_bars(99, len(bars))
    panels = {}
    for name in FIELDS:
        values = getattr(bars, name).copy()
        values[:, known:] = getattr(other, name)[:, known:]
        panels[name] = values
    dataset = load("synthetic:walk?bars=600&seed=3")
    return plan.split(replace(dataset, bars=replace(bars, **panels)))


@pytest.mark.parametrize("anchored", [True, False])
def test_other_prices_in_the_holdout_change_nothing(path: Path, anchored: bool) -> None:
    plan, data = read(path)
    bars, seen = data.dataset.bars, len(data.split.seen)
    found = walk(plan, data, anchored)
    assert found.results[-1].search.window.end == seen < len(bars)
    other = with_future(plan, bars, seen)
    assert other.dataset.bars.hash != bars.hash
    assert describe_walk_forward(walk(plan, other, anchored)) == describe_walk_forward(found)


@pytest.mark.parametrize("anchored", [True, False])
def test_the_winner_of_a_window_does_not_depend_on_later_bars(path: Path, anchored: bool) -> None:
    plan, data = read(path)
    found = walk(plan, data, anchored)
    windows = [each.search.window for each in found.results]
    other = walk(plan, with_future(plan, data.dataset.bars, windows[2].begin), anchored)
    programs = [
        [each.search.winner.key if each.search.winner else None for each in one.results]
        for one in (found, other)
    ]
    assert programs[0][:3] == programs[1][:3]
    assert programs[0][3] != programs[1][3]
    for one, changed in zip(found.results[:2], other.results[:2], strict=True):
        assert one.outside and changed.outside
        assert one.outside.metrics == changed.outside.metrics


def test_the_walk_forward_does_not_depend_on_the_number_of_processes(path: Path) -> None:
    plan, data = read(path)
    documents = [
        describe_walk_forward(walk(*read(path, f"workers={processes}"))) for processes in (2, 3)
    ]
    assert documents == [describe_walk_forward(walk(plan, data))] * 2


def test_a_rolling_search_sees_no_bar_before_its_first_one_but_to_warm_up(path: Path) -> None:
    plan, data = read(path)
    found = walk(plan, data, anchored=False)
    lengths = {each.search.window.begin - each.search.window.first for each in found.results}
    assert lengths == {len(data.split.seen) // 2}
    anchored = walk(plan, data)
    assert found.results[0].search == anchored.results[0].search
    pairs = list(zip(found.results[1:], anchored.results[1:], strict=True))
    assert all(one.search.winner != other.search.winner for one, other in pairs)


def test_the_account_passes_from_window_to_window(path: Path) -> None:
    found = walk(*read(path))
    growth = [1 + each.outside.metrics["total_return"] for each in found.results if each.outside]
    assert len(growth) == 4
    assert found.metrics["total_return"] == pytest.approx(math.prod(growth) - 1)


def test_a_window_without_a_feasible_strategy_is_reported(path: Path) -> None:
    plan, data = read(path, "fitness.require.trades_per_fold=1000")
    found = walk(plan, data)
    assert [each.search.winner for each in found.results] == [None] * 4
    assert found.efficiency is None
    assert found.metrics["total_return"] == 0
    document = json.loads(json.dumps(describe_walk_forward(found), allow_nan=False))
    assert "source" not in document["results"][0]


# -- power


class _Counted:
    """Counter of the searches that run in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        search = NullSearcher.run

        def count(self_: NullSearcher, *args: Any) -> Any:
            self.count += 1
            return search(self_, *args)

        monkeypatch.setattr(NullSearcher, "run", count)


def measure(plan: Plan, data: LoadedData) -> tuple[list[NullRun], list[Power]]:
    states = list(PowerTest(plan, data, runner(plan)).iterate())
    nulls = [each for each in states if isinstance(each, NullRun)]
    return nulls, [each for each in states if isinstance(each, Power)]


def use_edges(monkeypatch: pytest.MonkeyPatch, edges: Sequence[float]) -> None:
    monkeypatch.setattr(power_module, "choose_edges", lambda *_: tuple(edges))


@pytest.mark.slow
def test_power_rises_with_the_edge_and_does_not_depend_on_processes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_edges(monkeypatch, (0.0, 100.0))
    documents = []
    for processes in (1, 2):
        monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / str(processes)))
        nulls, powers = measure(*read(path, f"workers={processes}"))
        assert len(nulls) == 19
        assert [len(each.rows) for each in powers] == [1] * 10 + [2] * 10
        documents.append(describe_power(powers[-1]))
    assert documents[0] == documents[1]
    nothing, something = powers[-1].rows
    assert sum(nothing.found) <= 2
    assert something.ratio > nothing.ratio + 1
    assert sum(something.found) > sum(nothing.found)


@pytest.mark.slow
def test_null_searches_of_the_ledger_are_reused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_edges(monkeypatch, (0.0,))
    plan, data = read(path)
    counted = _Counted(monkeypatch)
    first = measure(plan, data)[1][-1]
    assert counted.count == 19 + MARKETS_PER_EDGE
    counted.count = 0
    assert asdict(measure(plan, data)[1][-1]) == asdict(first)
    assert counted.count == MARKETS_PER_EDGE


@pytest.mark.slow
def test_a_grid_ends_at_the_first_edge_that_all_searches_find(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_edges(monkeypatch, (10.0, 20.0, 30.0))
    monkeypatch.setattr(power_module, "list_found", lambda power, bests: (True,) * len(bests))
    plan, data = read(path)
    powers = measure(plan, data)[1]
    assert len(powers) == MARKETS_PER_EDGE
    assert powers[-1].is_complete
    assert [each.edge_bps for each in powers[-1].rows] == [10.0]


@pytest.mark.slow
def test_a_run_reports_power_and_walk_forward_and_shares_its_null_searches(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_edges(monkeypatch, (20.0,))
    limits = ("budget.evaluations=5000", "budget.stale_epochs=1")
    wanted = ("validate.power=true", "validate.walk_forward={windows: 2}")
    finished = run(path, (*limits, *wanted), tmp_path / "run")
    document = json.loads((tmp_path / "run" / "result.json").read_text())
    assert document["power"]["trials"] == document["trials"]["evaluated"]
    assert document["power"]["edges"][0]["searches"] == MARKETS_PER_EDGE
    assert len(document["walk_forward"]["results"]) == 2
    assert document["trials"]["evaluated"] < 5000
    plain = run(path, (*limits, "validate.walk_forward=off"), tmp_path / "plain")
    assert plain.diagnostics is not None
    assert plain.diagnostics.describe() == {}
    assert plain.best is not None
    assert finished.best is not None
    assert plain.best.program.key == finished.best.program.key
    counted = _Counted(monkeypatch)
    found = measure(*read(path, *limits))[1][-1]
    assert counted.count == MARKETS_PER_EDGE
    assert found.trials == document["trials"]["evaluated"]


def test_a_stop_ends_a_power_test_between_searches(path: Path) -> None:
    plan, data = read(path)
    stop = Stop()
    states = []
    for state in PowerTest(plan, data, runner(plan, stop)).iterate():
        states.append(state)
        stop.set()
    assert len(states) == 1
    assert isinstance(states[0], NullRun)


REFUSED = {
    "validate.null_runs=0": "needs null searches",
    "language.operators=[sma]": "can write none of the hidden rules",
    "language={operators: [highest, '>', lag], max_nodes: 5}": "can write none of the hidden rules",
}


@pytest.mark.parametrize("override", REFUSED)
def test_power_is_refused_with_its_reason(path: Path, override: str) -> None:
    plan, data = read(path, override)
    with pytest.raises(EvolveError, match=REFUSED[override]) as caught:
        measure(plan, data)
    assert caught.value.hint


def test_only_rules_that_the_search_can_write_are_planted(path: Path) -> None:
    plan, data = read(path, "language.operators=[highest, '>', lag]")
    test = PowerTest(plan, data, runner(plan))
    assert [each.name for each in test._choose_rules()] == ["breakout"]
    plan, data = read(path)
    assert PowerTest(plan, data, runner(plan))._choose_rules() == RULES


def test_trials_of_another_run_are_no_start_for_a_repeated_search(path: Path) -> None:
    plan, data = read(path)
    tested = replace(plan, extra=(check(STRATEGY),))
    with pytest.raises(EvolveError, match="selected on these prices"):
        walk(tested, data)
    with pytest.raises(EvolveError, match="selected on these prices"):
        measure(tested, data)


def test_a_short_experiment_has_a_negative_edge(path: Path) -> None:
    plan, data = read(path, "language.directions=[short]")
    assert PowerTest(plan, data, runner(plan)).direction == "short"
    plan, data = read(path, "language.directions=[short, long]")
    assert PowerTest(plan, data, runner(plan)).direction == "long"
