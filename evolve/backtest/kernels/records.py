"""Input and output of the simulation, and its account."""

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
    """Priced bars of one symbol, and the window to simulate.

    If opens are not traded, open, high and low equal the close, so that orders fill at the next
    close and stops, trails and targets are tested there.

    Attributes:
        open, high, low, close: float64[bar], prices at which orders can fill.
        adjustment: float64[bar], adjusted over raw price.
        volume: float64[bar], raw shares; NaN if unknown.
        spread: float64[bar], high less low.
        days: float64[bar], calendar days since the bar before; for the first bar of the window,
            since the window started.
        start: first bar of the window.
        stop: bar after the window.
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
    """Output of a kernel, zero before; an array without rows is not requested and not written.

    `edges`, `benchmark` and `risk_free` are inputs of the sums over folds.

    Attributes:
        equity: float64[program, bar], equity at each close.
        held: int8[program, bar], side held at the close.
        trades: float64[trade, TRADE_FIELDS], closed trades of the first program.
        trade_count: int64[1], number of these trades.
        folds: float64[program, fold, FOLD_FIELDS], sums over excess returns per bar. A trade counts
            in the fold of its entry, ruin in the last fold. `risk` sums the squared invested
            fraction of equity over bars with a position at the close or an exit on the entry bar.
        edges: int64[fold], first bar of each fold.
        benchmark: float64[bar], excess returns of the benchmark.
        risk_free: float64[bar], returns of cash.
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
    """One bar of `BarArrays`."""

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
        # The open position. Shares of a short are negative; price is the fill before slippage;
        # stop, trail and target are distances, infinite for none; extreme is the most favorable
        # price since the fill.
        ("shares", np.float64),
        ("price", np.float64),
        ("fill", np.float64),
        ("bar", np.int64),
        ("fold", np.int64),
        ("stop", np.float64),
        ("trail", np.float64),
        ("target", np.float64),
        ("extreme", np.float64),
        ("risk", np.float64),  # squared invested fraction of equity
        ("costs", np.float64),
        # Partial exits under a volume cap: closed shares, their money, their profit before costs.
        ("closed", np.float64),
        ("received", np.float64),
        ("gross", np.float64),
        # Pending orders: the reason of the exit (NONE for no exit), the side of the entry (0 for no
        # entry), and the settings of its signal bar.
        ("leave", np.int64),
        ("side", np.int64),
        ("settings", np.float64, (4,)),
        ("is_ratio", np.int64, (4,)),
        # The trade that was just closed, until it is recorded; reason is NONE if there is none.
        ("reason", np.int64),
        ("trade_entry_bar", np.int64),
        ("trade_fold", np.int64),
        ("trade_shares", np.float64),
        ("trade_entry_fill", np.float64),
        ("trade_exit_fill", np.float64),
        ("trade_costs", np.float64),
        ("profit", np.float64),
    ],
    align=True,
)
