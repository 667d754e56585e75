"""Gain from a model: the best score on train with and without it, at equal evaluations.

    OPENAI_BASE_URL=http://localhost:11434/v1 .venv/bin/python benchmarks/proposals.py --seeds 5

Each seed has two runs, one after the other: genetic programming only, and with the model.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from report import report

from evolve.experiment.result import Run
from evolve.experiment.run import run
from evolve.llm.prompt.selection import is_arm

EXPERIMENT = Path(__file__).parent / "search.yaml"


def main() -> None:
    """Run the pairs and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", type=Path, default=EXPERIMENT)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    options = parser.parse_args()
    pairs = []
    for seed in range(1, options.seeds + 1):
        settings = [*options.overrides, f"seed={seed}", "budget.stale_epochs=null"]
        with tempfile.TemporaryDirectory() as folder:
            alone = run(options.experiment, [*settings, "llm.mode=off"], Path(folder) / "alone")
            mixed = run(options.experiment, settings, Path(folder) / "mixed")
        pairs.append((alone, mixed))
    gains = [best_score(mixed) - best_score(alone) for alone, mixed in pairs]
    arms = [
        stats for _, mixed in pairs for name, stats in mixed.progress.stats.items() if is_arm(name)
    ]
    spent = [mixed.spent for _, mixed in pairs if mixed.spent is not None]
    report(
        "proposals",
        seeds=options.seeds,
        best_alone=statistics.median(best_score(alone) for alone, _ in pairs),
        best_mixed=statistics.median(best_score(mixed) for _, mixed in pairs),
        median_gain=statistics.median(gains),
        better_with_model=sum(gain > 0 for gain in gains),
        calls=sum(each.calls for each in spent),
        usd=sum(each.usd for each in spent),
        evaluated=sum(each.evaluated for each in arms),
        improved=sum(each.improved for each in arms),
        seconds_alone=statistics.median(alone.search_seconds for alone, _ in pairs),
        seconds_mixed=statistics.median(mixed.search_seconds for _, mixed in pairs),
    )


def best_score(finished: Run) -> float:
    """Return the best score of a run on train; 0 without a feasible strategy."""
    best = finished.progress.best
    return best.score if best is not None else 0.0


if __name__ == "__main__":
    main()
