"""Luck and power by the number of evaluations.

The search of `experiments/spy.yaml` runs on random walks and on markets with a planted edge, both
with exact extremes and as many bars as eleven years of train. A planted edge is found if the best
score so far exceeds the 95th percentile of those on walks at an equal number of evaluations. Prints
one JSON line.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
from report import report

from evolve.experiment.plan import build_problem, read_plan
from evolve.notices import NoticeList
from evolve.search.best_curve import BestCurve
from evolve.search.progress import Budget
from evolve.search.search import search

ROOT = Path(__file__).parents[1]
RULES = (
    "rsi(close, 2) < 15", "close > highest(close[1], 20)", "roc(close, 3) < -2%",
    "stdev(roc(close, 1), 10) < 0.8%",
)  # fmt: skip
BARS, TRAIN = 2867, "split={train: 97%, validation: 1.5%, holdout: 1.5%}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=40, help="of each kind")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--evaluations", type=int, default=20_000)
    parser.add_argument("--edge-bps", type=float, default=30)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.markets)
    bars = round(BARS / 0.97)
    walks = [
        run_search(f"synthetic:walk?seed={seed}&bars={bars}", seed, options.evaluations)
        for seed in seeds
    ]
    planted = [
        run_search(
            f"synthetic:planted?seed={seed}&bars={bars}&edge_bps={options.edge_bps}"
            f"&rule={RULES[seed % len(RULES)]}", seed, options.evaluations,
        )
        for seed in seeds
    ]  # fmt: skip
    rows = []
    for count in sorted(walks[0]):
        luck = np.array([each[count] for each in walks])
        found = np.array([each[count] for each in planted]) > np.quantile(luck, 0.95)
        share = float(found.mean())
        rows.append(
            {
                "evaluations": count,
                "luck": round(float(luck.mean()), 3),
                "threshold": round(float(np.quantile(luck, 0.95)), 3),
                "found": round(share, 3),
                "error": round(math.sqrt(share * (1 - share) / len(found)), 3),
            }
        )
    report("budgets", **vars(options), by_evaluations=rows)


def run_search(spec: str, seed: int, evaluations: int) -> dict[int, float]:
    """Return the best score so far by number of evaluations; -1 before a feasible strategy."""
    overrides = [f"data.from={json.dumps(spec)}", f"seed={seed}", TRAIN, "start_from=[]"]
    plan = read_plan(ROOT / "experiments" / "spy.yaml", overrides)
    data = plan.load(NoticeList())
    curve = BestCurve()
    for progress in search(build_problem(plan, data), Budget(evaluations)):
        curve.add(progress.trials)
    return {each.trials: -1.0 if each.best is None else each.best for each in curve.points}


if __name__ == "__main__":
    main()
