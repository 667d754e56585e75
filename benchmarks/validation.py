"""Seconds of the statistics of a finished search: overfitting and superior predictive ability.

1,000 strategies on 2,500 bars of noise: 16 slices, which are 12,870 combinations, and 1,000
resamples. The choice of a block length is timed separately, after `arch` is imported. One thread;
medians over rounds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported

import statistics
import time
from collections.abc import Callable

import numpy as np
from report import report

from evolve.validation.pbo import estimate_overfitting
from evolve.validation.spa import choose_block_bars, compute_spa

BARS, STRATEGIES, SLICES, RESAMPLES, BLOCK_BARS = 2_500, 1_000, 16, 1_000, 5.0
ROUNDS = 5


def seconds(task: Callable[[], object]) -> float:
    """Return the time of a task."""
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def main() -> None:
    """Print medians; each round runs every task, so that all have the same noise."""
    rng = np.random.default_rng(1)
    returns = 0.01 * rng.normal(size=(BARS, STRATEGIES))
    tasks: dict[str, Callable[[], object]] = {
        "pbo": lambda: estimate_overfitting(returns, SLICES),
        "block_length": lambda: choose_block_bars(returns),
        "spa": lambda: compute_spa(returns, rng, RESAMPLES, BLOCK_BARS),
    }
    first = {f"{name}_first_seconds": round(seconds(task), 2) for name, task in tasks.items()}
    rounds = [{name: seconds(task) for name, task in tasks.items()} for _ in range(ROUNDS)]
    medians = {
        f"{name}_seconds": round(statistics.median(each[name] for each in rounds), 3)
        for name in tasks
    }
    report("validation", bars=BARS, strategies=STRATEGIES, **medians, **first)


if __name__ == "__main__":
    main()
