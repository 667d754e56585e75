"""View of a run folder in any state: running, stopped or finished."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dsl.analysis.check import check_file
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from evolve.errors import EvolveError
from evolve.experiment.finished_run import load_snapshot, read_run_plan
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.result_parts import DataDocument, FinalistDocument
from evolve.experiment.result_reader import HINT, ResultDocument, read_result
from evolve.experiment.run_events import (
    BeginEvent,
    DataEvent,
    Event,
    NullSearchEvent,
    read_events,
)
from evolve.experiment.run_folders import EXAMPLE
from evolve.experiment.run_state import RunState, decide_state
from evolve.files import read_text
from evolve.store import RESULT, RunFolder
from evolve.store.lock import is_locked
from evolve.store.rows import JournalRows, read_rows
from evolve.validation.null_run import NullRun


@dataclass(frozen=True, eq=False)
class RunView:
    """What a run folder has at one moment; parts that do not exist yet are empty.

    Attributes:
        folder: the run folder.
        state: `finished` once the run has its verdict; a run that was killed is `stopped`.
        plan: the plan of its experiment, with the snapshot of the bars as data.
        document: the parts of the result document that commands use; None before the first.
        result: the whole result document; empty before the first.
        rows: rows of the journal.
    """

    folder: Path
    state: RunState
    plan: Plan
    document: ResultDocument | None
    result: Mapping[str, Any]
    rows: JournalRows

    @cached_property
    def data(self) -> LoadedData:
        """Data of the run, loaded once.

        Raises:
            EvolveError: if the snapshot of the bars cannot be read, or if it or the split is not
                that of the run.
        """
        return load_snapshot(self.folder, self.plan, self.origin)

    @cached_property
    def best(self) -> Program | None:
        """Winner as the run measured it, or the best strategy so far; None if there is none.

        Raises:
            EvolveError: if the result document is damaged.
        """
        winner = self.document.best if self.document is not None else None
        if winner is not None:
            return self._read_winner(winner)
        path = RunFolder(self.folder).best
        if not path.exists():
            return None
        try:
            (program,) = check_file(read_text(path), str(path), self.plan.operators)
        except (LanguageError, ValueError):
            return None  # edited by its user
        return program

    @cached_property
    def null(self) -> NullRun | None:
        """Null searches so far; None before the first one.

        Raises:
            EvolveError: if the journal is damaged.
        """
        evidence = self.document.validation if self.document else None
        if evidence is not None and evidence.null is not None:
            return evidence.read().null
        events = self.read_events(NullSearchEvent)
        if not events:
            return None
        searches, last = tuple(each.search for each in events), events[-1]
        return NullRun(last.score, len(self.rows.trials), last.planned, searches, last.curve)

    @cached_property
    def origin(self) -> DataDocument | None:
        """Origin and extent of the bars; None if they are unknown.

        Raises:
            EvolveError: if the journal is damaged.
        """
        if self.document is not None:
            return self.document.data
        return next(iter(self.read_events(DataEvent)), None)

    @cached_property
    def begin(self) -> BeginEvent:
        """Begin of the run.

        Raises:
            EvolveError: if the journal is damaged.
        """
        return next(iter(self.read_events(BeginEvent)), BeginEvent())

    def read_events(self, model: type[Event]) -> tuple[Event, ...]:
        """Read the events of a kind.

        Raises:
            EvolveError: if the journal is damaged.
        """
        return read_events(self.rows, model, RunFolder(self.folder).journal)

    @property
    def is_holdout_open(self) -> bool:
        """Whether the holdout was opened."""
        holdout = self.document.holdout if self.document is not None else None
        return holdout is not None and not holdout.sealed

    def _read_winner(self, winner: FinalistDocument) -> Program:
        """Read the program of the result document, since its user may have edited `best.evo`."""
        path, programs = str(self.folder / RESULT), tuple[Program, ...]()
        with suppress(LanguageError):
            programs = check_file(winner.source, path, self.plan.operators)
        if [each.hash for each in programs] != [winner.hash]:
            raise EvolveError(f"{path} is damaged: expected the source of the winner", HINT)
        return programs[0]


def read_view(folder: Path) -> RunView:
    """Read a run folder in any state.

    Raises:
        EvolveError, LanguageError: if the folder has no run, or a damaged file.
    """
    files = RunFolder(folder)
    if not files.journal.is_file():
        raise EvolveError(f"no run in {folder}", EXAMPLE)
    is_running = is_locked(folder)  # before the rows, which are then at least as new
    rows = read_rows(files.journal)
    document, result = None, dict[str, Any]()
    if (folder / RESULT).exists():
        document, result = read_result(folder)
    has_ended = bool(rows.list_events("finished"))
    has_verdict = document is not None and not document.unfinished
    state = decide_state(has_ended, has_verdict, is_running)
    used = any(each.fallback_used for each in read_events(rows, DataEvent, files.journal))
    return RunView(folder, state, read_run_plan(folder, used), document, result, rows)
