"""What the simulation reads and writes, and the account it works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

SIZE, STOP, TRAIL, TARGET = range(4)

NONE = -1
NEVER = 1 << 60
REASONS = ("signal", "reverse", "hold", "stop", "trail", "target", "end", "ruin")
BY_SIGNAL, BY_REVERSE, BY_HOLD, BY_STOP, BY_TRAIL, BY_TARGET, BY_END, BY_RUIN = range(8)

TRADE_FIELDS = (
    "entry_bar", "exit_bar", "shares", "entry_price", "exit_price", "reason", "profit", "costs",
)  # fmt: skip
FOLD_FIELDS = (
    "returns", "sum", "squares", "products", "trades", "held", "growth", "ruined", "risk",
)  # fmt: skip
F_RETURNS, F_SUM, F_SQUARES, F_PRODUCTS, F_TRADES, F_HELD, F_GROWTH, F_RUINED, F_RISK = range(9)


class BarArrays(NamedTuple):
    """The bars of one symbol, each with a price, and the window of them to simulate.

    `days` are calendar days since the bar before; of the window's first bar, since the window
    began. `spread` is high less low. Where opens are not traded, open, high and low are the close.
    So an order fills at the next close, and stops, trails and targets are judged there.
    """

    open: Series
    high: Series
    low: Series
    close: Series
    adjustment: Series
    volume: Series
    spread: Series
    days: Series
    start: int
    stop: int


class SimulationOutput(NamedTuple):
    """What the pass writes, over zeros. An array with no rows is not wanted and not written.

    Attributes:
        equity: float64[program, bar of the window], marked at the close.
        held: int8[program, bar of the window], the side held at the close.
        trades: float64[trade, TRADE_FIELDS], closed trades of the first program.
        trade_count: int64[1], how many of them.
        folds: float64[program, fold, FOLD_FIELDS], sums over excess returns r a bar, and r times
            the benchmark's; a trade counts in the fold of its entry, ruin in the last. `risk` is
            the sum of squared fractions of equity invested, over bars that end with a position and
            bars that one began and ended on.
        edges: int64[fold], the first bar of each fold.
        benchmark: float64[bar of the window], the benchmark's excess returns.
        risk_free: float64[bar of the window], the returns of cash.
    """

    equity: Series
    held: NDArray[np.int8]
    trades: Series
    trade_count: NDArray[np.int64]
    folds: Series
    edges: NDArray[np.int64]
    benchmark: Series
    risk_free: Series


if TYPE_CHECKING:
    from typing import Any

    Account = Any  # a numpy record of dtype ACCOUNT


class Bar(NamedTuple):
    """One bar: prices, adjusted over raw price, volume in raw shares, and high less low."""

    open: float
    high: float
    low: float
    close: float
    adjustment: float
    volume: float
    spread: float


ACCOUNT = np.dtype(
    [
        ("cash", np.float64),
        # The open position: shares below 0 are short; price is the fill before slippage;
        # distances are frozen at the fill, infinite for none; extreme is the most favourable price
        # since.
        ("shares", np.float64),
        ("price", np.float64),
        ("fill", np.float64),
        ("bar", np.int64),
        ("fold", np.int64),
        ("stop", np.float64),
        ("trail", np.float64),
        ("target", np.float64),
        ("extreme", np.float64),
        ("risk", np.float64),  # the square of the fraction of equity invested
        ("costs", np.float64),
        # What has left of it already, where the volume allowed no more: shares, the money for
        # them, and what they made before costs.
        ("gone", np.float64),
        ("received", np.float64),
        ("gross", np.float64),
        # Orders that wait for a fill: to leave, for a reason (NONE for no order), and to enter a
        # side (0 for none) with what the signal bar asked for.
        ("leave", np.int64),
        ("side", np.int64),
        ("asked", np.float64, (4,)),
        ("is_ratio", np.int64, (4,)),
        # The trade just closed, until it is kept: its reason (NONE if there is none) and account.
        ("reason", np.int64),
        ("sold_bar", np.int64),
        ("sold_fold", np.int64),
        ("sold_shares", np.float64),
        ("sold_from", np.float64),
        ("sold_fill", np.float64),
        ("sold_costs", np.float64),
        ("profit", np.float64),
    ],
    align=True,
)
