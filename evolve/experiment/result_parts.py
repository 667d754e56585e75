"""Parts of a result document, with the types that they must have."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from evolve.backtest.metrics import METRICS
from evolve.config.section import check_name
from evolve.experiment.evidence import Count, Finite
from evolve.llm.transport.usage import ArmCost, Cost


def _complete_metrics(metrics: object) -> object:
    """Return metrics with NaN for those without a value, which JSON has as null."""
    if not isinstance(metrics, dict):
        return metrics
    known = dict.fromkeys(METRICS, math.nan)
    return known | {name: math.nan if each is None else each for name, each in metrics.items()}


def _check_metric(name: str) -> str:
    return check_name(name, METRICS, "metric")


MetricName = Annotated[str, AfterValidator(_check_metric)]
CompleteMetrics = Annotated[
    dict[MetricName, float], BeforeValidator(_complete_metrics, json_schema_input_type=dict)
]
Days = tuple[str, str]


class DataDocument(BaseModel):
    """Origin and extent of the bars."""

    origin: Annotated[str | list[str], Field(alias="from", min_length=1)]
    fallback_used: bool
    hash: str
    symbols: list[str]
    start: str
    end: str
    bars: Count
    bars_per_year: Finite
    parts: dict[str, Count] | None = None
    closes_only: dict[str, object] = {}
    as_of: str = ""
    fallback_reason: str = ""

    @property
    def name(self) -> str:
        """Specs of the bars."""
        return self.origin if isinstance(self.origin, str) else ", ".join(self.origin)


class TrialsDocument(BaseModel):
    """Counts of the trials."""

    evaluated: Count
    proposed: Count
    duplicate: Count


class PrunedDocument(BaseModel):
    """Strategy before pruning, which is a trial."""

    hash: str
    nodes: Count = 0
    dropped: list[str] = []


class FinalistDocument(BaseModel):
    """Finalist of a run; the first one is the winner.

    Attributes:
        correlation: of its positions on train with those of the winner.
    """

    name: str
    source: str
    hash: str
    nodes: Count
    metrics: dict[str, CompleteMetrics] = {}
    benchmark: dict[str, CompleteMetrics] = {}
    scores: tuple[Finite, ...] = ()
    pruned: PrunedDocument | None = None
    correlation: Finite | None = None

    @property
    def trial(self) -> str:
        """Hash of the trial that it was found as."""
        return self.pruned.hash if self.pruned is not None else self.hash

    def find_metric(self, part: str, metric: str) -> float | None:
        """Return a metric on a part of the data; None if it has no value."""
        value = self.metrics.get(part, {}).get(metric, math.nan)
        return value if math.isfinite(value) else None


class OpeningDocument(BaseModel):
    """Test on an opened holdout."""

    opening: Count


class HoldoutDocument(BaseModel):
    """Holdout, with its figures if it was opened."""

    sealed: bool
    bars: Count
    test: OpeningDocument | None = None
    metrics: CompleteMetrics = {}
    benchmark: CompleteMetrics = {}

    def find_metric(self, metric: str) -> float | None:
        """Return a metric on the holdout; None if it is sealed, or if the metric has no value."""
        value = math.nan if self.sealed else self.metrics.get(metric, math.nan)
        return value if math.isfinite(value) else None


class ModelsDocument(BaseModel):
    """Calls to models and their cost."""

    calls: Count
    tokens_in: Count
    tokens_out: Count
    usd: Finite
    arms: dict[str, ArmCost] = {}

    @property
    def spent(self) -> Cost:
        """Cost of all calls."""
        return Cost(self.calls, self.tokens_in, self.tokens_out, self.usd)


class EdgeDocument(BaseModel):
    """Searches on prices with a planted edge of one size."""

    edge_bps: Finite
    found: Count
    searches: Count
    share: Finite
    ratio: float | None


class PowerDocument(BaseModel):
    """Power of a search by the size of a planted edge."""

    is_complete: bool
    edges: list[EdgeDocument]


class WindowDocument(BaseModel):
    """Window of a walk-forward; without figures if no strategy was feasible."""

    traded: Days
    in_sample: CompleteMetrics = {}
    out_of_sample: CompleteMetrics = {}
    benchmark: CompleteMetrics = {}


class WalkForwardDocument(BaseModel):
    """Walk-forward of a run."""

    metric: MetricName
    windows: Count
    is_complete: bool
    trials: Count
    start_from: Count
    efficiency: Finite | None
    metrics: CompleteMetrics
    benchmark: CompleteMetrics
    results: list[WindowDocument]


class FiguresDocument(BaseModel):
    """Figures of one backtest."""

    metric: Finite | None
    total_return: Finite | None
    trades: Finite | None


class CounterfactualDocument(FiguresDocument):
    """Strategy with one change."""

    change: str
    difference: Finite | None


class RandomEntriesDocument(BaseModel):
    """Strategy with entries on random bars."""

    draws: Count
    mean: FiguresDocument
    deviation: Finite | None
    difference: Finite | None
    share: Finite | None


class NeighborDocument(BaseModel):
    """Strategy with one constant changed by one step."""

    change: str
    score: Finite | None


class PlateauDocument(BaseModel):
    """Scores of all neighbors of a strategy."""

    neighbors: Count
    share: Finite | None
    median: Finite | None
    worst: NeighborDocument | None


class OverfittingDocument(BaseModel):
    """Cross-validation of the selection."""

    pbo: Finite | None
    loss: Finite | None


class SuperiorDocument(BaseModel):
    """Test for superior predictive ability."""

    consistent: Finite | None


class StatisticsDocument(BaseModel):
    """Statistics of a winner among its trials."""

    trials: Count
    sampled: Count
    classes: Count
    probabilistic: Finite | None
    deflated_by_classes: Finite | None
    deflated_by_trials: Finite | None
    track_record_years: Finite | None
    overfitting: OverfittingDocument | None
    superior: SuperiorDocument | None


class RobustnessDocument(BaseModel):
    """Analyses of a winner on train."""

    metric: MetricName
    counterfactuals: list[CounterfactualDocument]
    random_entries: RandomEntriesDocument
    plateau: PlateauDocument
    statistics: StatisticsDocument
