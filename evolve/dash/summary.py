"""Summaries of run folders for a list; a folder is read again only after it changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dsl.printable import make_printable
from evolve.dash.folders import Stamp, leads_out, list_folders, read_stamp
from evolve.errors import EvolveError
from evolve.experiment.result_reader import MAX_RESULT_BYTES
from evolve.experiment.run_view import RunState
from evolve.files import read_bytes
from evolve.store import JOURNAL, RESULT
from evolve.store.database import is_unwritten
from evolve.store.totals import read_totals


@dataclass(frozen=True)
class ListedRun:
    """Row of the list of runs.

    Attributes:
        name: name of the run folder.
        state: state of the run; None if the folder cannot be read.
        started: time of its start in ISO 8601.
        best: best score so far; None for none.
        verdict: label of the verdict; empty before the run has ended.
        trials: number of trials.
        usd: cost of the models in US dollars; None if no model was asked.
        fault: why the folder, or a part of it, cannot be read; else empty.
    """

    name: str
    state: RunState | None
    started: str
    best: float | None = None
    verdict: str = ""
    trials: int | None = None
    usd: float | None = None
    fault: str = ""


class SummaryCache:
    """Summaries of all run folders below a folder; not for use by several threads at a time.

    Attributes:
        runs: the folder.
        reads: number of folders that were read so far.
    """

    def __init__(self, runs: Path) -> None:
        self.runs, self.reads = runs, 0
        self._known: dict[str, tuple[Stamp, ListedRun]] = {}

    def read(self) -> tuple[ListedRun, ...]:
        """Return the summaries, newest first.

        Raises:
            EvolveError: if the folder cannot be read.
        """
        known, self._known = self._known, {}
        for folder in list_folders(self.runs):
            stamp = read_stamp(folder)
            if stamp is None:  # deleted meanwhile
                continue
            before = known.get(folder.name)
            if before is None or before[0] != stamp:
                self.reads += 1
                before = stamp, read_summary(folder, stamp.is_live)
            self._known[folder.name] = before
        summaries = sorted((each for _, each in self._known.values()), key=lambda each: each.name)
        return tuple(sorted(summaries, key=lambda each: each.started, reverse=True))


def read_summary(folder: Path, is_running: bool) -> ListedRun:
    """Read the summary of a run folder; a damaged folder has its fault as a summary.

    Args:
        folder: the run folder.
        is_running: whether its run goes on.
    """
    name = make_printable(folder.name)
    if leads_out(folder):
        fault = f"a link to {folder.resolve()}, which is elsewhere: give its parent as RUNS_DIR"
        return ListedRun(name, None, _read_time(folder), fault=make_printable(fault))
    if name != folder.name:
        fault = "rename the folder: its name has characters that cannot be shown"
        return ListedRun(name, None, _read_time(folder), fault=fault)
    try:
        totals = read_totals(folder / JOURNAL)
    except EvolveError as error:
        if is_unwritten(folder / JOURNAL):
            state: RunState = "running" if is_running else "stopped"
            return ListedRun(name, state, _read_time(folder), trials=0)
        return ListedRun(name, None, _read_time(folder), fault=error.message)
    fault, verdict, usd = "", "", totals.usd
    has_result = (folder / RESULT).exists()
    state = "finished" if totals.is_finished and has_result else "stopped"
    if state != "finished" and is_running:
        state = "running"
    elif has_result:
        verdict, usd, fault = _read_result(folder, usd)
    return ListedRun(
        name, state, totals.started or _read_time(folder), totals.best, verdict,
        totals.trials, usd, fault,
    )  # fmt: skip


def _read_result(folder: Path, usd: float | None) -> tuple[str, float | None, str]:
    """Read the verdict and the cost of the models from a result document.

    Args:
        folder: the run folder.
        usd: the cost that the answers report; a request without an answer may cost more.

    Returns:
        The label of the verdict, the cost, and the fault of a damaged document.
    """
    try:
        document: Any = json.loads(read_bytes(folder / RESULT, MAX_RESULT_BYTES))
        cost = None if usd is None or "llm" not in document else document["llm"]["usd"]
        return str(document["verdict"]["label"]), usd if cost is None else float(cost), ""
    except EvolveError as error:
        return "", usd, error.message
    except (ValueError, LookupError, TypeError, RecursionError):
        return "", usd, f"{RESULT} is damaged: expected a verdict"


def _read_time(folder: Path) -> str:
    """Return the time of the last change of a folder in ISO 8601; empty if it was deleted."""
    try:
        seconds = folder.stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OSError, ValueError, OverflowError):
        return ""
