"""Backtest of one strategy: equity, trades and metrics, with buy and hold as the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator, SignalBuffers, Signals
from dsl.evaluate.jit import compile_kernel
from dsl.syntax.vocabulary import DirectionName
from evolve.backtest.kernels.records import (
    ACCOUNT,
    FOLD_FIELDS,
    REASONS,
    TRADE_FIELDS,
    SimulationOutput,
)
from evolve.backtest.kernels.reference import simulate
from evolve.backtest.market import Market
from evolve.backtest.metrics import measure
from evolve.backtest.performance import Performance, Series, Trades, pool_trades
from evolve.backtest.sleeve import (
    Sleeve,
    build_performance,
    build_sleeves,
    buy_and_hold,
    share_of_market,
)
from evolve.errors import EvolveError

MAX_EQUITY = 1e250  # sums of larger amounts overflow


@dataclass(frozen=True)
class Trade:
    """Closed round trip. Prices are fills after slippage; profit is net of costs."""

    symbol: str
    entry_time: np.datetime64
    exit_time: np.datetime64
    side: DirectionName
    shares: float
    entry_price: float
    exit_price: float
    reason: str
    bars: int
    profit: float
    costs: float


@dataclass(frozen=True, eq=False)
class Backtest:
    """Result of a strategy on a window of bars, with a sleeve for each symbol.

    Attributes:
        symbols: traded symbols.
        time: datetime64[bar] of the window.
        held: int64[bar], long less short positions at the close; 1, 0 or -1 for one symbol.
        performance: inputs of the metrics.
        holding: inputs of the metrics of buy and hold.
        list_trades: builds the trades.
        sleeves: results of each symbol; empty if there is only one.
    """

    symbols: tuple[str, ...]
    time: NDArray[np.datetime64]
    held: NDArray[np.int64]
    performance: Performance
    holding: Performance
    list_trades: Callable[[], tuple[Trade, ...]] = field(repr=False)
    sleeves: tuple[Backtest, ...] = ()

    @cached_property
    def trades(self) -> tuple[Trade, ...]:
        """Closed trades in order of exit, built at the first use."""
        return self.list_trades()

    @property
    def equity(self) -> Series:
        """Equity at each close, float64[bar]."""
        return self.performance.equity

    @property
    def benchmark(self) -> Series:
        """Equity of buy and hold at each close, float64[bar]."""
        return self.performance.benchmark

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Metrics by name; NaN for a metric without a value."""
        return measure(self.performance)

    @cached_property
    def benchmark_metrics(self) -> dict[str, float]:
        """Metrics of buy and hold by name."""
        return measure(self.holding)


def backtest(
    program: Program, bars: Bars, market: Market, start: int = 0, stop: int | None = None
) -> Backtest:
    """Backtest a program on the bars from `start` to `stop`; earlier bars only warm its indicators.

    Args:
        program: a checked strategy.
        bars: bars of one or more symbols; each gets a sleeve of equal capital.
        market: fills and costs.
        start: first bar of the window; the strategy starts flat.
        stop: bar after the window, at whose end positions are closed; the last bar if None.

    Raises:
        EvolveError: if equity exceeds MAX_EQUITY.
    """
    return Backtester(bars, market, start, stop)(program)


class Backtester:
    """Backtests on one window, which share its sleeves, its benchmark and cached indicators.

    Attributes:
        symbols: traded symbols.
        sleeves: one per symbol.
        evaluator: evaluator of terms and programs on the bars of each sleeve.
    """

    def __init__(self, bars: Bars, market: Market, start: int = 0, stop: int | None = None) -> None:
        """Build the sleeves and their benchmarks; see `backtest` for the arguments."""
        self.symbols = bars.symbols
        self.sleeves = build_sleeves(bars, start, len(bars) if stop is None else stop)
        self.evaluator = Evaluator(*[each.bars for each in self.sleeves])
        self._share = share_of_market(market, len(self.sleeves))
        self._holdings = [buy_and_hold(each, self._share) for each in self.sleeves]

    def __call__(self, program: Program) -> Backtest:
        """Backtest a program.

        Raises:
            EvolveError: if equity exceeds MAX_EQUITY.
        """
        (batch,) = self.evaluator.batches([program])
        return self.trade(batch.on(symbol) for symbol in range(len(self.sleeves)))

    def evaluate(self, program: Program) -> list[Signals]:
        """Return the signals of a program on the bars of each sleeve."""
        return [self.evaluator.signals([program], symbol) for symbol in range(len(self.sleeves))]

    def trade(self, signals: Iterable[SignalBuffers]) -> Backtest:
        """Backtest the signals of one program.

        Args:
            signals: on the bars of each sleeve; each is read before the next is requested.

        Raises:
            EvolveError: if equity exceeds MAX_EQUITY.
        """
        runs = tuple(
            _build_backtest(_simulate(buffers, sleeve, self._share), sleeve, self._share, holding)
            for buffers, sleeve, holding in zip(signals, self.sleeves, self._holdings, strict=True)
        )
        if len(runs) == 1:
            return runs[0]
        return Backtest(
            self.symbols,
            runs[0].time,
            np.sum([run.held for run in runs], axis=0),
            pool_trades([run.performance for run in runs]),
            pool_trades([run.holding for run in runs]),
            partial(_merge_trades, runs),
            runs,
        )


def _simulate(buffers: SignalBuffers, sleeve: Sleeve, market: Market) -> SimulationOutput:
    """Return the simulation output of the signals of one program in a sleeve."""
    count = len(sleeve.indices)
    output = SimulationOutput(
        np.zeros((1, count)),
        np.zeros((1, count), np.int8),
        np.zeros((count + 2, len(TRADE_FIELDS))),
        np.zeros(1, np.int64),
        np.zeros((0, 0, len(FOLD_FIELDS))),
        np.zeros(0, np.int64),
        np.zeros(count),
        np.zeros(count),
    )
    compile_kernel(simulate)(sleeve.arrays, buffers, market, output, create_account())
    return output


def _build_backtest(
    output: SimulationOutput, sleeve: Sleeve, market: Market, holding: Performance
) -> Backtest:
    """Build the backtest of a sleeve from the simulation output."""
    table = output.trades[: output.trade_count[0]]
    overflows = np.flatnonzero(output.equity[0] > MAX_EQUITY)
    if len(overflows):
        day = sleeve.time[sleeve.indices[overflows[0]]].astype("datetime64[D]")
        message = f"equity on {sleeve.symbol} exceeds {MAX_EQUITY:g} on {day}"
        raise EvolveError(message, f"check the prices before {day}")
    trades = Trades(
        profits=table[:, 6].copy(),
        costs=table[:, 7].copy(),
        turnover=np.abs(table[:, 2]) * (table[:, 3] + table[:, 4]),
        bars=table[:, 1] - table[:, 0],
    )
    performance = build_performance(
        sleeve, market, output.equity[0], output.held[0], trades, holding.equity
    )
    return Backtest(
        (sleeve.symbol,),
        sleeve.time,
        sleeve.spread(output.held[0], 0).astype(np.int64),
        performance,
        holding,
        partial(_build_trades, table.copy(), sleeve),
    )


def create_account() -> np.record:
    """Create the scratch account of a simulation."""
    account: np.record = np.zeros(1, ACCOUNT)[0]
    return account


def _merge_trades(runs: Sequence[Backtest]) -> tuple[Trade, ...]:
    trades = [trade for run in runs for trade in run.trades]
    return tuple(sorted(trades, key=lambda each: (each.exit_time, each.symbol, each.entry_time)))


def _build_trades(table: Series, sleeve: Sleeve) -> tuple[Trade, ...]:
    return tuple(_build_trade(row, sleeve) for row in table)


def _build_trade(row: Series, sleeve: Sleeve) -> Trade:
    entry_bar, exit_bar = int(row[0]), int(row[1])
    return Trade(
        sleeve.symbol,
        sleeve.bars.time[entry_bar],
        sleeve.bars.time[exit_bar],
        "long" if row[2] > 0 else "short",
        abs(float(row[2])),
        float(row[3]),
        float(row[4]),
        REASONS[int(row[5])],
        exit_bar - entry_bar,
        float(row[6]),
        float(row[7]),
    )
