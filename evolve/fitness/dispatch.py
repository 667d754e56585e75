"""What programs add up to over folds, each traded by the quickest way that is open to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import ARENA_MB, WORD_BARS, Batch, Evaluator
from dsl.evaluate.jit import compiled
from evolve.backtest.backtest import scratch_account
from evolve.backtest.kernels.event_driven import sum_event_driven, trace_event_driven
from evolve.backtest.kernels.execution_tables import build_execution_tables
from evolve.backtest.kernels.long_flat import build_long_flat_table, is_plain, sum_long_flat
from evolve.backtest.kernels.portfolio import add_sleeve, sum_folds
from evolve.backtest.kernels.records import (
    F_RISK,
    F_RUINED,
    F_TRADES,
    FOLD_FIELDS,
    TRADE_FIELDS,
    SimulationOutput,
)
from evolve.backtest.kernels.reference import simulate
from evolve.backtest.market import Market
from evolve.backtest.performance import Series, pool_trades
from evolve.backtest.sleeve import build_sleeves, buy_and_hold, share_of_market

TradingMode = Callable[[Batch, Series], None]
"""Writes the sums of a batch of programs, float64[program, fold, FOLD_FIELDS], over zeros."""


class FoldTrader:
    """Trades programs on the folds of a window of bars.

    Attributes:
        edges: int64[fold + 1], the first bar of each fold, from the window's first on, and the end.
        benchmark: float64[bar of the window], the returns of buying and holding above cash.
    """

    def __init__(
        self, bars: Bars, market: Market, folds: int, start: int = 0, arena_mb: float = ARENA_MB
    ) -> None:
        """
        Args:
            bars: of one symbol, or of several with a sleeve each.
            market: fills and costs.
            folds: how many.
            start: where they begin; the bars before only warm the indicators.
            arena_mb: memory for what is kept, as `Evaluator` takes it.
        """
        self._market = market
        self._sleeves = build_sleeves(bars, start, len(bars))
        self._share = share_of_market(market, len(self._sleeves))
        self._evaluator = Evaluator(*[each.bars for each in self._sleeves], arena_mb=arena_mb)
        self._account = scratch_account()
        self._bars = len(bars) - start
        self.edges = np.linspace(start, len(bars), folds + 1).round().astype(np.int64) - start
        holding = pool_trades([buy_and_hold(each, self._share) for each in self._sleeves])
        self.benchmark = np.concatenate([[0.0], holding.benchmark_excess])
        self._risk_free = np.concatenate([[0.0], holding.risk_free])
        starts, first = self.edges[:-1], self._sleeves[0]
        self._courses = [
            build_execution_tables(
                each.arrays, self._share, each.edges(starts), self.benchmark[each.places]
            )
            for each in self._sleeves
        ]
        self._is_one = len(self._sleeves) == 1 and first.is_whole
        self._latch = (
            build_long_flat_table(first.arrays, market, starts, self.benchmark, self._risk_free)
            if self._is_one
            else None
        )

    def __call__(self, programs: Sequence[Program]) -> Series:
        """float64[program, fold, FOLD_FIELDS]: the sums of each program over each fold."""
        plain: list[int] = []
        others: list[int] = []
        for index, program in enumerate(programs):
            is_latch = self._latch is not None and is_plain(program.canonical)
            (plain if is_latch else others).append(index)
        sums = self._blank(len(programs))
        ways = {self.latched: plain, self.traded if self._is_one else self.pooled: others}
        for way, indices in ways.items():
            if indices:
                sums[indices] = self.sum_folds([programs[index] for index in indices], way)
        return sums

    def sum_folds(self, programs: Sequence[Program], way: TradingMode) -> Series:
        """The sums of programs, by a way that is open to them all."""
        sums, first = self._blank(len(programs)), 0
        for batch in self._evaluator.batches(programs):
            way(batch, sums[first : first + len(batch)])
            first += len(batch)
        return sums

    def latched(self, batch: Batch, sums: Series) -> None:
        """Of plain strategies on one symbol."""
        held = np.zeros(-(-self._bars // WORD_BARS) + 2, np.uint64)
        compiled(sum_long_flat)(batch.on(0), self._latch, held, sums)

    def traded(self, batch: Batch, sums: Series) -> None:
        """Of strategies on one symbol."""
        sums[:] = self.trade(batch, 0, wants_equity=False).folds

    def pooled(self, batch: Batch, sums: Series) -> None:
        """Of the equity of all sleeves together."""
        shape = (len(sums), self._bars)
        total, positions = np.zeros(shape), np.zeros(shape, np.int64)
        for symbol, sleeve in enumerate(self._sleeves):
            record = self.trade(batch, symbol, wants_equity=True)
            growth, capital = sleeve.idle_growth(self._market), self._share.capital
            compiled(add_sleeve)(
                record.equity, record.held, sleeve.latest, growth, capital, total, positions
            )
            sums[:, :, F_TRADES] += record.folds[:, :, F_TRADES]
            sums[:, :, F_RUINED] += record.folds[:, :, F_RUINED]
            sums[:, :, F_RISK] += record.folds[:, :, F_RISK] / len(self._sleeves) ** 2
        compiled(sum_folds)(
            total, positions, self._market.capital, self.edges[:-1], self.benchmark,
            self._risk_free, len(self._sleeves), sums,
        )  # fmt: skip

    def trade(self, batch: Batch, symbol: int, wants_equity: bool) -> SimulationOutput:
        """The run of each program in the sleeve of a symbol, its equity on every bar if wanted."""
        sleeve, course = self._sleeves[symbol], self._courses[symbol]
        said = batch.on(symbol)
        bars = len(sleeve.places)
        shape = (len(batch), bars) if wants_equity else (0, 0)
        record = SimulationOutput(
            np.zeros(shape),
            np.zeros(shape, np.int8),
            np.zeros((0, len(TRADE_FIELDS))),
            np.zeros(1, np.int64),
            self._blank(len(batch)),
            sleeve.edges(self.edges[:-1]),
            self.benchmark[sleeve.places],
            self._risk_free[sleeve.places],
        )
        if course is None:
            compiled(simulate)(sleeve.arrays, said, self._share, record, self._account)
            return record
        bits = np.zeros((4, -(-bars // WORD_BARS)), np.uint64)
        if wants_equity:
            compiled(trace_event_driven)(said, course, bits, record)
        else:
            compiled(sum_event_driven)(said, course, bits, record.folds)
        return record

    def _blank(self, count: int) -> Series:
        return np.zeros((count, len(self.edges) - 1, len(FOLD_FIELDS)))
