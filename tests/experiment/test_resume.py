"""Resumption: a run that goes on equals one that was never interrupted."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.observer import Observer
from evolve.experiment.plan import Plan, read_plan
from evolve.experiment.result import Run, versions
from evolve.experiment.resume import resume
from evolve.experiment.run import run
from evolve.report.save import save_report
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.store import Journal
from evolve.store.lock import hold_lock
from tests.experiment.compare_runs import assert_equal_runs, read_result, read_rows
from tests.experiment.small_runs import EDGE, Stopper, write_experiment

SETTINGS = ("budget.evaluations=300", "validate.null_runs=0")
TESTED = "validate.null_runs=19"
LARGER = "budget.evaluations=400"


class StopAfter(Observer):
    """Observer that requests a stop after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.stop, self.epoch = Stop(), epoch

    def progress(self, progress: Progress, seconds: float) -> None:
        if progress.epoch >= self.epoch:
            self.stop.set()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the experiment, and of the runs that are not interrupted."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a test, whose ledger no other run uses."""
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    return tmp_path


def read(shared: Path, settings: Sequence[str]) -> Plan:
    return read_plan(write_experiment(shared, EDGE), (*SETTINGS, *settings))


def run_whole(shared: Path, *settings: str) -> Run:
    """Run the experiment with a ledger of its own."""
    folder = shared / str(len(list(shared.iterdir())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(folder / "home"))
        return run(read(shared, settings), out=folder / "run")


@pytest.fixture(scope="module")
def whole(shared: Path) -> Run:
    return run_whole(shared)


@pytest.fixture(scope="module")
def tested(shared: Path) -> Run:
    return run_whole(shared, TESTED)


@pytest.fixture(scope="module")
def larger(shared: Path) -> Run:
    return run_whole(shared, LARGER)


@pytest.fixture(scope="module")
def stopped(shared: Path) -> Path:
    """Return the folder of a run that was interrupted after its epoch 1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(shared / "home of stopped"))
        return begin(shared, shared / "stopped", StopAfter(1))


@pytest.fixture
def folder(home: Path, stopped: Path) -> Path:
    """Return a copy of the interrupted run."""
    return Path(shutil.copytree(stopped, home / "run"))


def begin(shared: Path, folder: Path, observer: StopAfter | Stopper, *settings: str) -> Path:
    """Begin a run that is interrupted; return its folder."""
    run(read(shared, settings), out=folder, observer=observer, stop=observer.stop)
    return folder


def test_a_run_that_was_interrupted_after_any_epoch_equals_one_that_was_not(
    shared: Path, home: Path, whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for epoch in range(whole.progress.epoch + 1):
        monkeypatch.setenv("EVOLVE_HOME", str(home / f"home{epoch}"))
        folder = begin(shared, home / str(epoch), StopAfter(epoch))
        if epoch < whole.progress.epoch:
            document = json.loads((folder / "result.json").read_text("utf-8"))
            assert document["unfinished"] is True
            assert "finished" not in {each["kind"] for each in read_rows(folder)["events"]}
        finished = resume(folder)
        assert finished.is_complete
        assert_equal_runs(folder, whole.folder)


@pytest.mark.parametrize("event", ["null_search", "family"])
def test_a_run_that_was_interrupted_in_its_validation_equals_one_that_was_not(
    shared: Path, home: Path, tested: Run, event: str
) -> None:
    resume(begin(shared, home / "run", Stopper(event), TESTED))
    assert_equal_runs(home / "run", tested.folder)


def test_a_run_may_be_interrupted_again_and_again(shared: Path, home: Path, whole: Run) -> None:
    folder = begin(shared, home / "run", StopAfter(0))
    for epoch in range(1, whole.progress.epoch):
        observer = StopAfter(epoch)
        assert not resume(folder, observer=observer, stop=observer.stop).is_complete
    resume(folder)
    assert_equal_runs(folder, whole.folder)


def test_other_processes_continue_the_run(folder: Path, whole: Run) -> None:
    assert resume(folder, ["workers.processes=2"]).experiment.workers.processes == 2
    rows, others = read_rows(folder), read_rows(whole.folder)
    assert rows["trials"] == others["trials"]
    assert read_result(folder) == read_result(whole.folder)


@pytest.mark.parametrize("evaluations", [90, 150, 180, 300])
def test_a_finished_run_with_a_larger_budget_equals_one_that_had_it(
    shared: Path, home: Path, larger: Run, evaluations: int
) -> None:
    plan = read(shared, [f"budget.evaluations={evaluations}"])
    first = run(plan, out=home / "run", report=save_report)
    before = read_rows(first.folder)["trials"]
    resume(first.folder, [LARGER])
    assert_equal_runs(first.folder, larger.folder)
    assert {each["hash"] for each in before} <= {
        each["hash"] for each in read_rows(first.folder)["trials"]
    }
    earlier = json.loads((first.folder / "earlier/1/result.json").read_text("utf-8"))
    assert earlier["trials"]["evaluated"] == evaluations
    assert (first.folder / "earlier/1/report.html").exists()


def test_a_finished_run_does_not_go_on_without_a_larger_budget(home: Path) -> None:
    finished = run_whole(home)
    save_report(finished.folder)
    content = read_rows(finished.folder)
    with pytest.raises(EvolveError) as error:
        resume(finished.folder)
    assert "is finished" in str(error.value)
    assert "--set budget.evaluations=600" in str(error.value)
    assert read_rows(finished.folder) == content


def test_a_run_that_found_no_improvement_needs_another_limit(home: Path) -> None:
    runs = (run_whole(home, "budget.stale_epochs=1", f"seed={seed}") for seed in range(1, 9))
    finished = next(each for each in runs if "no improvement" in each.progress.stop_reason)
    with pytest.raises(EvolveError, match="stale_epochs=null"):
        resume(finished.folder, ["budget.evaluations=2000"])
    going_on = resume(finished.folder, ["budget.stale_epochs=null"])
    assert going_on.progress.evaluated == 300


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("seed=2", "seed from 1 to 2"),
        ("backtest.slippage_bps=9", "backtest.slippage_bps from"),
        ("search.population=30", "search.population from 20 to 30"),
        ("search.proposers.crossover=9", "search.proposers.crossover from"),
    ],
)
def test_other_changes_are_refused_until_they_are_accepted(
    folder: Path, setting: str, part: str
) -> None:
    content = (folder / "experiment.yaml").read_text("utf-8"), read_rows(folder)
    with pytest.raises(EvolveError) as error:
        resume(folder, [setting])
    assert part in str(error.value)
    assert "--accept-changes" in str(error.value)
    assert ((folder / "experiment.yaml").read_text("utf-8"), read_rows(folder)) == content
    finished = resume(folder, [setting, TESTED], accepts_changes=True)
    assert finished.evidence.untested.startswith("settings changed during the search")
    assert part in finished.evidence.untested
    journal = Journal(folder / "journal.sqlite")
    assert setting.partition("=")[0] in journal.list_changes()[-1]
    journal.close()


@pytest.mark.parametrize(
    "setting", ["name=other", "data.from=sample:sp500", "search.islands=3", "split.holdout=0.3",
                "fitness.minimize=[]", "start_from=[a.evo]"],
)  # fmt: skip
def test_what_the_checkpoint_rests_on_cannot_change(folder: Path, setting: str) -> None:
    (folder / "a.evo").write_text("strategy a { buy when close > 1 }", "utf-8")
    with pytest.raises(EvolveError, match=r"cannot change|no such file"):
        resume(folder, [setting], accepts_changes=True)


def test_another_version_is_a_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, real = "evolve.experiment.resume.versions", versions()
    monkeypatch.setattr(name, lambda: {**real, "numpy": "1.0"})
    with pytest.raises(EvolveError, match=r"numpy from .* to 1\.0"):
        resume(folder)
    monkeypatch.setattr(name, lambda: {**real, "language": "2"})
    with pytest.raises(EvolveError, match="meaning of programs"):
        resume(folder, accepts_changes=True)
    monkeypatch.setattr(name, lambda: {**real, "numpy": "1.0"})
    assert resume(folder, accepts_changes=True).is_complete


def test_a_second_process_is_refused(folder: Path) -> None:
    with hold_lock(folder), pytest.raises(EvolveError, match=str(os.getpid())):
        resume(folder)
    assert resume(folder).is_complete


def test_the_snapshot_and_the_inputs_are_those_of_the_run(
    shared: Path, home: Path, folder: Path, whole: Run
) -> None:
    (shared / "small.yaml").unlink()
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
def test_a_folder_without_a_file_is_refused(folder: Path, name: str, part: str) -> None:
    (folder / name).unlink()
    with pytest.raises(EvolveError, match=part):
        resume(folder)


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_folder_without_a_run_is_refused(home: Path, folder: str) -> None:
    (home / "empty").mkdir()
    with pytest.raises(EvolveError, match="no run in"):
        resume(home / folder)
    assert not list((home / "empty").iterdir())
