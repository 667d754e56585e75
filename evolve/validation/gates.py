"""Gates of a verdict, in order: executable, null, holdout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from evolve.backtest.backtest import Backtest
from evolve.backtest.market import COSTS, Market
from evolve.backtest.metrics import Unit
from evolve.fitness.goals import FitnessSpec

MIN_EXPOSURE = 0.05  # without it the null run hardly detects an edge
MAX_ENTRY_BAR_EXITS = 0.5  # of all exits
EXPOSURE = "exposure_per_fold"
FILL_COSTS = tuple(name for name in COSTS if name != "borrow")  # a long position borrows nothing


@dataclass(frozen=True)
class Criterion:
    """Figure that a gate compares with a limit.

    Attributes:
        name: what it is.
        value: its value; None for an unknown one.
        bound: whether the limit is a minimum or a maximum.
        limit: the limit.
        unit: unit of both.
        passed: whether the value is within the limit.
    """

    name: str
    value: float | None
    bound: Literal["at least", "at most"]
    limit: float
    unit: Unit
    passed: bool


@dataclass(frozen=True)
class Gate:
    """Gate of a verdict.

    Attributes:
        name: `executable`, `null` or `holdout`.
        passed: whether the result passes; None if the gate was not reached.
        text: the figures that decide, or the reason.
        criteria: the figures that decide; the gate passes if all of them do. Empty for a gate that
            was not reached, and for one that an earlier version wrote.
    """

    name: str
    passed: bool | None
    text: str
    criteria: tuple[Criterion, ...] = ()


def require_minimum(name: str, value: float, limit: float, unit: Unit) -> Criterion:
    """Return the criterion of a figure that must be at least a limit; NaN is not."""
    return Criterion(name, _drop_nan(value), "at least", limit, unit, value >= limit)


def require_maximum(name: str, value: float, limit: float, unit: Unit) -> Criterion:
    """Return the criterion of a figure that may be at most a limit; NaN may."""
    return Criterion(name, _drop_nan(value), "at most", limit, unit, not value > limit)


def check_executable(market: Market, spec: FitnessSpec, train: Backtest) -> Gate:
    """Check that a result could have been traded, and that its null run can tell it from luck.

    Args:
        market: fills and costs.
        spec: objectives and requirements of the search.
        train: backtest of the winner on train.
    """
    checks = tuple(_iterate_checks(market, spec, train))
    reasons = [reason for criterion, reason in checks if not criterion.passed]
    criteria = tuple(criterion for criterion, _ in checks)
    return Gate("executable", not reasons, "; ".join(reasons), criteria)


def _iterate_checks(
    market: Market, spec: FitnessSpec, train: Backtest
) -> Iterator[tuple[Criterion, str]]:
    """Yield each criterion, with the reason of its failure."""
    yield (
        require_minimum("bars from signal to fill", float(market.is_executable), 1, "count"),
        "orders fill at the close of their own signal, which cannot be traded (set "
        "`backtest.fill` to next_open)",
    )
    costs = sum(getattr(market, name) > 0.0 for name in FILL_COSTS)
    yield (
        require_minimum("kinds of costs of an order", float(costs), 1, "count"),
        "orders have no costs (set `backtest.commission_bps` and `backtest.slippage_bps`)",
    )
    minimum = f"{MIN_EXPOSURE:.0%}"
    required = spec.require.get(EXPOSURE, 0.0)
    yield (
        require_minimum("bars held in each fold, as required", required, MIN_EXPOSURE, "percent"),
        f"`fitness.require.{EXPOSURE}` is below {minimum} (set it to at least {minimum})",
    )
    share = train.metrics["entry_bar_exits"]
    yield (
        require_maximum("exits on the bar of their entry", share, MAX_ENTRY_BAR_EXITS, "percent"),
        f"{share:.0%} of the exits are on the bar of their entry, whose order of prices is "
        "unknown (use wider stops and targets, or shorter bars)",
    )


def _drop_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
