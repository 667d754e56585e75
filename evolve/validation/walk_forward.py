"""Walk-forward: searches on growing or moving bars, each winner traded on the bars after them.

Source: Pardo, "The Evaluation and Optimization of Trading Strategies" (2008). The windows share
their bars with each other and with the run, so this is a view of stability and not a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, stdev
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.gc_pause import pause_gc
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market
from evolve.backtest.metrics import measure
from evolve.backtest.performance import Performance, Trades, pool_trades
from evolve.backtest.sleeve import build_sleeves, buy_and_hold, share_of_market
from evolve.data.split import MIN_PART_BARS
from evolve.errors import EvolveError
from evolve.jobs.form import ResultForm
from evolve.jobs.program_form import ProgramText
from evolve.search.progress import Budget
from evolve.search.search import search
from evolve.validation.problem_source import LocalProblem, ProblemSource


@dataclass(frozen=True)
class Window:
    """Bars of one search, and the bars after them on which its winner trades.

    Attributes:
        first: first bar that the search scores on; earlier bars warm the indicators.
        begin: first bar that the winner trades.
        end: bar after the window.
    """

    first: int
    begin: int
    end: int


@dataclass(frozen=True)
class WindowSearch:
    """Result of the search of a window.

    Attributes:
        window: the window.
        winner: the strategy with the best score; None if none was feasible.
        evaluated: number of trials.
    """

    window: Window
    winner: ProgramText | None
    evaluated: int


@dataclass(frozen=True)
class WindowResult:
    """Winner of a window in and out of sample.

    Attributes:
        search: the search.
        inside: the backtest on the bars of the search; None without a winner.
        outside: the backtest on the bars after it; None without a winner.
        performance: the account on the bars after it; in cash without a winner.
    """

    search: WindowSearch
    inside: Backtest | None
    outside: Backtest | None
    performance: Performance


@dataclass(frozen=True)
class WalkForward:
    """Windows in order, with the account that passes from one to the next.

    Attributes:
        metric: name of the metric that the search maximizes.
        planned: number of windows.
        anchored: whether each search begins at the first bar.
        starts: number of strategies that each search starts from.
        time: datetime64[bar] of train and validation.
        results: results by window.
        stitched: the account over all windows with a result.
        holding: buy and hold on the same bars.
    """

    metric: str
    planned: int
    anchored: bool
    starts: int
    time: NDArray[np.datetime64]
    results: tuple[WindowResult, ...]
    stitched: Performance
    holding: Performance

    @property
    def is_complete(self) -> bool:
        """True if all windows have a result."""
        return len(self.results) == self.planned

    @property
    def trials(self) -> int:
        """Number of trials of all searches."""
        return sum(each.search.evaluated for each in self.results)

    @property
    def inside(self) -> tuple[float, ...]:
        """Metric in sample by window with a winner."""
        return tuple(each.inside.metrics[self.metric] for each in self.results if each.inside)

    @property
    def outside(self) -> tuple[float, ...]:
        """Metric out of sample by window with a winner."""
        return tuple(each.outside.metrics[self.metric] for each in self.results if each.outside)

    @property
    def efficiency(self) -> float | None:
        """Mean metric out of sample over that in sample; None if the latter is not positive."""
        inside = fmean(self.inside) if self.inside else 0.0
        ratio = fmean(self.outside) / inside if inside > 0 else math.nan
        return ratio if math.isfinite(ratio) else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation of the metric out of sample; None for fewer than two."""
        is_known = len(self.outside) > 1 and all(map(math.isfinite, self.outside))
        return stdev(self.outside) if is_known else None

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of the stitched account."""
        return measure(self.stitched)

    @property
    def benchmark_metrics(self) -> dict[str, float]:
        """Metrics of buy and hold on the same bars."""
        return measure(self.holding)


def cut_windows(bars: int, windows: int, anchored: bool) -> tuple[Window, ...]:
    """Cut the second half of the bars into equal windows.

    Args:
        bars: number of bars of train and validation.
        windows: number of windows.
        anchored: whether each search begins at the first bar; if not, each has as many bars as the
            first one.

    Raises:
        EvolveError: if a window has fewer than 30 bars.
    """
    half = bars // 2
    edges = [half + (bars - half) * index // windows for index in range(windows + 1)]
    shortest = (bars - half) // windows
    if shortest < MIN_PART_BARS:
        most = (bars - half) // MIN_PART_BARS
        hint = f"use at most {most} windows" if most > 1 else "use more bars"
        message = (
            f"{windows} windows in the second half of {bars:,} bars of train and validation have "
            f"{shortest} bars each; expected at least {MIN_PART_BARS}"
        )
        raise EvolveError(message, hint)
    return tuple(
        Window(0 if anchored else begin - half, begin, end) for begin, end in pairwise(edges)
    )


@dataclass(frozen=True)
class WalkJob:
    """Searches of windows.

    Attributes:
        source: source of the problem of the real search.
        windows: the windows.
        budget: limits of each search.
    """

    source: ProblemSource
    windows: tuple[Window, ...]
    budget: Budget
    form: ClassVar[ResultForm[WindowSearch]] = ResultForm(WindowSearch)

    @property
    def evaluations(self) -> int:
        """Maximum number of evaluations of a search."""
        return self.budget.evaluations

    def count_evaluations(self, result: WindowSearch) -> int:
        """Return the number of trials of a search."""
        return result.evaluated

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], WindowSearch | None]:
        """Return the function that runs the search of a window by its index; see `Job`."""
        problem = self.source.open()
        return lambda index: self._search(self.windows[index], problem, is_stopped)

    def _search(
        self, window: Window, local: LocalProblem, is_stopped: Callable[[], bool]
    ) -> WindowSearch | None:
        """Return the result of the search of a window; None if it was interrupted."""
        scorer = local.fitness.build_for(local.seen.slice(0, window.begin), window.first)
        result = WindowSearch(window, None, 0)
        with pause_gc():
            for progress in search(replace(local.problem, evaluate=scorer), self.budget):
                if is_stopped():
                    return None
                winner = progress.best.program if progress.best else None
                result = WindowSearch(window, winner, progress.evaluated)
        return result


def trade_window(result: WindowSearch, bars: Bars, market: Market, capital: float) -> WindowResult:
    """Trade the winner of a search on the bars after it, from flat to flat.

    Args:
        result: the search.
        bars: train and validation.
        market: fills and costs.
        capital: equity of the account before the window; it stays in cash without a winner.
    """
    window, winner = result.window, result.winner
    if winner is None:
        return WindowResult(result, None, None, _idle(window, bars, market, capital))
    inside = backtest(winner, bars, market, window.first, window.begin)
    outside = backtest(winner, bars, market, window.begin, window.end)
    if capital > 0:
        account = market._replace(capital=capital)
        performance = backtest(winner, bars, account, window.begin, window.end).performance
    else:
        performance = _idle(window, bars, market, capital)
    return WindowResult(result, inside, outside, performance)


def hold(bars: Bars, market: Market, start: int, stop: int) -> Performance:
    """Return the performance of buy and hold on the bars from `start` up to `stop`."""
    sleeves = build_sleeves(bars, start, stop)
    share = share_of_market(market, len(sleeves))
    return pool_trades([buy_and_hold(each, share) for each in sleeves])


def stitch(parts: Sequence[Performance], holding: Performance) -> Performance:
    """Join the accounts of consecutive windows into one.

    Args:
        parts: the accounts; each begins with the final equity of the one before.
        holding: buy and hold on the bars of all of them.
    """
    columns = zip(*[each.trades for each in parts], strict=True)
    return replace(
        holding,
        equity=np.concatenate([each.equity for each in parts]),
        benchmark=holding.equity,
        held=np.concatenate([each.held for each in parts]),
        trades=Trades(*[np.concatenate(column) for column in columns]),
    )


def _idle(window: Window, bars: Bars, market: Market, capital: float) -> Performance:
    """Return the performance of an account in cash."""
    holding = hold(bars, market, window.begin, window.end)
    none = np.empty(0)
    return replace(
        holding,
        equity=holding.cash * (capital / market.capital),
        held=np.zeros_like(holding.held),
        trades=Trades(none, none, none, none),
    )
