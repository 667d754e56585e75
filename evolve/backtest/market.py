"""The market a strategy trades in: how orders fill and what they cost."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

FillMode = Literal["next_open", "close", "next_close"]
FILLS: tuple[FillMode, ...] = ("next_open", "close", "next_close")
NEXT_OPEN, CLOSE, NEXT_CLOSE = range(3)
BPS = 1e-4


class Market(NamedTuple):
    """Fills and costs as the simulation reads them, in plain fractions.

    Attributes:
        capital: equity at the start.
        fill: NEXT_OPEN, or CLOSE of the signal bar, or NEXT_CLOSE.
        commission: fraction of traded value, per side.
        commission_per_share: money per (raw) share, per side.
        commission_minimum: least commission of an order.
        slippage: fraction of the price, against the trader, on market and stop fills.
        slippage_range: fraction of the bar's range, likewise.
        borrow: yearly rate on the prior close's value of a short.
        cash_rate: yearly rate on positive cash; every ratio is of returns above it.
        max_leverage: the cap on size.
        max_volume_share: the most of a bar's volume that a fill takes; what does not fit of an
            entry is dropped, of an exit it follows at the next fills. Infinite for no cap.
    """

    capital: float = 10_000.0
    fill: int = NEXT_OPEN
    commission: float = 1 * BPS
    commission_per_share: float = 0.0
    commission_minimum: float = 0.0
    slippage: float = 5 * BPS
    slippage_range: float = 0.0
    borrow: float = 0.0
    cash_rate: float = 0.0
    max_leverage: float = 1.0
    max_volume_share: float = math.inf

    def filled_at(self, closes_only: bool) -> str:
        """Return when an order fills, in words, on bars with or without traded opens."""
        name = "next_close" if closes_only and self.fill == NEXT_OPEN else FILLS[self.fill]
        return name.replace("_", " ")

    @property
    def is_executable(self) -> bool:
        """Whether orders fill after the signal is known."""
        return self.fill != CLOSE

    def dearer(self, times: float) -> Market:
        """The same market with every cost so many times as high."""
        costs = {name: getattr(self, name) * times for name in COSTS}
        return self._replace(**costs)


COSTS = (
    "commission", "commission_per_share", "commission_minimum", "slippage", "slippage_range",
    "borrow",
)  # fmt: skip


def market(
    capital: float = 10_000.0,
    fill: FillMode = "next_open",
    commission_bps: float = 1.0,
    slippage_bps: float = 5.0,
    commission_per_share: float = 0.0,
    commission_minimum: float = 0.0,
    slippage_range: float = 0.0,
    borrow_bps: float = 0.0,
    cash_rate: float = 0.0,
    max_leverage: float = 1.0,
    max_volume_share: float | None = None,
) -> Market:
    """A market in the units people write: basis points, and a fill by name."""
    return Market(
        float(capital),
        FILLS.index(fill),
        commission_bps * BPS,
        float(commission_per_share),
        float(commission_minimum),
        slippage_bps * BPS,
        float(slippage_range),
        borrow_bps * BPS,
        float(cash_rate),
        float(max_leverage),
        math.inf if max_volume_share is None else float(max_volume_share),
    )
