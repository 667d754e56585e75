"""Repair of a damaged run folder: its journal is rebuilt, and its result can be written again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from evolve.errors import EvolveError
from evolve.experiment.result_reader import read_result
from evolve.experiment.run_list import ListedRun, read_listed_run
from evolve.files import read_bytes
from evolve.store import RunFolder
from evolve.store.files import JOURNAL, MAX_RESULT_BYTES, RESULT
from evolve.store.lock import hold_lock
from evolve.store.repair import RepairReport, repair_journal
from evolve.store.totals import read_totals


@dataclass(frozen=True)
class RunRepair:
    """Outcome of the repair of a run.

    Attributes:
        journal: outcome for its journal.
        result: path of its damaged result document, which was renamed; None if it was whole or
            missing.
        earlier: folder of its result and its report, if the journal no longer has their run; else
            None.
        run: the run as the list shows it now.
    """

    journal: RepairReport
    result: Path | None
    earlier: Path | None
    run: ListedRun


def repair_run(folder: Path) -> RunRepair:
    """Repair a run folder; damaged files remain under other names.

    Raises:
        EvolveError: if no journal is there, if nothing of it is whole, if a process uses the run,
            or if a file cannot be read or moved.
    """
    journal = repair_journal(folder / JOURNAL)
    with hold_lock(folder):
        result = _rename_damaged_result(folder)
        has_ended = read_totals(folder / JOURNAL).is_finished
        earlier = None
        if journal.damaged is not None and not has_ended:
            earlier = RunFolder(folder).set_aside_results()
    return RunRepair(journal, result, earlier, read_listed_run(folder, folder.parent))


def _rename_damaged_result(folder: Path) -> Path | None:
    path = folder / RESULT
    if not path.exists():
        return None
    read_bytes(path, MAX_RESULT_BYTES)  # a document that may not be read is not damaged
    try:
        read_result(folder)
    except EvolveError:
        names = (folder / f"{path.stem}.damaged-{each}{path.suffix}" for each in count(1))
        target = next(each for each in names if not each.exists())
        try:
            return path.rename(target)
        except OSError as error:
            message = f"cannot rename {path}: {error.strerror}"
            raise EvolveError(message, "allow writing in its folder") from None
    return None
