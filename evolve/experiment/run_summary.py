"""Summary of a run: the figures of its result document, or those of its journal so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evolve.experiment.result_reader import ResultDocument
from evolve.experiment.run_events import EpochEvent
from evolve.experiment.run_view import RunView
from evolve.search.proposer_stats import ProposerStats
from evolve.store.files import format_resume
from evolve.validation.verdict import Evidence

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class EpochPoint:
    """State of a search after an epoch; `best` is None if no trial was feasible."""

    number: int
    evaluated: int
    best: float | None


@dataclass(frozen=True)
class RunSummary:
    """Figures of a run.

    Attributes:
        figures: those of the result document; None before the first.
        evidence: evidence of the verdict; None before it.
        epochs: the epochs so far.
        stats: counts by proposer. Before the result, `evaluated` only, from the trials.
    """

    figures: ResultDocument | None
    evidence: Evidence | None
    epochs: tuple[EpochPoint, ...]
    stats: Mapping[str, ProposerStats]

    def list_columns(self, is_holdout_open: bool) -> dict[str, Metrics]:
        """Return the metrics of the winner and of buy and hold by part, by heading."""
        columns: dict[str, Metrics] = {}
        if self.figures is None or not self.figures.finalists:
            return columns
        best, holdout = self.figures.finalists[0], self.figures.holdout
        parts = {
            part: (each, best.benchmark[part])
            for part, each in best.metrics.items()
            if part in best.benchmark
        }
        if is_holdout_open and holdout is not None and holdout.metrics:
            parts["holdout"] = (holdout.metrics, holdout.benchmark)
        for number, (part, (metrics, benchmark)) in enumerate(parts.items()):
            columns[part] = metrics
            columns["buy and hold" + " " * number] = benchmark
        return columns


def summarize(view: RunView) -> RunSummary:
    """Return the figures of a run folder in any state.

    Raises:
        EvolveError: if its result document is damaged.
    """
    figures = view.document
    evidence = figures.validation if figures is not None else None
    epochs = tuple(
        EpochPoint(each.number, each.evaluated, each.best) for each in view.read_events(EpochEvent)
    )
    stats = figures.proposers if figures is not None else _count_trials(view)
    return RunSummary(figures, evidence.read() if evidence is not None else None, epochs, stats)


def read_stats(view: RunView) -> tuple[Mapping[str, ProposerStats], Mapping[str, float]]:
    """Return the counts and the seconds by proposer; empty before the first epoch."""
    if view.document is not None:
        return view.document.proposers, view.document.proposer_seconds
    epochs = view.read_events(EpochEvent)
    return (epochs[-1].stats, epochs[-1].seconds) if epochs else ({}, {})


def describe_stop(view: RunView) -> str:
    """Describe where a run stopped, and how to continue it."""
    where = "during the search" if view.document is None else "after the search, during its test"
    command = format_resume(view.folder)
    return f"The process ended {where}, so there is no verdict. To go on: {command}"


def _count_trials(view: RunView) -> dict[str, ProposerStats]:
    counts: dict[str, ProposerStats] = {}
    for row in view.rows.trials:
        counts[row.proposer] = counts.get(row.proposer, ProposerStats()) + ProposerStats(
            evaluated=1
        )
    return counts
