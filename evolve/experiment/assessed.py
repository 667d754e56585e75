"""Strategy with its backtests, and its part of a result document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dsl.analysis.program import Program
from dsl.printing.decompile import format_program
from evolve.analysis.prune import Pruned
from evolve.backtest.backtest import Backtest
from evolve.experiment.positions import correlate_positions
from evolve.search.individual import Individual

DIGITS = 6  # of a correlation, whose last ones are rounding errors


@dataclass(frozen=True, eq=False)
class Assessed:
    """Strategy with its backtests.

    Attributes:
        program: the strategy.
        individual: the scored individual; None if the search did not evaluate it.
        train: the backtest on train.
        validation: the backtest on validation; None for a strategy that is no finalist.
        pruned: the strategy as found, and what pruning dropped; None if it was not found by the
            search.
    """

    program: Program
    individual: Individual | None
    train: Backtest
    validation: Backtest | None
    pruned: Pruned | None = None

    def validation_metric(self, metric: str) -> float:
        """Return a metric on validation; -inf if it is undefined."""
        value = self.validation.metrics[metric] if self.validation else math.nan
        return -math.inf if math.isnan(value) else value


def describe_finalists(finalists: Sequence[Assessed]) -> list[dict[str, object]]:
    """Describe finalists, each with the correlation of its positions with those of the first."""
    return [
        _describe(each)
        | {"correlation": round(correlate_positions(each.train, finalists[0].train), DIGITS)}
        for each in finalists
    ]


def clean_metrics(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Return metrics for JSON, with null for those without a finite value."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _describe(each: Assessed) -> dict[str, object]:
    windows = {"train": each.train, "validation": each.validation}
    result: dict[str, object] = {
        "name": each.program.name,
        "source": format_program(each.program),
        "hash": each.program.hash,
        "nodes": each.program.nodes,
        "metrics": {name: clean_metrics(run.metrics) for name, run in windows.items() if run},
        "benchmark": {
            name: clean_metrics(run.benchmark_metrics) for name, run in windows.items() if run
        },
    }
    if any(run is not None and run.sleeves for run in windows.values()):
        result["by_symbol"] = {
            name: {sleeve.symbols[0]: clean_metrics(sleeve.metrics) for sleeve in run.sleeves}
            for name, run in windows.items()
            if run
        }
    if each.pruned is not None:
        result["pruned"] = {
            "hash": each.pruned.original.hash,
            "nodes": each.pruned.nodes_before,
            "dropped": list(each.pruned.dropped),
        }
    if each.individual is not None:
        result["scores"] = list(each.individual.scores.values)
    return result
