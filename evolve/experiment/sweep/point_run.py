"""One run of a sweep, from its settings to its row."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

from dsl.diagnostics import LanguageError
from evolve.data import Dataset
from evolve.errors import EvolveError
from evolve.experiment.plan import Plan, read_plan
from evolve.experiment.remove_run import list_files, remove
from evolve.experiment.result_reader import read_result
from evolve.experiment.resume import resume
from evolve.experiment.run import run
from evolve.experiment.sweep.folder import PointRow, SweepFolder
from evolve.notices import NoticeList, NoticeLog
from evolve.stop import Stop
from evolve.store import JOURNAL, RESULT
from evolve.store.database import is_unwritten
from evolve.store.journal import read_event
from evolve.store.lock import is_locked
from evolve.store.totals import read_totals


@dataclass(frozen=True, eq=False)
class SharedData:
    """Bars that several runs use, loaded once.

    Attributes:
        dataset: the bars and their origin.
        notices: what a person should know about them.
    """

    dataset: Dataset
    notices: tuple[str, ...]

    @classmethod
    def load(cls, plan: Plan) -> SharedData:
        """Load the bars of a plan.

        Raises:
            EvolveError: if they cannot be loaded.
        """
        notices = NoticeList()
        return cls(plan.load_dataset(notices), tuple(notices.texts))


@dataclass(frozen=True)
class PlanWithData(Plan):
    """Plan whose bars are loaded already."""

    shared: SharedData | None = None

    def load_dataset(self, notices: NoticeLog) -> Dataset:
        """Return the bars, and repeat the notices about them."""
        if self.shared is None:
            return super().load_dataset(notices)
        for text in self.shared.notices:
            notices.notice(text)
        return self.shared.dataset

    @classmethod
    def of(cls, plan: Plan, shared: SharedData) -> PlanWithData:
        """Return a plan with bars."""
        values = {each.name: getattr(plan, each.name) for each in fields(Plan)}
        return cls(**values, shared=shared)


@dataclass(frozen=True, eq=False)
class PointTask:
    """Task that runs a point of a sweep and writes its row; see `run_side_by_side`.

    Attributes:
        experiment: path of the YAML file.
        overrides: settings `a.b=value` of the points, by number.
        rows: the rows of the points before they run, by number.
        data: their bars, by number; points may share them.
        folder: the folder of the sweep.
    """

    experiment: Path
    overrides: Mapping[int, tuple[str, ...]]
    rows: Mapping[int, PointRow]
    data: Mapping[int, SharedData]
    folder: SweepFolder

    def __call__(self, number: int, stop: Stop) -> None:
        """Run a point, and write its row: before the run, and with its result.

        The caller reports a row that cannot be written.
        """
        row = replace(self.rows[number], status="running")
        with suppress(EvolveError):
            self.folder.write_row(row)
        try:
            plan = read_plan(self.experiment, self.overrides[number])
            plan = PlanWithData.of(plan, self.data[number])
            folder = self.folder.path / row.folder
            _run_or_resume(plan, folder, stop)
            row = _read_row(row, plan.experiment.fitness.maximize[0], folder)
        except (EvolveError, LanguageError, OSError) as error:
            row = replace(row, status="failed", error=str(error))
        except Exception as error:
            text = f"internal error: {type(error).__name__}: {error}"
            row = replace(row, status="failed", error=text)
        with suppress(EvolveError):
            self.folder.write_row(row)


def _run_or_resume(plan: Plan, folder: Path, stop: Stop) -> None:
    """Run a plan in a folder, or go on with the run that began there, unless it is finished."""
    journal = folder / JOURNAL
    if not journal.exists():
        run(plan, out=folder, stop=stop)
        return
    if is_locked(folder):
        raise EvolveError(f"another process runs in {folder}", "wait until it ends")
    if is_unwritten(journal) or not read_event(journal, "begin"):  # stopped before it began
        remove(list_files(folder))
        run(plan, out=folder, stop=stop)
    elif not _has_result(folder):
        resume(folder, stop=stop)


def _has_result(folder: Path) -> bool:
    """Return whether a run has ended, and has written its last result."""
    if not read_totals(folder / JOURNAL).is_finished or not (folder / RESULT).exists():
        return False
    document, _ = read_result(folder)
    return not document.unfinished


def _read_row(row: PointRow, objective: str, folder: Path) -> PointRow:
    """Return the row of a run that ended, with the figures of its folder."""
    document, _ = read_result(folder)
    best = document.best
    return replace(
        row,
        status="stopped" if document.unfinished else "finished",
        objective=objective,
        score=read_totals(folder / JOURNAL).best,
        validation=best.find_metric("validation", objective) if best is not None else None,
        trials=document.trials.evaluated,
        seconds=document.elapsed_seconds,
        verdict=document.verdict.label,
        data=document.data.hash,
    )
