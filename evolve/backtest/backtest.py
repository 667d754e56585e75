"""One strategy in full: equity, trades and metrics beside buy-and-hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.evaluate import Evaluator, Signals
from dsl.evaluate.compile import compiled
from dsl.program import Program
from evolve.backtest import fills
from evolve.backtest.market import Market
from evolve.backtest.metrics import Performance, Series, measure
from evolve.backtest.records import (
    ACCOUNT,
    FOLD_FIELDS,
    REASONS,
    TRADE_FIELDS,
    Bar,
    Orders,
    Record,
    Tape,
)
from evolve.backtest.simulate import simulate


@dataclass(frozen=True)
class Trade:
    """A closed round trip. Prices are fills, slippage included; profit is net of costs."""

    entry_time: np.datetime64
    exit_time: np.datetime64
    side: str
    shares: float
    entry_price: float
    exit_price: float
    reason: str
    bars: int
    profit: float
    costs: float


@dataclass(frozen=True, eq=False)
class Backtest:
    """A strategy's run over a window of bars.

    Attributes:
        time: datetime64[bar] of the window.
        equity: float64[bar], marked at the close.
        held: int8[bar], the side held at the close: 1, 0 or -1.
        benchmark: float64[bar], the equity of buying and holding.
        benchmark_costs: what that paid.
        trades: closed trades in order of exit.
        performance: what the metrics are computed from.
    """

    time: NDArray[np.datetime64]
    equity: Series
    held: NDArray[np.int8]
    benchmark: Series
    benchmark_costs: float
    trades: tuple[Trade, ...]
    performance: Performance

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by name; NaN where one has no value."""
        return measure(self.performance)

    @cached_property
    def benchmark_metrics(self) -> dict[str, float]:
        """Every metric of buying and holding."""
        run, held = self.performance, self.benchmark
        profit = np.array([held[-1] - run.capital]) if len(held) else np.empty(0)
        return measure(
            replace(
                run,
                equity=held,
                held=np.ones(len(held), np.bool_),
                profits=profit,
                costs=np.array([self.benchmark_costs]),
                traded=np.array([run.capital + float(held[-1])]) if len(held) else np.empty(0),
            )
        )


def backtest(
    program: Program, bars: Bars, market: Market, start: int = 0, stop: int | None = None
) -> Backtest:
    """Trade a program over bars start to stop; earlier bars only warm its indicators.

    Args:
        program: a checked strategy.
        bars: one symbol's bars.
        market: fills and costs.
        start, stop: the window, in bars; the strategy starts flat and is closed at its end.
    """
    stop = len(bars) if stop is None else stop
    seen = bars if stop == len(bars) else bars.slice(0, stop)
    signals = Evaluator(seen).signals([program])
    tape = tape_of(bars, start, stop)
    count = stop - start
    record = Record(
        np.zeros((1, count)),
        np.zeros((1, count), np.int8),
        np.zeros((count + 2, len(TRADE_FIELDS))),
        np.zeros(1, np.int64),
        np.zeros((0, 0, len(FOLD_FIELDS))),
        np.zeros(0, np.int64),
        np.zeros(count),
    )
    compiled(simulate)(tape, orders_of(signals), market, record, scratch_account())
    table = record.trades[: record.trade_count[0]]
    benchmark, benchmark_costs = buy_and_hold(tape, market)
    performance = Performance(
        capital=market.capital,
        equity=record.equity[0],
        benchmark=benchmark,
        held=record.held[0] != 0,
        profits=table[:, 6].copy(),
        costs=table[:, 7].copy(),
        traded=np.abs(table[:, 2]) * (table[:, 3] + table[:, 4]),
        bars_per_year=bars.bars_per_year,
        cash_rate=market.cash_rate,
    )
    return Backtest(
        bars.time[start:stop],
        record.equity[0],
        record.held[0],
        benchmark,
        benchmark_costs,
        tuple(_trade(row, bars.time) for row in table),
        performance,
    )


def tape_of(bars: Bars, start: int, stop: int) -> Tape:
    """The bars of the one symbol of a panel, as the simulation reads them."""
    if len(bars.symbols) != 1:
        raise ValueError(f"one symbol is simulated at a time, not {len(bars.symbols)}")
    priced = np.flatnonzero(~np.isnan(bars.open[0, :stop]) & ~np.isnan(bars.close[0, :stop]))
    last = int(priced[-1]) if len(priced) else stop - 1
    return Tape(
        bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.adjustment[0], bars.days,
        start, stop, last,
    )  # fmt: skip


def orders_of(signals: Signals) -> Orders:
    """Signals as the simulation reads them."""
    return Orders(
        signals.orders, signals.settings, signals.rows, signals.is_ratio, signals.hold_bars
    )


def buy_and_hold(tape: Tape, market: Market) -> tuple[Series, float]:
    """Buying all in at the window's first open and selling at its last close.

    Returns:
        float64[bar], its equity; and what it paid in costs.
    """
    window = slice(tape.start, tape.stop)
    equity: Series = np.full(tape.stop - tape.start, market.capital)
    priced = np.flatnonzero(~np.isnan(tape.open[window]) & ~np.isnan(tape.close[window]))
    if not len(priced):
        return equity, 0.0
    first, last = (_bar(tape, tape.start + int(place)) for place in (priced[0], priced[-1]))
    shares, fill, fee = fills.entry(
        1.0, 1, first.open, market.capital, first, market._replace(max_leverage=1.0)
    )
    if shares == 0.0:
        return equity, 0.0
    cash = market.capital - shares * fill - fee
    sold = fills.slipped(last.close, -1, last, market)
    last_fee = fills.commission(shares, sold, last, market)
    close = _filled_forward(tape.close[window])
    equity[priced[0] :] = cash + shares * close[priced[0] :]
    equity[priced[-1] :] = cash + shares * sold - last_fee
    slippage = shares * (fill - first.open + last.close - sold)
    return equity, slippage + fee + last_fee


def _bar(tape: Tape, t: int) -> Bar:
    return Bar(*[float(series[t]) for series in tape[:5]])


def scratch_account() -> np.record:
    """Scratch for the simulation."""
    scratch: np.record = np.zeros(1, ACCOUNT)[0]
    return scratch


def _filled_forward(values: Series) -> Series:
    known = np.where(np.isnan(values), 0, np.arange(len(values)))
    filled: Series = values[np.maximum.accumulate(known)]
    return filled


def _trade(row: Series, time: NDArray[np.datetime64]) -> Trade:
    entry, leave = int(row[0]), int(row[1])
    return Trade(
        time[entry],
        time[leave],
        "long" if row[2] > 0 else "short",
        abs(float(row[2])),
        float(row[3]),
        float(row[4]),
        REASONS[int(row[5])],
        leave - entry,
        float(row[6]),
        float(row[7]),
    )
