"""Compilation of kernels before a search, in parallel, once per machine.

Without it, kernels compile serially at their first call, which takes about 20 seconds. Each kernel
is cached in a separate folder, so that several processes can compile at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from functools import partial

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check
from dsl.evaluate import build_instruction, list_kernels
from dsl.evaluate.jit import can_cache, is_cached
from evolve.backtest.backtest import backtest
from evolve.backtest.kernels.event_driven import sum_event_driven, trace_event_driven
from evolve.backtest.kernels.long_flat import sum_long_flat
from evolve.backtest.kernels.reference import simulate
from evolve.backtest.market import market
from evolve.data.align import align
from evolve.data.generators import random_walk
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.parallel import open_pool

MAX_PROCESSES = 6  # the longest task is a fifth of the work
BARS = 300
LONG_FLAT_STRATEGY = "strategy s { buy when close > open sell when close < open }"
STOP_STRATEGY = "strategy s { buy when close > open stop 5% }"

Task = Callable[[], None]


def find_uncompiled(*symbols: int) -> list[Task]:
    """Return a task for each kernel that is not compiled on this machine, the longest first.

    Args:
        symbols: numbers of symbols of the searches, which decide the kernels.
    """
    scorers: dict[Callable[..., object], Task] = {simulate: _backtest}
    if max(symbols) > 1:
        scorers[trace_event_driven] = _score_portfolio
    if min(symbols) == 1:
        scorers |= {sum_event_driven: _score_event_driven, sum_long_flat: _score_long_flat}
    tasks: list[Task] = [task for kernel, task in scorers.items() if not is_cached(kernel)]
    uncompiled = [name for name, kernel in list_kernels().items() if not is_cached(kernel)]
    return [*tasks, *[partial(_compile_operator, name) for name in uncompiled]]


def precompile(tasks: list[Task], processes: int) -> None:
    """Run tasks, in several processes or in this one, if compiled code can be cached.

    Errors are suppressed: a kernel that fails to compile here raises at its first call.

    Args:
        tasks: tasks of `find_uncompiled`.
        processes: number of processes; 1 for this one.
    """
    if not can_cache():
        return
    if processes == 1:
        for task in tasks:
            with suppress(Exception):
                task()
        return
    pool = open_pool(min(processes, MAX_PROCESSES))
    try:
        with suppress(BrokenProcessPool, OSError):
            wait([pool.submit(task) for task in tasks])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _compile_operator(name: str) -> None:
    build_instruction(catalog().operator(name))


def _backtest() -> None:
    backtest(check(LONG_FLAT_STRATEGY), random_walk(BARS, 1), market())


def _score_long_flat() -> None:
    FoldFitness(random_walk(BARS, 1), market(), FitnessSpec())([check(LONG_FLAT_STRATEGY)])


def _score_portfolio() -> None:
    bars = align([replace(random_walk(BARS, 1), symbols=(name,)) for name in "AB"])
    FoldFitness(bars, market(), FitnessSpec())([check(STOP_STRATEGY)])


def _score_event_driven() -> None:
    FoldFitness(random_walk(BARS, 1), market(), FitnessSpec())([check(STOP_STRATEGY)])
