"""Resumption: a run that goes on equals one that was never interrupted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.observer import Observer
from evolve.experiment.plan import read_plan
from evolve.experiment.result import Run, versions
from evolve.experiment.resume import resume
from evolve.experiment.run import run
from evolve.report.save import save_report
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.store.journal import read_changes
from evolve.store.lock import hold_lock
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.run_ledger import RunLedger
from tests.experiment.compare_runs import assert_equal_runs, read_result, read_rows
from tests.experiment.small_runs import Stopper, write_experiment

PASSES = "synthetic:planted?seed=8&bars=2500&edge_bps=100&rule=roc(close, 1) < 0"
SETTINGS = ("search.population=10", "budget.evaluations=80", "validate.null_runs=19")


class StopAfter(Observer):
    """Observer that requests a stop after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.stop, self.epoch = Stop(), epoch

    def progress(self, progress: Progress, seconds: float) -> None:
        if progress.epoch >= self.epoch:
            self.stop.set()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a ledger of its own to each run: use `switch`."""
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    yield tmp_path


def switch(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(path))


def run_whole(folder: Path, *settings: str) -> Run:
    plan = read_plan(write_experiment(folder, PASSES), (*SETTINGS, *settings))
    return run(plan, out=folder / "whole")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run that was never interrupted, and passed every gate."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(folder / "home"))
        finished = run_whole(folder)
    assert finished.evidence.holdout is not None
    return finished


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run without a test, which was interrupted."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(folder / "home"))
        return begin(folder, "run", StopAfter(1), "validate.null_runs=0")


@pytest.fixture
def stopped(home: Path, stopped_run: Path) -> Path:
    """Return a copy of the folder of an interrupted run."""
    return Path(shutil.copytree(stopped_run, home / "run"))


def begin(folder: Path, name: str, observer: StopAfter | Stopper, *settings: str) -> Path:
    """Begin a run that is interrupted; return its folder."""
    plan = read_plan(write_experiment(folder, PASSES), (*SETTINGS, *settings))
    run(plan, out=folder / name, observer=observer, stop=observer.stop)
    return folder / name


@pytest.mark.parametrize(
    "epoch", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)]
)
def test_a_run_that_was_interrupted_after_any_epoch_equals_one_that_was_not(
    home: Path, whole: Run, epoch: int
) -> None:
    assert epoch <= whole.progress.epoch <= 3
    folder = begin(home, "run", StopAfter(epoch))
    if epoch < whole.progress.epoch:
        document = json.loads((folder / "result.json").read_text("utf-8"))
        assert document["unfinished"] is True
        assert "finished" not in {each["kind"] for each in read_rows(folder)["events"]}
    assert resume(folder).is_complete
    assert_equal_runs(folder, whole.folder)


@pytest.mark.parametrize("event", ["null_search", pytest.param("family", marks=pytest.mark.slow)])
def test_a_run_that_was_interrupted_in_its_validation_equals_one_that_was_not(
    home: Path, whole: Run, event: str
) -> None:
    resume(begin(home, "run", Stopper(event)))
    assert_equal_runs(home / "run", whole.folder)


@pytest.mark.slow
def test_a_run_may_be_interrupted_again_and_again(home: Path, whole: Run) -> None:
    folder = begin(home, "run", StopAfter(0))
    for epoch in range(1, whole.progress.epoch):
        observer = StopAfter(epoch)
        assert not resume(folder, observer=observer, stop=observer.stop).is_complete
    resume(folder)
    assert_equal_runs(folder, whole.folder)


@pytest.mark.slow
def test_other_processes_continue_the_run(home: Path, whole: Run) -> None:
    folder = begin(home, "run", StopAfter(1))
    assert resume(folder, ["workers.processes=2"]).experiment.workers.processes == 2
    rows, others = read_rows(folder), read_rows(whole.folder)
    assert rows["trials"] == others["trials"]
    assert read_result(folder) == read_result(whole.folder)


@pytest.mark.parametrize(
    "evaluations", [80, *[pytest.param(each, marks=pytest.mark.slow) for each in (30, 50, 75)]]
)
def test_a_finished_run_with_a_larger_budget_equals_one_that_had_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, evaluations: int
) -> None:
    larger = "budget.evaluations=130"
    tests = "validate.null_runs=0", "validate.walk_forward.windows=2"
    whole = run_whole(home, larger, *tests)
    switch(monkeypatch, home / "other")
    plan = read_plan(
        write_experiment(home, PASSES),
        (*SETTINGS, f"budget.evaluations={evaluations}", *tests),
    )
    first = run(plan, out=home / "run", report=save_report)
    resume(first.folder, [larger])
    assert_equal_runs(first.folder, whole.folder)
    ledger = RunLedger(Ledger(ledger_path()))
    runs = ledger.list_runs(first.split.train.hash)
    assert [each.trials for each in runs] == [evaluations, 130]  # each is an attempt
    earlier = json.loads((first.folder / "earlier/1/result.json").read_text("utf-8"))
    assert earlier["trials"]["evaluated"] == evaluations
    assert (first.folder / "earlier/1/report.html").exists()


def test_a_finished_run_does_not_go_on_without_a_larger_budget(home: Path) -> None:
    finished = run_whole(home, "validate.null_runs=0")
    save_report(finished.folder)
    content = read_rows(finished.folder)
    with pytest.raises(EvolveError) as error:
        resume(finished.folder)
    assert "is finished" in str(error.value)
    assert "--set budget.evaluations=160" in str(error.value)
    for setting in ("budget.minutes=9", "budget.stale_epochs=3", "workers.processes=2"):
        with pytest.raises(EvolveError, match="is finished"):
            resume(finished.folder, [setting])
    with pytest.raises(EvolveError, match="cannot end at 60 evaluations"):
        resume(finished.folder, ["budget.evaluations=60"])
    assert read_rows(finished.folder) == content


@pytest.mark.slow
def test_a_run_that_found_no_improvement_needs_another_limit(home: Path) -> None:
    finished = run_whole(
        home, "validate.null_runs=0", "budget.stale_epochs=1", "budget.evaluations=500"
    )
    assert "no improvement" in finished.progress.stop_reason
    with pytest.raises(EvolveError, match="stale_epochs=null"):
        resume(finished.folder, ["budget.evaluations=2000"])
    going_on = resume(finished.folder, ["budget.stale_epochs=null"])
    assert going_on.progress.evaluated == 500


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("seed=2", "seed from 1 to 2"),
        pytest.param(
            "backtest.slippage_bps=9", "backtest.slippage_bps from", marks=pytest.mark.slow
        ),
        ("search.population=30", "search.population from 10 to 30"),
        ("search.proposers.crossover=9", "search.proposers.crossover from"),
    ],
)
def test_other_changes_are_refused_until_they_are_accepted(
    stopped: Path, setting: str, part: str
) -> None:
    folder = stopped
    content = (folder / "experiment.yaml").read_text("utf-8"), read_rows(folder)
    with pytest.raises(EvolveError) as error:
        resume(folder, [setting])
    assert part in str(error.value)
    assert "--accept-changes" in str(error.value)
    assert ((folder / "experiment.yaml").read_text("utf-8"), read_rows(folder)) == content
    finished = resume(folder, [setting, "validate.null_runs=19"], accepts_changes=True)
    assert finished.evidence.untested.startswith("settings changed during the search")
    assert part in finished.evidence.untested
    assert setting.partition("=")[0] in read_changes(folder / "journal.sqlite")[-1]


@pytest.mark.parametrize(
    "setting", ["name=other", "data.from=sample:sp500", "search.islands=3", "split.holdout=0.3",
                "fitness.minimize=[]", "start_from=[a.evo]"],
)  # fmt: skip
def test_what_the_checkpoint_rests_on_cannot_change(stopped: Path, setting: str) -> None:
    folder = stopped
    (folder / "a.evo").write_text("strategy a { buy when close > 1 }", "utf-8")
    with pytest.raises(EvolveError, match=r"cannot change|no such file"):
        resume(folder, [setting], accepts_changes=True)


def test_another_version_is_a_change(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stopped
    name, real = "evolve.experiment.resume.versions", versions()
    monkeypatch.setattr(name, lambda: {**real, "numpy": "1.0"})
    with pytest.raises(EvolveError, match=r"numpy from .* to 1\.0"):
        resume(folder)
    monkeypatch.setattr(name, lambda: {**real, "language": "2"})
    with pytest.raises(EvolveError, match="meaning of programs"):
        resume(folder, accepts_changes=True)
    monkeypatch.setattr(name, lambda: {**real, "numpy": "1.0"})
    assert resume(folder, accepts_changes=True).is_complete


def test_a_second_process_is_refused(stopped: Path) -> None:
    folder = stopped
    with hold_lock(folder), pytest.raises(EvolveError, match=str(os.getpid())):
        resume(folder)


@pytest.mark.slow
def test_the_snapshot_and_the_inputs_are_those_of_the_run(home: Path, whole: Run) -> None:
    folder = begin(home, "run", StopAfter(1))
    (home / "small.yaml").unlink()
    moved = home / "elsewhere" / "run"
    moved.parent.mkdir()
    shutil.move(folder, moved)
    resume(moved)
    assert_equal_runs(moved, whole.folder)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("experiment.yaml", "no such file"),
        ("bars.parquet", "bars.parquet"),
        ("journal.sqlite", "no run in"),
    ],
)
def test_a_folder_without_a_file_is_refused(stopped: Path, name: str, part: str) -> None:
    folder = stopped
    (folder / name).unlink()
    with pytest.raises(EvolveError, match=part):
        resume(folder)


def test_a_run_of_an_earlier_version_is_refused_and_not_migrated(stopped: Path) -> None:
    path = stopped / "journal.sqlite"
    with closing(sqlite3.connect(path)) as journal:
        journal.executescript("DELETE FROM events WHERE kind='settings'; PRAGMA user_version=2;")
    with pytest.raises(EvolveError, match="earlier version, which wrote no checkpoints"):
        resume(stopped)
    with closing(sqlite3.connect(path)) as journal:
        assert journal.execute("PRAGMA user_version").fetchone() == (2,)


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_folder_without_a_run_is_refused(home: Path, folder: str) -> None:
    (home / "empty").mkdir()
    with pytest.raises(EvolveError, match="no run in"):
        resume(home / folder)
    assert not list((home / "empty").iterdir())


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("population: 10", "population: 12", "search.population from 10 to 12"),
        ("name: small", "name: other", "cannot change name from small to other"),
        ("holdout: 0.2", "holdout: 0.3", "cannot change split.holdout"),
    ],
)
def test_settings_that_were_changed_by_hand_are_noticed(
    stopped: Path, old: str, new: str, part: str
) -> None:
    path = stopped / "experiment.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(EvolveError, match=part) as error:
        resume(stopped)
    assert "restore experiment.yaml" in str(error.value)


def test_a_budget_that_was_changed_by_hand_counts(stopped: Path) -> None:
    path = stopped / "experiment.yaml"
    path.write_text(path.read_text("utf-8").replace("evaluations: 80", "evaluations: 90"), "utf-8")
    assert resume(stopped).progress.evaluated == 90
    assert read_changes(stopped / "journal.sqlite")[-1] == {"budget.evaluations": [80, 90]}


def test_inputs_that_were_changed_by_hand_are_noticed(stopped: Path) -> None:
    (stopped / "inputs").mkdir()
    (stopped / "inputs" / "a.evo").write_text("strategy a { buy when close > 1 }", "utf-8")
    with pytest.raises(EvolveError, match=r"a\.evo is not that of the run"):
        resume(stopped)
