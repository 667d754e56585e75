"""Finished run, read from its folder: the one reader of run folders.

Its files must belong together. The version of the folder's format is in its journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evolve.config.data import Data
from evolve.errors import EvolveError
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.result import describe_parts
from evolve.experiment.result_parts import DataDocument
from evolve.experiment.result_reader import HINT, ResultDocument, read_result
from evolve.notices import NoticeList
from evolve.store import RunFolder
from evolve.store.files import BARS, EXPERIMENT
from evolve.store.journal import Trial, check_journal, read_trials

WITHOUT_FILES = ("llm.replay=null", "llm.learnings=null", "llm.prompts=null", "llm.tasks=all")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """Finished run, read from its folder.

    Attributes:
        folder: the run folder.
        plan: the plan of its experiment, with the snapshot of the bars as data.
        document: the parts of the result document that commands use.
        result: the whole result document.
    """

    folder: Path
    plan: Plan
    document: ResultDocument
    result: Mapping[str, Any]

    @cached_property
    def data(self) -> LoadedData:
        """Data of the run, loaded once.

        Raises:
            EvolveError: if the snapshot of the bars cannot be read, or is another one.
        """
        return load_snapshot(self.folder, self.plan, self.document.data)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Trials of the run in order, read once.

        Raises:
            EvolveError: if the journal cannot be read, or is that of another run.
        """
        journal, best = RunFolder(self.folder).journal, self.document.best
        trials = tuple(read_trials(journal))
        hashes = {each.program.hash for each in trials}
        if len(trials) != self.document.trials.evaluated or (best and best.trial not in hashes):
            raise EvolveError(f"{journal} has not the trials of the run", HINT)
        return trials

    def verify(self) -> None:
        """Raise EvolveError if a file of the run is damaged, or of another run."""
        _ = self.data, self.trials

    @property
    def feasible(self) -> tuple[Trial, ...]:
        """Trials that meet every requirement."""
        return tuple(each for each in self.trials if not each.infeasible_reason)


def read_run(folder: Path) -> FinishedRun:
    """Read a finished run from its folder.

    Raises:
        EvolveError, LanguageError: if the folder has no finished run, or a damaged file.
    """
    document, result = read_result(folder)
    check_journal(RunFolder(folder).journal)
    plan = read_run_plan(folder, document.data.fallback_used)
    if (plan.experiment.name, plan.experiment.seed) != (document.name, document.seed):
        raise EvolveError(f"{folder}: experiment.yaml is not that of the run", HINT)
    return FinishedRun(folder, plan, document, result)


def load_snapshot(folder: Path, plan: Plan, origin: DataDocument | None) -> LoadedData:
    """Load the data of a run folder from the snapshot of its bars.

    Args:
        folder: the run folder.
        plan: its plan.
        origin: the origin of its bars, with their hash and parts; None if it is unknown.

    Raises:
        EvolveError: if the snapshot cannot be read, or if it or the split is not that of the run.
            Another split would show bars of a sealed holdout.
    """
    with advise_to_restore():
        data = plan.load(NoticeList())
    if origin is not None:
        check_snapshot(folder, data, origin)
    return data


@contextmanager
def advise_to_restore() -> Iterator[None]:
    """Give the errors of the snapshot of a run a remedy for a file that evolve wrote.

    Raises:
        EvolveError: if the block raises one.
    """
    try:
        yield
    except EvolveError as error:
        raise EvolveError(error.message, HINT) from None


def check_experiment(folder: Path) -> None:
    """Raise EvolveError if a run folder has no experiment."""
    if not (folder / EXPERIMENT).exists():
        raise EvolveError(f"no such file: {folder / EXPERIMENT}", HINT)


def check_snapshot(folder: Path, data: LoadedData, origin: DataDocument) -> None:
    """Raise EvolveError if data are not those of the run of a folder, or are split otherwise."""
    if data.dataset.bars.hash != origin.hash:
        raise EvolveError(f"{folder}: {BARS} is not the snapshot of the run", HINT)
    if origin.parts not in (None, describe_parts(data.split)):
        raise EvolveError(f"{folder}: {EXPERIMENT} is not that of the run", HINT)


def read_run_plan(folder: Path, fallback_used: bool) -> Plan:
    """Read the plan of a run folder, with the snapshot of the bars as data.

    Args:
        folder: the run folder.
        fallback_used: whether its data are those of the fallback, which may have another split.

    Raises:
        EvolveError, LanguageError: if its experiment or a file that it names is damaged.
    """
    check_experiment(folder)
    plan = read_plan(folder / EXPERIMENT, WITHOUT_FILES)
    parts = plan.experiment.split
    if fallback_used and parts.fallback is not None:
        parts = parts.fallback
    snapshot = Data(source=f"parquet:{(folder / BARS).resolve()}")
    llm = plan.experiment.llm.model_copy(update={"mode": "off"})  # after the check of `scored_on`
    experiment = plan.experiment.model_copy(update={"data": snapshot, "split": parts, "llm": llm})
    return replace(plan, experiment=experiment)
