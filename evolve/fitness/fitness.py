"""Scores of programs on the folds of train, computed in batches."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.calendar_time import bars_per_year
from dsl.evaluate import ARENA_MB, Evaluator
from evolve.backtest.kernels.records import F_HELD, F_RUINED, F_TRADES
from evolve.backtest.market import Market
from evolve.fitness.dispatch import FoldTrader
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import REQUIREMENTS, FoldSums, mean_minus_spread

BATCH = 256
DIGITS = 12


class Scores(NamedTuple):
    """Scores of a program.

    Attributes:
        values: one number per objective, rounded to 12 digits.
        folds: first objective by fold.
        trades: closed trades over all folds.
        infeasible_reason: unmet requirement or ruin; empty if the program is feasible.
        exposure: share of the bars with a position at the close.
        holding: mean number of bars of a position; 0 without trades.
    """

    values: tuple[float, ...]
    folds: tuple[float, ...] = ()
    trades: int = 0
    infeasible_reason: str = ""
    exposure: float = 0.0
    holding: float = 0.0

    @property
    def is_feasible(self) -> bool:
        """Whether the program met every requirement, without ruin or overflow."""
        return not self.infeasible_reason

    @property
    def is_idle(self) -> bool:
        """Whether the program fails a requirement, each of which reads its activity alone."""
        return self.infeasible_reason.partition(" ")[0] in REQUIREMENTS

    @property
    def behavior(self) -> Hashable:
        """Values by fold and number of trades, which only programs that trade alike share."""
        return (self.folds, self.trades) if self.folds else None


class FoldFitness:
    """Scorer of programs.

    It holds the scored bars and the earlier bars that warm the indicators, and no later ones.
    """

    def __init__(
        self,
        bars: Bars,
        market: Market,
        goals: FitnessSpec,
        start: int = 0,
        arena_mb: float = ARENA_MB,
        evaluator: Evaluator | None = None,
    ) -> None:
        """Build the trader and the sums of the benchmark.

        Args:
            bars: bars of one or more symbols; each gets a sleeve of equal capital.
            market: fills and costs.
            goals: objectives, requirements and folds.
            start: first bar of the folds; earlier bars only warm the indicators.
            arena_mb: megabytes of cached series, see `Evaluator`.
            evaluator: an evaluator whose memory is reused; None for a new one.
        """
        self._arguments = (bars, market, goals, start, arena_mb)
        self.goals = goals
        self._trade = FoldTrader(bars, market, goals.folds, start, arena_mb, evaluator)
        edges, benchmark = self._trade.edges, self._trade.benchmark
        slices = [benchmark[first:last] for first, last in pairwise(edges)]
        self._benchmark_total = np.array([each.sum() for each in slices])
        self._benchmark_squares = np.array([(each * each).sum() for each in slices])
        self._bars_of_fold = np.diff(edges).astype(np.float64)
        self._bars_per_year = bars_per_year(bars.time[start:])

    def __reduce__(self) -> tuple[Any, ...]:
        """Serialize the arguments alone: each process builds its own tables and arena."""
        return FoldFitness, self._arguments

    @property
    def bars(self) -> Bars:
        """Scored bars, with the earlier bars that warm the indicators."""
        bars: Bars = self._arguments[0]
        return bars

    def with_bars(self, bars: Bars) -> FoldFitness:
        """Return a scorer of equal settings on other bars of equal length.

        It takes over the memory of this scorer, which must not be used again.
        """
        return FoldFitness(bars, *self._arguments[1:], evaluator=self._trade.evaluator)

    def build_for(self, bars: Bars, start: int) -> FoldFitness:
        """Build a scorer of equal settings on other bars.

        Args:
            bars: scored bars, with the earlier bars that warm the indicators.
            start: first bar of the folds.
        """
        _, market, goals, _, arena_mb = self._arguments
        return FoldFitness(bars, market, goals, start, arena_mb)

    def __call__(self, programs: Sequence[Program]) -> list[Scores]:
        """Return the scores of each program; they do not depend on the other programs."""
        scores: list[Scores] = []
        for first in range(0, len(programs), BATCH):
            scores.extend(self._score(programs[first : first + BATCH]))
        return scores

    def _score(self, programs: Sequence[Program]) -> list[Scores]:
        goals = self.goals
        folds = FoldSums(
            self._trade(programs),
            self._benchmark_total,
            self._benchmark_squares,
            self._bars_of_fold,
            self._bars_per_year,
        )
        columns, first = [], np.zeros((len(programs), goals.folds))
        with np.errstate(all="ignore"):
            for index, objective in enumerate(goals.objectives):
                if objective.by_fold is not None:
                    values = objective.by_fold(folds)
                    first = values if index == 0 else first
                    columns.append(mean_minus_spread(values, goals.spread_penalty))
                elif objective.by_program is not None:
                    columns.append(np.array([objective.by_program(each) for each in programs]))
        table = np.column_stack(columns).round(DIGITS)
        figures = np.column_stack([folds.sums.reshape(len(programs), -1), table])
        overflows: NDArray[np.bool_] = ~np.all(np.isfinite(figures), axis=1)
        table[overflows] = 0.0
        first = np.where(overflows[:, None], 0.0, first)
        trades, held = (folds.sums[:, :, field].sum(axis=1) for field in (F_TRADES, F_HELD))
        rows = zip(
            map(tuple, table.tolist()),
            map(tuple, first.round(DIGITS).tolist()),
            map(int, trades.tolist()),
            self._infeasible_reasons(folds, overflows),
            (held / self._bars_of_fold.sum()).tolist(),
            (held / np.maximum(trades, 1.0)).tolist(),
            strict=True,
        )
        return [Scores(*row) for row in rows]

    def _infeasible_reasons(self, folds: FoldSums, overflows: NDArray[np.bool_]) -> list[str]:
        reasons = [""] * len(folds.sums)
        # In reverse, so that the first unmet requirement is the one that remains.
        for name, minimum in reversed(list(self.goals.require.items())):
            lowest = REQUIREMENTS[name].by_fold(folds).min(axis=1)
            for row in np.flatnonzero(lowest < minimum):
                reasons[row] = f"{name} {lowest[row]:g}, below {minimum:g}"
        for row in np.flatnonzero(folds.sums[:, :, F_RUINED].max(axis=1) > 0):
            reasons[row] = "ruined"
        for row in np.flatnonzero(overflows):
            reasons[row] = "its equity exceeds the largest number"
        return reasons
