"""Run that can go on, read from its folder: its settings, its inputs and its bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsl.analysis.check import check
from evolve.config import Experiment
from evolve.data import DataRequest, load
from evolve.errors import EvolveError
from evolve.experiment.finished_run import advise_to_restore, check_experiment, check_snapshot
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.run_events import BeginEvent, DataEvent, SettingsEvent, read_event_of
from evolve.experiment.saved_settings import check_inputs, restore_settings
from evolve.notices import NoticeList
from evolve.store import RunFolder
from evolve.store.files import BARS, EXPERIMENT
from evolve.store.journal import read_changes
from evolve.store.journal_errors import report_unbegun


@dataclass(frozen=True)
class SavedRun:
    """Run that can go on.

    Attributes:
        folder: its folder.
        before: the settings so far, as the journal has them.
        is_edited: whether they are no longer those of its `experiment.yaml`.
        plan: its plan, with the settings that replace others.
        data: its data, from the snapshot of the bars.
        begin: its begin.
        changes: the changes of settings of each time that it went on: values by name.
    """

    folder: RunFolder
    before: Experiment
    is_edited: bool
    plan: Plan
    data: LoadedData
    begin: BeginEvent
    changes: tuple[Mapping[str, Any], ...]


def read_saved_run(folder: RunFolder, overrides: Sequence[str] = ()) -> SavedRun:
    """Read a run that can go on.

    Args:
        folder: its folder.
        overrides: settings `a.b=value` that replace those of the run.

    Raises:
        EvolveError, LanguageError: if the folder has no run that began, or a damaged file.
    """
    path = folder.path / EXPERIMENT
    if not folder.journal.is_file():
        hint = "expected a run folder, such as runs/spy-20261101-120000"
        raise EvolveError(f"no run in {folder.path}", hint)
    begin = read_event_of(folder.journal, BeginEvent)
    origin = read_event_of(folder.journal, DataEvent)
    if begin is None or origin is None:
        raise report_unbegun(folder.path)
    known = read_event_of(folder.journal, SettingsEvent)
    if known is None:
        message = f"the run in {folder.path} is of an earlier version, which wrote no checkpoints"
        raise EvolveError(message, "run the experiment again")
    changes = tuple(read_changes(folder.journal))
    check_inputs(known, folder.path)
    check_experiment(folder.path)
    found = read_plan(path)
    before = restore_settings(known, changes, folder.path)
    plan = read_plan(path, overrides) if overrides else found
    plan = replace(
        plan, extra=tuple(check(each) for each in begin.extra), command=begin.command,
        overrides=tuple(begin.overrides), environment_folder=Path(begin.base),
    )  # fmt: skip
    data = _load_data(folder.path, replace(plan, experiment=before), origin)
    is_edited = before != found.experiment
    return SavedRun(folder, before, is_edited, plan, data, begin, changes)


def _load_data(folder: Path, plan: Plan, origin: DataEvent) -> LoadedData:
    """Load the snapshot of the bars, with the origin that they had."""
    with advise_to_restore():
        dataset = load(DataRequest(f"parquet:{(folder / BARS).resolve()}"), NoticeList())
    used, requested = _list_specs(origin.origin), _list_specs(plan.experiment.data.source)
    dataset = replace(
        dataset, used=used, requested=requested if origin.fallback_used else used,
        as_of=origin.as_of, reason=origin.fallback_reason,
    )  # fmt: skip
    data = plan.split(dataset)
    check_snapshot(folder, data, origin)
    return data


def _list_specs(source: str | Sequence[str]) -> tuple[str, ...]:
    return (source,) if isinstance(source, str) else tuple(source)
