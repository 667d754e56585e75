"""Jobs of a run: their results are in its journal, and are computed once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.config.effort import Workers
from evolve.config.validate import WalkForward as Settings
from evolve.experiment import power as power_module
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.power import PowerTest, describe_power
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.walk_forward import WalkForwardTest, describe_walk_forward
from evolve.notices import NoticeList
from evolve.stop import Stop
from evolve.store import Journal
from evolve.validation.power import Power
from evolve.validation.walk_forward import WalkForward

pytestmark = pytest.mark.usefixtures("own_home")

EXPERIMENT = """
name: stored
seed: 3
data: {from: "synthetic:walk?bars=600&seed=3"}
fitness: {folds: 2, require: {trades_per_fold: 2}}
language: {max_nodes: 20, include: [own.evo]}
start_from: [seeds.evo]
search: {islands: 2, population: 20, generations_per_epoch: 2}
budget: {evaluations: 60}
validate: {null_runs: 19}
"""
OPERATORS = "define dip(x: number, n: window = 20) -> change = x / highest(x, n) - 1"
SEEDS = "strategy first { buy when dip(close, 9) < -0.02  sell when dip(close) > -0.01 }"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, LoadedData]:
    folder = tmp_path_factory.mktemp("stored")
    (folder / "own.evo").write_text(OPERATORS)
    (folder / "seeds.evo").write_text(SEEDS)
    (folder / "stored.yaml").write_text(EXPERIMENT)
    plan = read_plan(folder / "stored.yaml")
    return plan, plan.load(NoticeList())


def list_rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as journal:
        return journal.execute("SELECT * FROM jobs ORDER BY number").fetchall()


def walk(
    opened: tuple[Plan, LoadedData], path: Path, processes: int = 1, limit: int = 99
) -> Iterator[WalkForward]:
    """Yield the walk-forward of a journal up to a number of windows, then stop."""
    stop = Stop()
    with closing(Journal(path) if path.exists() else Journal.create(path)) as journal:
        runner = JobRunner(Workers(processes=processes), NoticeList(), stop, journal.jobs)
        test = WalkForwardTest(*opened, Settings(windows=5), runner)
        for state in test.iterate():
            yield state
            if len(state.results) == limit:
                stop.set()


@pytest.mark.slow
def test_a_walk_forward_goes_on_after_the_windows_in_the_journal(
    opened: tuple[Plan, LoadedData], tmp_path: Path
) -> None:
    *_, whole = walk(opened, tmp_path / "whole.sqlite")
    assert any(each.search.winner for each in whole.results)
    rows = list_rows(tmp_path / "whole.sqlite")
    assert [number for _, number, _ in rows] == [0, 1, 2, 3, 4]
    for processes in (1, 2, 4):
        path = tmp_path / f"{processes}.sqlite"
        *_, part = walk(opened, path, processes, limit=2)
        assert list_rows(path) == rows[:2]
        *_, last = walk(opened, path, processes)
        assert list_rows(path) == rows
        assert describe_walk_forward(last) == describe_walk_forward(whole)
        assert len(part.results) == 2


def test_rows_of_a_journal_are_read_and_not_computed(
    opened: tuple[Plan, LoadedData], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    *_, first = walk(opened, path)

    def refuse(*_: object) -> None:
        raise AssertionError("a search began")

    monkeypatch.setattr("evolve.validation.walk_forward.search", refuse)
    *_, second = walk(opened, path)
    assert describe_walk_forward(second) == describe_walk_forward(first)
    plan, data = opened
    other = plan.experiment.model_copy(update={"seed": 4})
    with pytest.raises(AssertionError, match="a search began"):
        list(walk((replace(plan, experiment=other), data), path))


def measure(opened: tuple[Plan, LoadedData], path: Path, limit: int = 99) -> Power:
    stop, last = Stop(), None
    with closing(Journal(path) if path.exists() else Journal.create(path)) as journal:
        runner = JobRunner(Workers(processes=2), NoticeList(), stop, journal.jobs)
        for state in PowerTest(*opened, runner).iterate():
            if isinstance(state, Power):
                last = state
                if sum(len(each.found) for each in state.rows) == limit:
                    stop.set()
    assert last is not None
    return last


@pytest.mark.slow
def test_a_power_test_goes_on_after_the_searches_in_the_journal(
    opened: tuple[Plan, LoadedData], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power_module, "choose_edges", lambda *_: (0.0, 100.0))
    whole = measure(opened, tmp_path / "whole.sqlite")
    rows = list_rows(tmp_path / "whole.sqlite")
    assert len(rows) == sum(len(each.found) for each in whole.rows)
    part = measure(opened, tmp_path / "part.sqlite", limit=7)
    assert not part.is_complete
    assert list_rows(tmp_path / "part.sqlite") == rows[:7]
    last = measure(opened, tmp_path / "part.sqlite")
    assert describe_power(last) == describe_power(whole)
    assert list_rows(tmp_path / "part.sqlite") == rows
