"""One strategy in full: equity, trades and metrics beside buy-and-hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.evaluate.jit import compiled
from dsl.syntax.vocabulary import SideName
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

MAX_EQUITY = 1e250  # beyond it, sums of money overflow


@dataclass(frozen=True)
class Trade:
    """A closed round trip. Prices are fills, slippage included; profit is net of costs."""

    symbol: str
    entry_time: np.datetime64
    exit_time: np.datetime64
    side: SideName
    shares: float
    entry_price: float
    exit_price: float
    reason: str
    bars: int
    profit: float
    costs: float


@dataclass(frozen=True, eq=False)
class Backtest:
    """A strategy's run over a window of bars, of one symbol or of several with a sleeve each.

    Attributes:
        symbols: what was traded.
        time: datetime64[bar] of the window.
        held: int64[bar], positions at the close, longs less shorts: 1, 0 or -1 for one symbol.
        trades: closed trades in order of exit.
        performance: what the metrics are computed from; holding: the same of buying and holding.
        sleeves: the runs of several symbols, each alone; empty for one.
    """

    symbols: tuple[str, ...]
    time: NDArray[np.datetime64]
    held: NDArray[np.int64]
    trades: tuple[Trade, ...]
    performance: Performance
    holding: Performance
    sleeves: tuple[Backtest, ...] = ()

    @property
    def equity(self) -> Series:
        """float64[bar], marked at the close."""
        return self.performance.equity

    @property
    def benchmark(self) -> Series:
        """float64[bar], the equity of buying and holding."""
        return self.performance.benchmark

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by name; NaN where one has no value."""
        return measure(self.performance)

    @cached_property
    def benchmark_metrics(self) -> dict[str, float]:
        """Every metric of buying and holding."""
        return measure(self.holding)


def backtest(
    program: Program, bars: Bars, market: Market, start: int = 0, stop: int | None = None
) -> Backtest:
    """Trade a program over bars start to stop; earlier bars only warm its indicators.

    Args:
        program: a checked strategy.
        bars: of one or more symbols; each gets a sleeve of equal capital.
        market: fills and costs.
        start, stop: the window, in bars; the strategy starts flat and is closed at its end.

    Raises:
        EvolveError: if the equity exceeds MAX_EQUITY.
    """
    sleeves = build_sleeves(bars, start, len(bars) if stop is None else stop)
    share = share_of_market(market, len(sleeves))
    records = _simulate_all(program, sleeves, share)
    runs = tuple(_build_backtest(*each, share) for each in zip(records, sleeves, strict=True))
    if len(runs) == 1:
        return runs[0]
    trades = [trade for run in runs for trade in run.trades]
    return Backtest(
        bars.symbols,
        runs[0].time,
        np.sum([run.held for run in runs], axis=0),
        tuple(sorted(trades, key=lambda each: (each.exit_time, each.symbol, each.entry_time))),
        pool_trades([run.performance for run in runs]),
        pool_trades([run.holding for run in runs]),
        runs,
    )


def _simulate_all(
    program: Program, sleeves: Sequence[Sleeve], market: Market
) -> list[SimulationOutput]:
    """The run of a program in each sleeve."""
    (batch,) = Evaluator(*[each.bars for each in sleeves]).batches([program])
    records = []
    for symbol, sleeve in enumerate(sleeves):
        count = len(sleeve.places)
        record = SimulationOutput(
            np.zeros((1, count)),
            np.zeros((1, count), np.int8),
            np.zeros((count + 2, len(TRADE_FIELDS))),
            np.zeros(1, np.int64),
            np.zeros((0, 0, len(FOLD_FIELDS))),
            np.zeros(0, np.int64),
            np.zeros(count),
            np.zeros(count),
        )
        compiled(simulate)(sleeve.arrays, batch.on(symbol), market, record, scratch_account())
        records.append(record)
    return records


def _build_backtest(record: SimulationOutput, sleeve: Sleeve, market: Market) -> Backtest:
    """What came of a run in a sleeve."""
    table = record.trades[: record.trade_count[0]]
    beyond = np.flatnonzero(record.equity[0] > MAX_EQUITY)
    if len(beyond):
        day = sleeve.time[sleeve.places[beyond[0]]].astype("datetime64[D]")
        message = f"equity on {sleeve.symbol} exceeds {MAX_EQUITY:g} on {day}"
        raise EvolveError(message, "no market pays so much: correct the prices before that day")
    holding = buy_and_hold(sleeve, market)
    trades = Trades(
        profits=table[:, 6].copy(),
        costs=table[:, 7].copy(),
        traded=np.abs(table[:, 2]) * (table[:, 3] + table[:, 4]),
        bars=table[:, 1] - table[:, 0],
    )
    performance = build_performance(
        sleeve, market, record.equity[0], record.held[0], trades, holding.equity
    )
    return Backtest(
        (sleeve.symbol,),
        sleeve.time,
        sleeve.spread(record.held[0], 0).astype(np.int64),
        tuple(_build_trade(row, sleeve) for row in table),
        performance,
        holding,
    )


def scratch_account() -> np.record:
    """Scratch for the simulation."""
    scratch: np.record = np.zeros(1, ACCOUNT)[0]
    return scratch


def _build_trade(row: Series, sleeve: Sleeve) -> Trade:
    entry, leave = int(row[0]), int(row[1])
    return Trade(
        sleeve.symbol,
        sleeve.bars.time[entry],
        sleeve.bars.time[leave],
        "long" if row[2] > 0 else "short",
        abs(float(row[2])),
        float(row[3]),
        float(row[4]),
        REASONS[int(row[5])],
        leave - entry,
        float(row[6]),
        float(row[7]),
    )
