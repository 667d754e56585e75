"""Run that is ready to search: its plan, its data, its models, its folder, and where it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from evolve.backtest.distances import list_tight
from evolve.backtest.sleeve import list_uncapped
from evolve.backtest.volume import list_unreadable, list_without_volume
from evolve.config import Experiment
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import data_document, describe_parts
from evolve.llm.model_set import ModelSet
from evolve.search.checkpoint import Checkpoint
from evolve.store import RunFolder


@dataclass(frozen=True)
class PreparedRun:
    """Run that is ready to search.

    Attributes:
        plan: its plan.
        data: its data.
        models: its models.
        folder: its folder.
        checkpoint: where the search goes on; None for its begin.
        changes: settings that changed since its begin, and that its user accepted.
    """

    plan: Plan
    data: LoadedData
    models: ModelSet
    folder: RunFolder
    checkpoint: Checkpoint | None = None
    changes: tuple[str, ...] = ()

    @property
    def settings(self) -> Experiment:
        """Settings of the experiment."""
        return self.plan.experiment


def announce(plan: Plan, data: LoadedData, models: ModelSet, recorder: RunRecorder) -> None:
    """Report the data, the split and the proposers of a run, with their notices."""
    dataset = data.dataset
    recorder.observer.data(dataset)
    parts = describe_parts(data.split)
    recorder.event("data", source=dataset.name, **data_document(dataset), parts=parts)
    for text in dataset.tradability_notes:
        recorder.notice(text)
    recorder.observer.split(data.split)
    recorder.observer.proposers(plan.experiment, models)
    for text in list_uncapped(dataset.bars, data.market):
        recorder.notice(text)
    for text in _list_volume_notices(plan, data):
        recorder.notice(text)
    for text in list_tight(plan.start_from, data.split.train, data.market):
        recorder.notice(text)


def _list_volume_notices(plan: Plan, data: LoadedData) -> list[str]:
    """Return the notices about volume that is unknown or 0 on all bars."""
    bars = data.dataset.bars
    notices = list_unreadable(bars, plan.start_from)
    if len(list_without_volume(bars)) == len(bars.symbols):
        notices.append("no symbol has volume: the search uses no operator that reads it")
    return notices
