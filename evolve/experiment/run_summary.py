"""Summary of a run: the figures of its result document, or those of its journal so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ValidationError

from evolve.backtest.metrics import METRICS
from evolve.errors import EvolveError
from evolve.experiment.result_reader import HINT
from evolve.experiment.run_view import RunView
from evolve.llm.transport.usage import ArmCost, Cost
from evolve.search.proposer_stats import ProposerStats
from evolve.store import RESULT
from evolve.validation.verdict import Evidence, Verdict

Metrics = Mapping[str, float]


def _complete_metrics(metrics: object) -> object:
    """Return metrics with NaN for those without a value, which JSON has as null."""
    if not isinstance(metrics, dict):
        return metrics
    known = dict.fromkeys(METRICS, math.nan)
    return known | {name: math.nan if each is None else each for name, each in metrics.items()}


CompleteMetrics = Annotated[dict[str, float], BeforeValidator(_complete_metrics)]


class Finalist(BaseModel):
    """Finalist of a run, the winner first."""

    name: str
    source: str
    hash: str
    nodes: int
    metrics: dict[str, CompleteMetrics] = {}
    benchmark: dict[str, CompleteMetrics] = {}
    scores: tuple[float, ...] = ()


class HoldoutFigures(BaseModel):
    """Figures of an opened holdout."""

    metrics: CompleteMetrics = {}
    benchmark: CompleteMetrics = {}


class ModelFigures(BaseModel):
    """Calls to models and their cost."""

    calls: int
    tokens_in: int
    tokens_out: int
    usd: float
    arms: dict[str, ArmCost] = {}

    @property
    def spent(self) -> Cost:
        """Cost of all calls."""
        return Cost(self.calls, self.tokens_in, self.tokens_out, self.usd)


class Figures(BaseModel):
    """Parts of a result document that a summary shows."""

    verdict: Verdict
    finalists: list[Finalist]
    proposers: dict[str, ProposerStats]
    stop_reason: str = ""
    elapsed_seconds: float = 0.0
    evaluations_per_second: float = 0.0
    holdout: HoldoutFigures | None = None
    llm: ModelFigures | None = None


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

    figures: Figures | None
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
    figures = read_figures(view)
    evidence = view.document.validation if view.document is not None else None
    epochs = tuple(
        EpochPoint(detail["number"], detail["evaluated"], detail["best"])
        for detail in (each.detail for each in view.rows.list_events("epoch"))
    )
    stats = figures.proposers if figures is not None else _count_trials(view)
    return RunSummary(figures, evidence.read() if evidence is not None else None, epochs, stats)


def read_figures(view: RunView) -> Figures | None:
    """Read the parts of a result document that a summary shows; None before the first.

    Raises:
        EvolveError: if the document is damaged.
    """
    if not view.result:
        return None
    try:
        return Figures.model_validate(view.result)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = f"{view.folder / RESULT} is damaged: `{where}`: {first['msg']}"
        raise EvolveError(message, HINT) from None


def _count_trials(view: RunView) -> dict[str, ProposerStats]:
    counts: dict[str, ProposerStats] = {}
    for row in view.rows.trials:
        counts[row.proposer] = counts.get(row.proposer, ProposerStats()) + ProposerStats(
            evaluated=1
        )
    return counts
