"""Size and power of `budget.stop: luck` on simulated curves of best scores; no search runs.

A curve is the running maximum of independent scores with an exponential or a normal tail. The real
curve also reaches the score of an edge, after a random number of trials. Each rule rejects if the
real search is the best of 20. `peek` looks at every round number of trials and takes the smallest
p-value; `naive` stops as the rule does, but compares the scores at the stop. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from report import report
from scipy.stats import norm

from evolve.validation.leads import measure_leads

COUNTS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
NULLS = 19
RULES = ("budget", "peek", "naive", "luck")

Curves = NDArray[np.float64]


@dataclass(frozen=True)
class Edge:
    """Edge of the real curve.

    Attributes:
        score: deviations above the mean luck at a count.
        count: index of that count.
        found_trials: mean number of trials until it is found.
    """

    score: float
    count: int
    found_trials: float


EDGES = {
    "none": None, "early": Edge(5, 3, 300), "middle": Edge(4, 6, 5000), "late": Edge(3, 9, 30_000),
}  # fmt: skip


def draw_curves(rng: np.random.Generator, shape: tuple[int, ...], tail: str) -> Curves:
    """Return float64[*shape, count], best scores so far."""
    sizes = np.diff((0, *COUNTS))
    uniform = rng.random((*shape, len(COUNTS)))
    if tail == "exponential":  # the best of n is a Gumbel score with location log(n)
        bests = np.log(sizes) - np.log(-np.log(uniform))
    else:
        bests = norm.ppf(uniform ** (1 / sizes))
    return np.maximum.accumulate(bests, -1)


def iterate_markets(rng: np.random.Generator, tail: str, edge: Edge | None) -> Iterator[Curves]:
    """Yield float64[search, count], the real curve first, for one market after another."""
    luck = draw_curves(rng, (20_000,), tail)
    means, deviations = luck.mean(axis=0), luck.std(axis=0)
    while True:
        curves = draw_curves(rng, (1 + NULLS,), tail)
        if edge is not None:
            score = means[edge.count] + edge.score * deviations[edge.count]
            is_found = np.array(COUNTS) >= rng.exponential(edge.found_trials)
            curves[0] = np.where(is_found, np.maximum(curves[0], score), curves[0])
        yield curves


def reject(curves: Curves) -> tuple[dict[str, bool], int]:
    """Return what each rule rejects, and the number of trials until the stop."""
    real, *others = measure_leads(curves, COUNTS)
    end = real.lost_at or COUNTS[-1]
    is_best = (curves[0] > curves[1:]).all(axis=0)
    return {
        "budget": bool(is_best[-1]),
        "peek": bool(is_best.any()),
        "naive": bool(is_best[COUNTS.index(end)]),
        "luck": real.largest > max(others).largest,
    }, end


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = []
    for tail in ("exponential", "normal"):
        for name, edge in EDGES.items():
            markets = iterate_markets(np.random.default_rng(options.seed), tail, edge)
            found = [reject(next(markets)) for _ in range(options.markets)]
            shares = {
                rule: round(float(np.mean([each[rule] for each, _ in found])), 4) for rule in RULES
            }
            ends = [end for _, end in found]
            rows.append(
                {
                    "tail": tail, "edge": name, **shares,
                    "stopped": round(float(np.mean([each < COUNTS[-1] for each in ends])), 3),
                    "trials": round(math.exp(float(np.mean(np.log(ends))))),
                }
            )  # fmt: skip
    report("luck_stop", **vars(options), rows=rows)


if __name__ == "__main__":
    main()
