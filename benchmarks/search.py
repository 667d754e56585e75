"""Distinct strategies per second that a search evaluates on 3,000 bars and one core.

Selection, proposers, canonical form, deduplication, evaluation on five folds and the journal, with
the settings of `search.yaml` and one worker. The first epoch is a warm-up and not counted. Children
are all proposals, duplicates included. `--symbols` sets the number of synthetic symbols of 4,000
bars.
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
    """Clock of a run: time, evaluations and children at the end of each epoch."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, int, int]] = []

    def progress(self, progress: Progress, seconds: float) -> None:
        children = sum(each.proposed for each in progress.stats.values())
        self.marks.append((time.perf_counter(), progress.evaluated, children))


def rates(experiment: Path, evaluations: int, symbols: int = 0) -> list[tuple[float, float]]:
    """Return evaluations and children per second of each complete epoch except the first."""
    clock = Clock()
    settings = [f"budget.evaluations={evaluations}", "budget.stale_epochs=null", "workers=1"]
    if symbols:
        specs = [f"synthetic:garch?bars=4000&seed={seed}" for seed in range(symbols)]
        settings.append(f"data.from={specs}")  # the text of a list is YAML
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
    options = parser.parse_args()
    by_epoch = rates(options.experiment, options.evaluations, options.symbols)
    distinct = [each for each, _ in by_epoch]
    report(
        "search",
        experiment=options.experiment.stem,
        symbols=options.symbols or 1,
        evaluations=options.evaluations,
        evaluations_per_second=round(statistics.median(distinct)),
        children_per_second=round(statistics.median(each for _, each in by_epoch)),
        slowest_epoch=round(min(distinct)),
        fastest_epoch=round(max(distinct)),
    )


if __name__ == "__main__":
    main()
