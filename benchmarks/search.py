"""How many distinct strategies of 3,000 bars the whole loop evaluates a second on one core.

Selection, proposers, canonical form, deduplication, evaluation on five folds and the journal, on
the settings of `search.yaml`, with one worker; the first epoch, which warms up, is left
out. Children are all that were proposed, those known before too. With `--symbols`, on as many
synthetic ones of 4,000 bars.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from report import report

from evolve.experiment.observer import Observer
from evolve.experiment.run import run
from evolve.search.progress import Progress

HERE = Path(__file__).parent


class Clock(Observer):
    """Seconds, evaluations and children at the end of every epoch."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, int, int]] = []

    def progress(self, progress: Progress, seconds: float) -> None:
        children = sum(each.proposed for each in progress.stats.values())
        self.marks.append((time.perf_counter(), progress.evaluated, children))


def rates(experiment: Path, evaluations: int, symbols: int = 0) -> list[tuple[float, float]]:
    """Evaluations and children a second in each whole epoch but the first."""
    clock = Clock()
    settings = [f"budget.evaluations={evaluations}", "budget.stale_epochs=null", "workers=1"]
    if symbols:
        given = [f"synthetic:garch?bars=4000&seed={seed}" for seed in range(symbols)]
        settings.append(f"data.from={given}")  # a list's text is YAML
    with tempfile.TemporaryDirectory() as folder:
        run(experiment, settings, out=Path(folder) / "run", observer=clock)
    marks = clock.marks[1:-1]
    return [
        ((evaluated - before[1]) / (now - before[0]), (children - before[2]) / (now - before[0]))
        for before, (now, evaluated, children) in pairwise(marks)
    ]


def main() -> None:
    """Print the median rate over epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiment", type=Path, default=HERE / "search.yaml")
    parser.add_argument("--evaluations", type=int, default=12_000)
    parser.add_argument("--symbols", type=int, default=0)
    given = parser.parse_args()
    found = rates(given.experiment, given.evaluations, given.symbols)
    distinct = [each for each, _ in found]
    report(
        "search",
        experiment=given.experiment.stem,
        symbols=given.symbols or 1,
        evaluations=given.evaluations,
        evaluations_per_second=round(statistics.median(distinct)),
        children_per_second=round(statistics.median(each for _, each in found)),
        slowest_epoch=round(min(distinct)),
        fastest_epoch=round(max(distinct)),
    )


if __name__ == "__main__":
    main()
