"""What one evaluation costs, part by part, on fresh random strategies of the search.

The same strategies are also run by a plain evaluator (numpy, no memo, the same indicators and
the same simulation, one strategy at a time), in the same process, as a reference that moves with
the machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

from report import report

from dsl.evaluate import Evaluator
from dsl.program import Program
from evolve.backtest.market import market
from evolve.data.laws import random_walk
from evolve.fitness.fitness import FoldFitness, Goals
from evolve.search.grow import grow_rules
from evolve.search.space import build_space

BARS = 3_000
COUNT = 1_000
ROUNDS = 5


def seconds(task: Callable[[], object]) -> float:
    """How long a task takes once."""
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def fresh(count: int, seed: int) -> list[Program]:
    """Random strategies of the search."""
    space, rng = build_space(), Random(seed)
    return [Program("p", grow_rules(space, rng)) for _ in range(count)]


def keys(programs: Sequence[Program]) -> None:
    """Canonical form and hash of each."""
    for program in programs:
        _ = program.key


def main() -> None:
    """Print microseconds a strategy for each part, medians over rounds."""
    bars = random_walk(BARS, seed=1)
    fitness = FoldFitness(bars, market(), Goals())
    warm = fresh(200, seed=0)
    fitness(warm)
    found: dict[str, list[float]] = {"canonical": [], "signals": [], "score": [], "plain": []}
    for index in range(1, ROUNDS + 1):
        programs = fresh(COUNT, seed=index)
        found["canonical"].append(seconds(lambda: keys(programs)))
        evaluator = Evaluator(bars)
        found["signals"].append(seconds(lambda: evaluator.signals(programs)))
        scorer = FoldFitness(bars, market(), Goals())
        found["score"].append(seconds(lambda: scorer(programs)))
        some = programs[:100]
        plain = seconds(lambda: [FoldFitness(bars, market(), Goals())([each]) for each in some])
        found["plain"].append(plain * COUNT / len(some))
    cost = {name: statistics.median(times) / COUNT * 1e6 for name, times in found.items()}
    report(
        "engine",
        bars=BARS,
        strategies=COUNT,
        **{f"{name}_us": round(value, 1) for name, value in cost.items()},
        scored_per_second=round(1e6 / cost["score"]),
        ratio_to_plain=round(cost["plain"] / cost["score"], 2),
    )


if __name__ == "__main__":
    main()
