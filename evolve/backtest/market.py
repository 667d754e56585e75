"""The market a strategy trades in: how orders fill and what they cost."""

from __future__ import annotations

from typing import Literal, NamedTuple

FillMode = Literal["next_open", "close"]
BPS = 1e-4


class Market(NamedTuple):
    """Fills and costs as the simulation reads them, in plain fractions.

    Attributes:
        capital: equity at the start.
        at_close: fill at the close of the signal bar (else at the next open).
        commission: fraction of traded value, per side.
        commission_per_share: money per (raw) share, per side.
        commission_minimum: least commission of an order.
        slippage: fraction of the price, against the trader, on market and stop fills.
        slippage_range: fraction of the bar's range, likewise.
        borrow: yearly rate on the prior close's value of a short.
        cash_rate: yearly rate on positive cash, and the Sharpe ratio's risk-free rate.
        max_leverage: the cap on size.
    """

    capital: float = 10_000.0
    at_close: bool = False
    commission: float = 1 * BPS
    commission_per_share: float = 0.0
    commission_minimum: float = 0.0
    slippage: float = 5 * BPS
    slippage_range: float = 0.0
    borrow: float = 0.0
    cash_rate: float = 0.0
    max_leverage: float = 1.0


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
) -> Market:
    """A market in the units people write: basis points, and a fill by name."""
    return Market(
        float(capital),
        fill == "close",
        commission_bps * BPS,
        float(commission_per_share),
        float(commission_minimum),
        slippage_bps * BPS,
        float(slippage_range),
        borrow_bps * BPS,
        float(cash_rate),
        float(max_leverage),
    )
