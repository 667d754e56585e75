"""Gates of a verdict, in order: executable, null, holdout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evolve.backtest.backtest import Backtest
from evolve.backtest.market import COSTS, Market
from evolve.fitness.goals import FitnessSpec

MIN_EXPOSURE = 0.05  # without it the null run hardly detects an edge
MAX_ENTRY_BAR_EXITS = 0.5  # of all exits
EXPOSURE = "exposure_per_fold"
FILL_COSTS = tuple(name for name in COSTS if name != "borrow")  # a long position borrows nothing


@dataclass(frozen=True)
class Gate:
    """Gate of a verdict.

    Attributes:
        name: `executable`, `null` or `holdout`.
        passed: whether the result passes; None if the gate was not reached.
        text: the figures that decide, or the reason.
    """

    name: str
    passed: bool | None
    text: str


def check_executable(market: Market, spec: FitnessSpec, train: Backtest) -> Gate:
    """Check that a result could have been traded, and that its null run can tell it from luck.

    Args:
        market: fills and costs.
        spec: objectives and requirements of the search.
        train: backtest of the winner on train.
    """
    reasons = list(_list_reasons(market, spec, train))
    return Gate("executable", not reasons, "; ".join(reasons))


def _list_reasons(market: Market, spec: FitnessSpec, train: Backtest) -> Iterator[str]:
    if not market.is_executable:
        yield (
            "orders fill at the close of their own signal, which cannot be traded (set "
            "`backtest.fill` to next_open)"
        )
    if not any(getattr(market, name) for name in FILL_COSTS):
        yield "orders have no costs (set `backtest.commission_bps` and `backtest.slippage_bps`)"
    if spec.require.get(EXPOSURE, 0.0) < MIN_EXPOSURE:
        minimum = f"{MIN_EXPOSURE:.0%}"
        yield f"`fitness.require.{EXPOSURE}` is below {minimum} (set it to at least {minimum})"
    share = train.metrics["entry_bar_exits"]
    if share > MAX_ENTRY_BAR_EXITS:
        yield (
            f"{share:.0%} of the exits are on the bar of their entry, whose order of prices is "
            "unknown (use wider stops and targets, or shorter bars)"
        )
