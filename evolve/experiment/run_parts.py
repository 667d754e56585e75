"""Parts of a run's bars and its finalists, from its folder: what its figures were measured on."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dsl.analysis.check import check_file
from dsl.analysis.program import Program
from evolve.data import Dataset
from evolve.errors import EvolveError
from evolve.experiment.finalists import name_finalist
from evolve.experiment.result_reader import HINT
from evolve.experiment.run_view import RunView
from evolve.files import read_text
from evolve.store import RESULT
from evolve.store.files import format_command

Part = Literal["train", "validation", "holdout"]
PARTS: tuple[Part, ...] = ("train", "validation", "holdout")


def list_open_parts(view: RunView) -> tuple[Part, ...]:
    """Return the parts that may be shown.

    Validation is shown once the search has ended, since a person who sees it before selects by it.
    The holdout is shown once it was opened.
    """
    if view.document is None:
        return PARTS[:1]
    return PARTS if view.is_holdout_open else PARTS[:2]


def select_part(view: RunView, part: str) -> Dataset:
    """Return the bars of a part, after those that warm its indicators, with their origin.

    Args:
        view: the run.
        part: `train`, `validation` or `holdout`.

    Raises:
        EvolveError: if the part may not be shown yet or is absent, or if the snapshot of the bars
            is damaged.
    """
    dataset, split = view.data.dataset, view.data.split
    used, fallback_used = _read_origin(view)
    dataset = replace(dataset, requested=() if fallback_used else used, used=used)
    if part == "train":
        return replace(dataset, bars=split.train, start=0)
    if part == "validation":
        if view.document is None:
            message = f"validation of {view.folder} is not shown before its search has ended"
            raise EvolveError(message, "use the part train")
        return replace(dataset, bars=split.seen, start=split.validation_start)
    if not split.holdout.bars:
        raise EvolveError(f"the split of {view.folder} has no holdout")
    if not view.is_holdout_open:
        hint = f"open it with: {format_command('holdout open', view.folder)}"
        raise EvolveError(f"the holdout of {view.folder} is sealed", hint)
    return replace(dataset, start=len(split.seen))


def read_finalist(view: RunView, rank: int = 1) -> Program:
    """Read a finalist of a run as it was measured, or one of the best so far of an unfinished run.

    Args:
        view: the run.
        rank: its rank, from 1.

    Raises:
        EvolveError, LanguageError: if the run has no such finalist, or a damaged file.
    """
    if view.document is not None:
        _check_rank(view, rank, len(view.document.finalists))
        finalist = view.document.finalists[rank - 1]
        source, where, digest = finalist.source, str(view.folder / RESULT), finalist.hash
    else:
        count = 0
        while (view.folder / name_finalist(count + 1)).exists():
            count += 1
        _check_rank(view, rank, count)
        path = view.folder / name_finalist(rank)
        source, where, digest = read_text(path), str(path), ""
    programs = check_file(source, where, view.plan.operators)
    if len(programs) != 1 or (digest and programs[0].hash != digest):
        raise EvolveError(f"{where} has not the strategy of finalist {rank}", HINT)
    return programs[0]


def _read_origin(view: RunView) -> tuple[tuple[str, ...], bool]:
    """Return the specs of the bars, and whether they are those of the fallback.

    The plan of a run folder has neither: its data are the snapshot.
    """
    if view.origin is None:
        return (str(view.folder),), False
    found = view.origin.origin
    return (found,) if isinstance(found, str) else tuple(found), view.origin.fallback_used


def _check_rank(view: RunView, rank: int, count: int) -> None:
    if not count:
        raise EvolveError(f"{view.folder} has no strategy", "no strategy was feasible so far")
    if not 1 <= rank <= count:
        found = "1 only" if count == 1 else f"1 to {count}"
        raise EvolveError(f"{view.folder} has no finalist {rank}", f"it has {found}")
