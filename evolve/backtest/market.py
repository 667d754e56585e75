"""Market of a backtest: fills and costs of orders."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, ParamSpec, get_args

FillMode = Literal["next_open", "close", "next_close"]
FILLS: tuple[FillMode, ...] = get_args(FillMode)
NEXT_OPEN, CLOSE, NEXT_CLOSE = range(3)
BPS = 1e-4


class Market(NamedTuple):
    """Fills and costs as the simulation reads them; rates are fractions.

    Attributes:
        capital: equity before the first bar.
        fill: NEXT_OPEN, CLOSE (of the signal bar) or NEXT_CLOSE.
        commission: fraction of the traded value, per side.
        commission_per_share: money per raw share, per side.
        commission_minimum: minimum commission of an order.
        slippage: fraction of the price, against the trader, on market and stop fills.
        slippage_range: fraction of the bar's range, against the trader, on the same fills.
        borrow: yearly rate on a short position, valued at the prior close.
        cash_rate: yearly rate on positive cash; ratios count returns above it.
        max_leverage: maximum size, as a fraction of equity.
        max_volume_share: maximum share of a bar's volume that a fill takes; infinite for no cap.
            The rest of an entry is dropped; the rest of an exit fills on later bars.
    """

    capital: float
    fill: int
    commission: float
    commission_per_share: float
    commission_minimum: float
    slippage: float
    slippage_range: float
    borrow: float
    cash_rate: float
    max_leverage: float
    max_volume_share: float

    def filled_at(self, closes_only: bool) -> str:
        """Return the name of the fill, such as `next open`, with or without traded opens."""
        name = "next_close" if closes_only and self.fill == NEXT_OPEN else FILLS[self.fill]
        return name.replace("_", " ")

    @property
    def is_executable(self) -> bool:
        """Whether orders fill only after their signal is known."""
        return self.fill != CLOSE

    def scale_costs(self, factor: float) -> Market:
        """Return a copy with all costs multiplied by `factor`."""
        costs = {name: getattr(self, name) * factor for name in COSTS}
        return self._replace(**costs)


COSTS = (
    "commission", "commission_per_share", "commission_minimum", "slippage", "slippage_range",
    "borrow",
)  # fmt: skip


@dataclass(frozen=True)
class MarketSettings:
    """Fills and costs in the units of the configuration, with their defaults.

    Rates and shares are fractions; names in `_bps` are basis points. `Market` has the meanings.
    """

    capital: float = 10_000
    fill: FillMode = "next_open"
    commission_bps: float = 1
    commission_per_share: float = 0
    commission_minimum: float = 0
    slippage_bps: float = 5
    slippage_range: float = 0
    borrow_bps: float = 0
    cash_rate: float = 0
    max_leverage: float = 1
    max_volume_share: float | None = None

    def market(self) -> Market:
        """Build the market that the simulation reads."""
        cap = self.max_volume_share
        return Market(
            capital=float(self.capital),
            fill=FILLS.index(self.fill),
            commission=self.commission_bps * BPS,
            commission_per_share=float(self.commission_per_share),
            commission_minimum=float(self.commission_minimum),
            slippage=self.slippage_bps * BPS,
            slippage_range=float(self.slippage_range),
            borrow=self.borrow_bps * BPS,
            cash_rate=float(self.cash_rate),
            max_leverage=float(self.max_leverage),
            max_volume_share=math.inf if cap is None else float(cap),
        )


P = ParamSpec("P")


def _create_factory(settings: Callable[P, MarketSettings]) -> Callable[P, Market]:
    def market(*args: P.args, **kwargs: P.kwargs) -> Market:
        """Build a market from the arguments of `MarketSettings`."""
        return settings(*args, **kwargs).market()

    return market


market = _create_factory(MarketSettings)
