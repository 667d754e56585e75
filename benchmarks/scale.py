"""Growth of time and memory with bars, symbols, strategies, nodes and the length of windows.

Each case runs in a separate process and prints seconds and peak memory. Each axis has the factor of
the time per doubling: 2 is linear, 1 is constant.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from random import Random

from report import report

CASES: dict[str, tuple[int, ...]] = {
    "bars": (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    "symbols": (1, 10, 100, 500),
    "strategies": (250, 1_000, 4_000),
    "nodes": (5, 20, 80),
    "window": (2, 50, 500, 5_000),
}


def measure(axis: str, size: int) -> dict[str, float]:
    """Return seconds and peak megabytes of one case, in a process without other work."""
    import resource
    from dataclasses import replace

    import numpy as np

    from dsl.analysis.check import check
    from dsl.analysis.program import Program
    from dsl.bars import Bars
    from evolve.backtest.backtest import backtest
    from evolve.backtest.market import market
    from evolve.data.align import align
    from evolve.data.generators import random_walk
    from evolve.fitness.fitness import FoldFitness
    from evolve.fitness.goals import FitnessSpec
    from evolve.search.grow import grow_rules
    from evolve.search.space import build_space

    def minutes(count: int) -> Bars:
        """Return a random walk of one-minute bars, because days are too few."""
        rng = np.random.default_rng(1)
        close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-4, count)))
        time_ = np.datetime64("2000-01-03", "ns") + np.arange(count) * np.timedelta64(60, "s")
        panels = [close, close * 1.0001, close * 0.9999, close.copy(), np.full(count, 1e4),
                  np.ones(count)]  # fmt: skip
        return Bars(("A",), time_, *[each[None, :] for each in panels])

    def panel(symbols: int, count: int) -> Bars:
        walks = [random_walk(count, seed) for seed in range(symbols)]
        return align([replace(each, symbols=(f"S{i}",)) for i, each in enumerate(walks)])

    cross = check("strategy s { buy when close > sma(close, 50) sell when rsi(close, 14) > 70 }")
    stopped = check("strategy s { buy when close > open stop 5% }")
    space, rng = build_space(), Random(1)
    for warming in (panel(1, 500), panel(2, 500)):
        FoldFitness(warming, market(), FitnessSpec())([cross, stopped])
        backtest(cross, warming, market())
    if axis == "bars":
        bars = minutes(size)
        began = time.perf_counter()
        backtest(cross, bars, market())
        FoldFitness(bars, market(), FitnessSpec())([cross])
    elif axis == "symbols":
        bars = panel(size, 5_000)
        programs = [Program("p", grow_rules(space, rng)) for _ in range(20)]
        began = time.perf_counter()
        backtest(cross, bars, market())
        FoldFitness(bars, market(), FitnessSpec())(programs)
    elif axis == "window":
        above, below = f"close >= highest(close, {size})", f"close < lowest(close, {size})"
        mean = f"close > sma(close, {size})"
        windowed = check(f"strategy s {{ buy when {above} and {mean} sell when {below} }}")
        bars = random_walk(50_000, 1)
        began = time.perf_counter()
        FoldFitness(bars, market(), FitnessSpec())([windowed])
    else:
        count = size if axis == "strategies" else 500
        programs = [Program("p", grow_rules(space, rng)) for _ in range(40 * count)]
        if axis == "nodes":
            programs = [each for each in programs if size / 2 <= each.nodes <= 2 * size]
        programs = programs[:count]
        scorer = FoldFitness(random_walk(3_000, 1), market(), FitnessSpec())
        began = time.perf_counter()
        scorer(programs)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Print the cases of the chosen axes, and their growth."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--axis", choices=CASES, action="append")
    parser.add_argument(
        "--case", nargs=2, metavar=("AXIS", "SIZE"), help="one case, in this process"
    )
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case[0], int(options.case[1]))))
        return
    figures: dict[str, object] = {}
    for axis in options.axis or CASES:
        measured: dict[int, dict[str, float]] = {}
        for size in CASES[axis]:
            args = [sys.executable, __file__, "--case", axis, str(size)]
            done = subprocess.run(args, capture_output=True, text=True, check=False)
            measured[size] = json.loads(done.stdout) if done.returncode == 0 else {}
            print(axis, size, measured[size] or done.stderr[-300:], file=sys.stderr)
        sizes = [size for size, each in measured.items() if each]
        first, last = sizes[0], sizes[-1]
        doublings = math.log2(last / first)
        growth = (measured[last]["seconds"] / measured[first]["seconds"]) ** (1 / doublings)
        figures[axis] = {str(size): {name: round(value, 3) for name, value in each.items()}
                         for size, each in measured.items()}  # fmt: skip
        figures[f"{axis}_growth_per_doubling"] = round(growth, 2)
    report("scale", **figures)


if __name__ == "__main__":
    main()
