"""View of a run folder in any state: running, stopped or finished."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from dsl.analysis.check import check_file
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from evolve.errors import EvolveError
from evolve.experiment.evidence import Count, Finite
from evolve.experiment.finished_run import load_snapshot, read_run_plan
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.result_reader import HINT, ResultDocument, read_result
from evolve.files import read_text
from evolve.store import RESULT, RunFolder
from evolve.store.lock import is_locked
from evolve.store.rows import EventRow, JournalRows, read_rows
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult

RunState = Literal["running", "stopped", "finished"]


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
            EvolveError: if the snapshot of the bars cannot be read, or is another one.
        """
        return load_snapshot(self.folder, self.plan, self.document)

    @cached_property
    def best(self) -> Program | None:
        """Winner as the run measured it, or the best strategy so far; None if there is none.

        Raises:
            EvolveError: if the result document is damaged.
        """
        winner = self.document.best if self.document is not None else None
        if winner is not None:
            return self._read_winner(winner.hash)
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
        events = self.rows.list_events("null_search")
        if not events:
            return None
        try:
            return _read_null(events, len(self.rows.trials))
        except ValidationError:
            path = RunFolder(self.folder).journal
            raise EvolveError(f"{path} is damaged: expected null searches", HINT) from None

    @property
    def is_holdout_open(self) -> bool:
        """Whether the holdout was opened."""
        holdout = self.result.get("holdout")
        return isinstance(holdout, dict) and holdout.get("sealed") is False

    def _read_winner(self, digest: str) -> Program:
        """Read the program of the result document, since its user may have edited `best.evo`."""
        path, programs = str(self.folder / RESULT), tuple[Program, ...]()
        with suppress(LookupError, LanguageError, ValueError):
            programs = check_file(self.result["best"]["source"], path, self.plan.operators)
        if [each.hash for each in programs] != [digest]:
            raise EvolveError(f"{path} is damaged: expected the source of the winner", HINT)
        return programs[0]


def read_view(folder: Path) -> RunView:
    """Read a run folder in any state.

    Raises:
        EvolveError, LanguageError: if the folder has no run, or a damaged file.
    """
    files = RunFolder(folder)
    if not files.journal.is_file():
        hint = "expected a run folder, such as runs/spy-20261101-120000"
        raise EvolveError(f"no run in {folder}", hint)
    is_running = is_locked(folder)  # before the rows, which are then at least as new
    rows = read_rows(files.journal)
    document, result = None, dict[str, Any]()
    if (folder / RESULT).exists():
        document, result = read_result(folder)
    is_finished = document is not None and (
        bool(rows.list_events("finished"))
        or (document.journal is not None and not document.unfinished)
    )
    state: RunState = "finished" if is_finished else "running" if is_running else "stopped"
    used = any(each.detail.get("fallback_used") for each in rows.list_events("data"))
    return RunView(folder, state, read_run_plan(folder, used), document, result, rows)


class _NullEvent(BaseModel):
    """Event of a null search."""

    score: Finite
    planned: Count
    search: NullResult


def _read_null(events: Sequence[EventRow], trials: int) -> NullRun:
    """Return the null run of the events of its searches, each of as many trials."""
    searches = [_NullEvent.model_validate_json(json.dumps(each.detail)) for each in events]
    last = searches[-1]
    return NullRun(last.score, trials, last.planned, tuple(each.search for each in searches))
