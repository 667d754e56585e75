"""What a search calls, compiled before it: side by side, once on a machine.

Kernels are compiled where they are called first, one after another, which takes a search some 20
seconds of work. Each is kept in a folder of its own, so that several processes can do it at once.
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

MIN_PROGRAMS = 6  # processes: the longest task is a fifth of all the work
BARS = 300
PLAIN_STRATEGY = "strategy s { buy when close > open sell when close < open }"
STOP_STRATEGY = "strategy s { buy when close > open stop 5% }"

Task = Callable[[], None]


def find_uncompiled(symbols: int) -> list[Task]:
    """What is not compiled yet on this machine, the longest first, each as a task that does it.

    Args:
        symbols: how many will be searched; several are traded by another pass than one.
    """
    passes: dict[Callable[..., object], Task] = {simulate: _backtest}
    if symbols > 1:
        passes[trace_event_driven] = _score_panel
    else:
        passes |= {sum_event_driven: _score_stopped, sum_long_flat: _score_plain}
    tasks: list[Task] = [task for kernel, task in passes.items() if not is_cached(kernel)]
    steps = [name for name, kernel in list_kernels().items() if not is_cached(kernel)]
    return [*tasks, *[partial(_step, name) for name in steps]]


def precompile(tasks: list[Task], processes: int) -> None:
    """Run tasks, in several processes or in this one, if compiled code can be cached.

    What fails here is compiled again, and its error raised, where it is called.
    """
    if not can_cache():
        return
    if processes == 1:
        for task in tasks:
            with suppress(Exception):
                task()
        return
    pool = open_pool(min(processes, MIN_PROGRAMS))
    try:
        with suppress(BrokenProcessPool, OSError):
            wait([pool.submit(task) for task in tasks])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _step(name: str) -> None:
    build_instruction(catalog().operator(name))


def _backtest() -> None:
    backtest(check(PLAIN_STRATEGY), random_walk(BARS, 1), market())


def _score_plain() -> None:
    FoldFitness(random_walk(BARS, 1), market(), FitnessSpec())([check(PLAIN_STRATEGY)])


def _score_panel() -> None:
    bars = align([replace(random_walk(BARS, 1), symbols=(name,)) for name in "AB"])
    FoldFitness(bars, market(), FitnessSpec())([check(STOP_STRATEGY)])


def _score_stopped() -> None:
    FoldFitness(random_walk(BARS, 1), market(), FitnessSpec())([check(STOP_STRATEGY)])
