"""Scores of programs on the folds of train, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from dsl.bars import Bars
from dsl.evaluate import ARENA_MB, WORD_BARS, Batch, Evaluator
from dsl.evaluate.compile import compiled
from dsl.program import Program
from evolve.backtest.backtest import scratch_account
from evolve.backtest.course import course_of
from evolve.backtest.holdings import sum_holdings, trace_holdings
from evolve.backtest.latch import is_plain, latch_of, sum_latches
from evolve.backtest.market import Market
from evolve.backtest.performance import Series, pooled
from evolve.backtest.pool import add_sleeve, sum_folds
from evolve.backtest.records import F_RUINED, F_TRADES, FOLD_FIELDS, TRADE_FIELDS, Record
from evolve.backtest.simulate import simulate
from evolve.backtest.sleeve import buy_and_hold, share_of, sleeves_of
from evolve.fitness.objectives import (
    OBJECTIVES,
    REQUIREMENTS,
    FoldSums,
    Objective,
    penalised_mean,
)

BATCH = 256
DIGITS = 12


@dataclass(frozen=True)
class Goals:
    """What fitness is made of.

    Attributes:
        maximize, minimize: names of objectives, the most important first.
        require: least values by name of requirement.
        folds: slices of train.
        spread_penalty: deviations over folds taken off the mean.
    """

    maximize: tuple[str, ...] = ("appraisal_ratio",)
    minimize: tuple[str, ...] = ("nodes",)
    require: Mapping[str, float] = field(default_factory=lambda: {"trades_per_fold": 3.0})
    folds: int = 5
    spread_penalty: float = 0.5

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Maximized ones first."""
        return tuple(OBJECTIVES[name] for name in (*self.maximize, *self.minimize))

    @property
    def weights(self) -> tuple[float, ...]:
        """1 for what is maximized, -1 for what is minimized, as DEAP counts."""
        return (1.0,) * len(self.maximize) + (-1.0,) * len(self.minimize)


class Scores(NamedTuple):
    """What a program is worth to the search.

    Attributes:
        values: one number an objective, rounded to 12 digits.
        folds: the first objective by fold.
        trades: closed trades over all folds.
        obstacle: why it cannot be used; empty if it can.
    """

    values: tuple[float, ...]
    folds: tuple[float, ...] = ()
    trades: int = 0
    obstacle: str = ""

    @property
    def is_feasible(self) -> bool:
        """Whether every requirement is met."""
        return not self.obstacle


class FoldFitness:
    """Scores programs on bars of which it is given no others, so that it cannot see them."""

    def __init__(
        self,
        bars: Bars,
        market: Market,
        goals: Goals,
        start: int = 0,
        arena_mb: float = ARENA_MB,
    ) -> None:
        """
        Args:
            bars: of one symbol, or of several with a sleeve each.
            market: fills and costs.
            goals: objectives, requirements and folds.
            start: where the folds begin; the bars before only warm the indicators.
            arena_mb: memory for what is kept, as `Evaluator` takes it.
        """
        self._given = (bars, market, goals, start, arena_mb)
        self.goals = goals
        self._market = market
        self._sleeves = sleeves_of(bars, start, len(bars))
        self._share = share_of(market, len(self._sleeves))
        self._evaluator = Evaluator(*[each.bars for each in self._sleeves], arena_mb=arena_mb)
        self._account = scratch_account()
        self._length = len(bars) - start
        self._edges = (
            np.linspace(start, len(bars), goals.folds + 1).round().astype(np.int64) - start
        )
        holding = pooled([buy_and_hold(each, self._share) for each in self._sleeves])
        self._benchmark = np.concatenate([[0.0], holding.benchmark_returns])
        slices = [
            self._benchmark[first:last]
            for first, last in zip(self._edges[:-1], self._edges[1:], strict=True)
        ]
        self._benchmark_total = np.array([each.sum() for each in slices])
        self._benchmark_squares = np.array([(each * each).sum() for each in slices])
        self._bars_per_year = bars.bars_per_year
        first = self._sleeves[0]
        self._courses = [
            course_of(
                each.tape, self._share, each.edges(self._edges[:-1]), self._benchmark[each.places]
            )
            for each in self._sleeves
        ]
        self._is_one = len(self._sleeves) == 1 and first.is_whole
        self._latch = None
        if self._is_one:
            self._latch = latch_of(first.tape, market, self._edges[:-1], self._benchmark)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process has tables and an arena of its own."""
        return FoldFitness, self._given

    def __call__(self, programs: Sequence[Program]) -> list[Scores]:
        """The scores of each program, the same whatever else is in the batch."""
        scored: list[Scores] = []
        for first in range(0, len(programs), BATCH):
            scored.extend(self._score(programs[first : first + BATCH]))
        return scored

    def _score(self, programs: Sequence[Program]) -> list[Scores]:
        goals = self.goals
        folds = FoldSums(
            self._simulate(programs),
            self._benchmark_total,
            self._benchmark_squares,
            np.diff(self._edges).astype(np.float64),
            self._bars_per_year,
            self._market.cash_rate,
        )
        columns, first = [], np.zeros((len(programs), goals.folds))
        for index, objective in enumerate(goals.objectives):
            if objective.by_fold is not None:
                values = objective.by_fold(folds)
                first = values if index == 0 else first
                columns.append(penalised_mean(values, goals.spread_penalty))
            elif objective.by_program is not None:
                columns.append(np.array([objective.by_program(each) for each in programs]))
        table = np.column_stack(columns).round(DIGITS)
        trades = folds.sums[:, :, F_TRADES].sum(axis=1)
        rows = zip(
            map(tuple, table.tolist()),
            map(tuple, first.round(DIGITS).tolist()),
            map(int, trades.tolist()),
            self._obstacles(folds),
            strict=True,
        )
        return [Scores(*row) for row in rows]

    def _simulate(self, programs: Sequence[Program]) -> Series:
        """float64[program, fold, FOLD_FIELDS]: the sums of each, by the quickest way open to it."""
        plain: list[int] = []
        others: list[int] = []
        for index, program in enumerate(programs):
            is_latch = self._latch is not None and is_plain(program.canonical)
            (plain if is_latch else others).append(index)
        sums = self._blank(len(programs))
        by_default = self._traded if self._is_one else self._pooled
        for indices, sum_up in ((plain, self._latched), (others, by_default)):
            if indices:
                sums[indices] = self._sums([programs[index] for index in indices], sum_up)
        return sums

    def _sums(self, programs: Sequence[Program], sum_up: Callable[[Batch, Series], None]) -> Series:
        """The sums of programs, from their rulings."""
        sums, first = self._blank(len(programs)), 0
        for batch in self._evaluator.batches(programs):
            sum_up(batch, sums[first : first + len(batch)])
            first += len(batch)
        return sums

    def _latched(self, batch: Batch, sums: Series) -> None:
        held = np.zeros(-(-self._length // WORD_BARS) + 2, np.uint64)
        compiled(sum_latches)(batch.on(0), self._latch, held, sums)

    def _traded(self, batch: Batch, sums: Series) -> None:
        sums[:] = self._trade(batch, 0, wants_equity=False).folds

    def _pooled(self, batch: Batch, sums: Series) -> None:
        """The sums of the equity of all sleeves together."""
        shape = (len(sums), self._length)
        total, positions = np.zeros(shape), np.zeros(shape, np.int64)
        for symbol, sleeve in enumerate(self._sleeves):
            record = self._trade(batch, symbol, wants_equity=True)
            growth, capital = sleeve.idle_growth(self._market), self._share.capital
            compiled(add_sleeve)(
                record.equity, record.held, sleeve.latest, growth, capital, total, positions
            )
            sums[:, :, F_TRADES] += record.folds[:, :, F_TRADES]
            sums[:, :, F_RUINED] += record.folds[:, :, F_RUINED]
        compiled(sum_folds)(
            total, positions, self._market.capital, self._edges[:-1], self._benchmark,
            len(self._sleeves), sums,
        )  # fmt: skip

    def _trade(self, batch: Batch, symbol: int, wants_equity: bool) -> Record:
        """The run of each program in a sleeve."""
        sleeve, course = self._sleeves[symbol], self._courses[symbol]
        said = batch.on(symbol)
        bars = len(sleeve.places)
        shape = (len(batch), bars) if wants_equity else (0, 0)
        record = Record(
            np.zeros(shape),
            np.zeros(shape, np.int8),
            np.zeros((0, len(TRADE_FIELDS))),
            np.zeros(1, np.int64),
            self._blank(len(batch)),
            sleeve.edges(self._edges[:-1]),
            self._benchmark[sleeve.places],
        )
        if course is None:
            compiled(simulate)(sleeve.tape, said, self._share, record, self._account)
            return record
        bits = np.zeros((4, -(-bars // WORD_BARS)), np.uint64)
        if wants_equity:
            compiled(trace_holdings)(said, course, bits, record)
        else:
            compiled(sum_holdings)(said, course, bits, record.folds)
        return record

    def _blank(self, count: int) -> Series:
        return np.zeros((count, self.goals.folds, len(FOLD_FIELDS)))

    def _obstacles(self, folds: FoldSums) -> list[str]:
        obstacles = [""] * len(folds.sums)
        for name, least in self.goals.require.items():
            lowest = REQUIREMENTS[name].by_fold(folds).min(axis=1)
            for row in np.flatnonzero(lowest < least):
                obstacles[row] = f"{name} {lowest[row]:g}, below {least:g}"
        for row in np.flatnonzero(folds.sums[:, :, F_RUINED].max(axis=1) > 0):
            obstacles[row] = "ruined"
        return obstacles
