"""List of the runs in a folder, read by a few queries for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from dsl.printable import make_printable
from evolve.errors import EvolveError
from evolve.experiment.run_folders import (
    is_closed,
    leads_out,
    list_folders,
    name_run,
)
from evolve.experiment.run_state import RunState, decide_state
from evolve.files import read_bytes
from evolve.store.database import is_unwritten
from evolve.store.files import (
    BARS,
    EXPERIMENT,
    JOURNAL,
    MAX_RESULT_BYTES,
    RESULT,
    format_command,
    format_resume,
)
from evolve.store.journal_errors import JournalError
from evolve.store.lock import is_locked
from evolve.store.totals import JournalTotals, read_totals


@dataclass(frozen=True)
class ListedRun:
    """Row of the list of runs.

    Attributes:
        name: name of the run folder; `sweep/run` for a run of a sweep.
        state: state of the run; None if the folder cannot be read.
        started: time of its start in ISO 8601.
        best: best score so far; None for none.
        verdict: label of the verdict; empty before the run has ended.
        trials: number of trials.
        usd: cost of the models in US dollars; None if no model was asked.
        fault: why the folder, or a part of it, cannot be read; else empty.
        next_step: the command that continues or repairs the run; empty if there is none.
    """

    name: str
    state: RunState | None
    started: str
    best: float | None = None
    verdict: str = ""
    trials: int | None = None
    usd: float | None = None
    fault: str = ""
    next_step: str = ""

    @property
    def shown_state(self) -> str:
        """State in a table: `unreadable` without any figure, `damaged` with some of them."""
        if self.state is None:
            return "unreadable"
        return "damaged" if self.fault else self.state


def list_runs(runs: Path) -> tuple[ListedRun, ...]:
    """Return the runs in a folder, newest first; a damaged one has its fault.

    Raises:
        EvolveError: if the folder cannot be read.
    """
    rows = [(each, read_listed_run(each, runs)) for each in list_folders(runs)]
    return sort_runs(row for folder, row in rows if row.fault == "" or folder.exists())


def sort_runs(runs: Iterable[ListedRun]) -> tuple[ListedRun, ...]:
    """Return runs, newest first; those of one time by name."""
    by_name = sorted(runs, key=lambda each: each.name)
    return tuple(sorted(by_name, key=lambda each: each.started, reverse=True))


def read_listed_run(folder: Path, runs: Path) -> ListedRun:
    """Read the row of a run folder; a damaged one has its fault.

    Args:
        folder: the run folder.
        runs: the folder of the list.
    """
    name = make_printable(name_run(folder, runs))
    fault = _find_fault(folder, name != name_run(folder, runs))
    if fault:
        return ListedRun(name, None, _read_time(folder), fault=fault)
    is_running = False
    try:
        is_running = is_locked(folder)  # before the rows, which are then at least as new
        totals = read_totals(folder / JOURNAL)
        return _combine(folder, name, totals, is_running)
    except (EvolveError, OSError) as error:
        if is_unwritten(folder / JOURNAL):
            state = decide_state(False, False, is_running)
            return ListedRun(name, state, _read_time(folder), trials=0)
        is_damaged = isinstance(error, JournalError)  # and not of another version
        next_step = _format_repair(folder) if is_damaged else ""
        fault = error.message if isinstance(error, EvolveError) else str(error)
        return ListedRun(name, None, _read_time(folder), fault=fault, next_step=next_step)


def count_seconds(started: str, now: datetime) -> float | None:
    """Return the seconds since a start; None if the start is unknown.

    Args:
        started: the start in ISO 8601.
        now: the time, with a time zone.
    """
    try:
        return (now - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return None


def _find_fault(folder: Path, is_hidden: bool) -> str:
    """Return why a folder is not read at all; empty if it is."""
    if leads_out(folder):
        fault = f"a link to {folder.resolve()}, which is elsewhere: give its parent as RUNS_DIR"
        return make_printable(fault)
    if is_hidden:
        return "rename the folder: its name has characters that cannot be shown"
    return "the folder cannot be opened: permission denied" if is_closed(folder) else ""


def _combine(folder: Path, name: str, totals: JournalTotals, is_running: bool) -> ListedRun:
    """Return the row of a run folder from its journal and its result document."""
    result, fault = None, ""
    if (folder / RESULT).exists():
        result, fault = _read_result(folder)
    has_verdict = result is not None and not result.get("unfinished")
    state = decide_state(totals.is_finished, has_verdict, is_running)
    next_step = ""
    if state == "running":
        fault, result = "", None
    elif fault:
        next_step = _format_repair(folder)
    elif missing := [each for each in (EXPERIMENT, BARS) if not (folder / each).exists()]:
        fault = f"no {' and no '.join(missing)}: restore what is missing, or delete the run"
    elif state == "stopped":
        next_step = format_resume(folder)
    verdict, usd = "", totals.usd
    if result is not None:
        verdict = result["verdict"]["label"] if state == "finished" else ""
        if usd is not None and "llm" in result:  # a request without an answer may cost more
            usd = float(result["llm"]["usd"])
    return ListedRun(
        name, state, totals.started or _read_time(folder), totals.best, verdict, totals.trials,
        usd, fault, next_step,
    )  # fmt: skip


def _read_result(folder: Path) -> tuple[dict[str, Any] | None, str]:
    """Read a result document; return None and its fault if it is damaged."""
    try:
        content = read_bytes(folder / RESULT, MAX_RESULT_BYTES)
        document: Any = from_json(content)  # faster than `json`
        if not isinstance(document["verdict"]["label"], str):
            raise TypeError
        if "llm" in document:
            float(document["llm"]["usd"])
        return document, ""
    except EvolveError as error:
        return None, error.message
    except (ValueError, LookupError, TypeError):
        return None, f"{RESULT} is damaged: expected a verdict"


def _format_repair(folder: Path) -> str:
    return format_command("runs --repair", folder)


def _read_time(folder: Path) -> str:
    """Return the time of the last change of a folder in ISO 8601; empty if it was deleted."""
    try:
        seconds = folder.stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OSError, ValueError, OverflowError):
        return ""
