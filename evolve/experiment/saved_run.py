"""Run that can go on, read from its folder: its settings, its inputs and its bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dsl.analysis.check import check
from evolve.config import Experiment
from evolve.data import DataRequest, load
from evolve.errors import EvolveError
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.result import describe_parts
from evolve.experiment.result_reader import HINT
from evolve.experiment.run_events import BeginEvent, DataEvent, read_event_of
from evolve.notices import NoticeList
from evolve.store import RunFolder


@dataclass(frozen=True)
class SavedRun:
    """Run that can go on.

    Attributes:
        folder: its folder.
        before: the settings so far.
        plan: its plan, with the settings that replace others.
        data: its data, from the snapshot of the bars.
        begin: its begin.
    """

    folder: RunFolder
    before: Experiment
    plan: Plan
    data: LoadedData
    begin: BeginEvent


def read_saved_run(folder: RunFolder, overrides: Sequence[str] = ()) -> SavedRun:
    """Read a run that can go on.

    Args:
        folder: its folder.
        overrides: settings `a.b=value` that replace those of the run.

    Raises:
        EvolveError, LanguageError: if the folder has no run that began, or a damaged file.
    """
    path = folder.path / "experiment.yaml"
    if not folder.journal.is_file():
        hint = "expected a run folder, such as runs/spy-20261101-120000"
        raise EvolveError(f"no run in {folder.path}", hint)
    begin = read_event_of(folder.journal, BeginEvent)
    origin = read_event_of(folder.journal, DataEvent)
    if begin is None or origin is None:
        raise EvolveError(
            f"the run in {folder.path} was stopped before it began", "run the experiment again"
        )
    before = read_plan(path)
    plan = read_plan(path, overrides) if overrides else before
    plan = replace(
        plan, extra=tuple(check(each) for each in begin.extra), command=begin.command,
        overrides=tuple(begin.overrides), environment_folder=Path(begin.base),
    )  # fmt: skip
    data = _load_data(folder.path, replace(plan, experiment=before.experiment), origin)
    return SavedRun(folder, before.experiment, plan, data, begin)


def _load_data(folder: Path, plan: Plan, origin: DataEvent) -> LoadedData:
    """Load the snapshot of the bars, with the origin that they had."""
    dataset = load(DataRequest(f"parquet:{(folder / 'bars.parquet').resolve()}"), NoticeList())
    used, requested = _list_specs(origin.origin), _list_specs(plan.experiment.data.source)
    dataset = replace(
        dataset, used=used, requested=requested if origin.fallback_used else used,
        as_of=origin.as_of, reason=origin.fallback_reason,
    )  # fmt: skip
    data = plan.split(dataset)
    if data.dataset.bars.hash != origin.hash:
        raise EvolveError(f"{folder}: bars.parquet is not the snapshot of the run", HINT)
    if origin.parts not in (None, describe_parts(data.split)):
        raise EvolveError(f"{folder}: experiment.yaml is not that of the run", HINT)
    return data


def _list_specs(source: str | Sequence[str]) -> tuple[str, ...]:
    return (source,) if isinstance(source, str) else tuple(source)
