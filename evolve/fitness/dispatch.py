"""Dispatch of programs to the fastest kernel that can trade them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import ARENA_MB, WORD_BARS, Batch, Evaluator
from dsl.evaluate.jit import compile_kernel
from evolve.backtest.backtest import create_account
from evolve.backtest.kernels.event_driven import sum_event_driven, trace_event_driven
from evolve.backtest.kernels.execution_tables import build_execution_tables
from evolve.backtest.kernels.long_flat import build_long_flat_table, is_long_flat, sum_long_flat
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
"""Writer of the sums of a batch: float64[program, fold, FOLD_FIELDS], zero before."""


class FoldTrader:
    """Trader of programs over the folds of a window.

    Its trading modes are `long_flat`, `event_driven`, `reference` and `portfolio`.

    Attributes:
        edges: int64[fold + 1], first bar of each fold, counted from the start of the window, and
            the end.
        benchmark: float64[bar], excess returns of buy and hold.
        evaluator: evaluator of the programs.
    """

    def __init__(
        self, bars: Bars, market: Market, folds: int, start: int = 0, arena_mb: float = ARENA_MB,
        evaluator: Evaluator | None = None,
    ) -> None:  # fmt: skip
        """Build the sleeves, the evaluator and the tables of the kernels.

        Args:
            bars: bars of one or more symbols; each gets a sleeve of equal capital.
            market: fills and costs.
            folds: number of folds.
            start: first bar of the window; earlier bars only warm the indicators.
            arena_mb: megabytes of cached series, see `Evaluator`.
            evaluator: an evaluator whose memory is reused; None for a new one.
        """
        self._market = market
        self._sleeves = build_sleeves(bars, start, len(bars))
        self._share = share_of_market(market, len(self._sleeves))
        panels = [each.bars for each in self._sleeves]
        if evaluator is None:
            evaluator = Evaluator(*panels, arena_mb=arena_mb)
        else:
            evaluator.replace_bars(*panels)
        self.evaluator = evaluator
        self._account = create_account()
        self._bars = len(bars) - start
        self.edges = np.linspace(start, len(bars), folds + 1).round().astype(np.int64) - start
        holding = pool_trades([buy_and_hold(each, self._share) for each in self._sleeves])
        self.benchmark = np.concatenate([[0.0], holding.benchmark_excess])
        self._risk_free = np.concatenate([[0.0], holding.risk_free])
        starts, first = self.edges[:-1], self._sleeves[0]
        self._tables = [
            build_execution_tables(
                each.arrays, self._share, each.edges(starts), self.benchmark[each.indices]
            )
            for each in self._sleeves
        ]
        self._is_single = len(self._sleeves) == 1 and first.is_whole
        self._long_flat_table = (
            build_long_flat_table(first.arrays, market, starts, self.benchmark, self._risk_free)
            if self._is_single
            else None
        )

    def __call__(self, programs: Sequence[Program]) -> Series:
        """Return float64[program, fold, FOLD_FIELDS], the sums of each program over each fold."""
        long_flat: list[int] = []
        others: list[int] = []
        for index, program in enumerate(programs):
            has_table = self._long_flat_table is not None
            (long_flat if has_table and is_long_flat(program.canonical) else others).append(index)
        single = self.reference if self._tables[0] is None else self.event_driven
        modes: dict[TradingMode, list[int]] = {
            self.long_flat: long_flat,
            single if self._is_single else self.portfolio: others,
        }
        sums = self._create_sums(len(programs))
        for mode, indices in modes.items():
            if indices:
                sums[indices] = self.sum_folds([programs[index] for index in indices], mode)
        return sums

    def sum_folds(self, programs: Sequence[Program], mode: TradingMode) -> Series:
        """Return the sums of programs in a trading mode that supports all of them."""
        sums, first = self._create_sums(len(programs)), 0
        for batch in self.evaluator.batches(programs):
            mode(batch, sums[first : first + len(batch)])
            first += len(batch)
        return sums

    def long_flat(self, batch: Batch, sums: Series) -> None:
        """Write the sums of long-flat strategies on one symbol."""
        held = np.zeros(-(-self._bars // WORD_BARS) + 2, np.uint64)
        compile_kernel(sum_long_flat)(batch.on(0), self._long_flat_table, held, sums)

    def event_driven(self, batch: Batch, sums: Series) -> None:
        """Write the sums of strategies on one symbol with execution tables."""
        output = self._create_output(len(batch), 0, wants_equity=False)
        self._run_event_driven(batch, 0, output)
        sums[:] = output.folds

    def reference(self, batch: Batch, sums: Series) -> None:
        """Write the sums of strategies on one symbol by the reference kernel."""
        output = self._create_output(len(batch), 0, wants_equity=False)
        self._run_reference(batch, 0, output)
        sums[:] = output.folds

    def portfolio(self, batch: Batch, sums: Series) -> None:
        """Write the sums of strategies over the equity of all sleeves."""
        shape = (len(sums), self._bars)
        total, positions = np.zeros(shape), np.zeros(shape, np.int64)
        for symbol, sleeve in enumerate(self._sleeves):
            output = self.trade(batch, symbol, wants_equity=True)
            growth, capital = sleeve.idle_growth(self._market), self._share.capital
            compile_kernel(add_sleeve)(
                output.equity, output.held, sleeve.latest, growth, capital, total, positions
            )
            sums[:, :, F_TRADES] += output.folds[:, :, F_TRADES]
            sums[:, :, F_RUINED] += output.folds[:, :, F_RUINED]
            sums[:, :, F_RISK] += output.folds[:, :, F_RISK] / len(self._sleeves) ** 2
        compile_kernel(sum_folds)(
            total, positions, self._market.capital, self.edges[:-1], self.benchmark,
            self._risk_free, len(self._sleeves), sums,
        )  # fmt: skip

    def trade(self, batch: Batch, symbol: int, wants_equity: bool) -> SimulationOutput:
        """Return the output of a batch in the sleeve of a symbol.

        Args:
            batch: evaluated programs.
            symbol: index of the symbol.
            wants_equity: whether equity and side held are written on every bar.
        """
        output = self._create_output(len(batch), symbol, wants_equity)
        run = self._run_reference if self._tables[symbol] is None else self._run_event_driven
        run(batch, symbol, output)
        return output

    def _run_reference(self, batch: Batch, symbol: int, output: SimulationOutput) -> None:
        arrays = self._sleeves[symbol].arrays
        compile_kernel(simulate)(arrays, batch.on(symbol), self._share, output, self._account)

    def _run_event_driven(self, batch: Batch, symbol: int, output: SimulationOutput) -> None:
        tables, buffers = self._tables[symbol], batch.on(symbol)
        words = -(-len(self._sleeves[symbol].indices) // WORD_BARS)
        bits = np.zeros((4, words), np.uint64)
        if len(output.equity):
            compile_kernel(trace_event_driven)(buffers, tables, bits, output)
        else:
            compile_kernel(sum_event_driven)(buffers, tables, bits, output.folds)

    def _create_output(self, programs: int, symbol: int, wants_equity: bool) -> SimulationOutput:
        sleeve = self._sleeves[symbol]
        shape = (programs, len(sleeve.indices)) if wants_equity else (0, 0)
        return SimulationOutput(
            np.zeros(shape),
            np.zeros(shape, np.int8),
            np.zeros((0, len(TRADE_FIELDS))),
            np.zeros(1, np.int64),
            self._create_sums(programs),
            sleeve.edges(self.edges[:-1]),
            self.benchmark[sleeve.indices],
            self._risk_free[sleeve.indices],
        )

    def _create_sums(self, programs: int) -> Series:
        return np.zeros((programs, len(self.edges) - 1, len(FOLD_FIELDS)))
