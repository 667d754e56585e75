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
from pathlib import Path
from typing import NamedTuple

from reference import Reference
from report import report

from evolve.experiment.observer import Observer
from evolve.experiment.run import run
from evolve.search.progress import Progress

HERE = Path(__file__).parent


class Rates(NamedTuple):
    """Evaluations and children of an epoch per second, and evaluations in the reference's time."""

    distinct: float
    children: float
    by_reference: float


class Clock(Observer):
    """Clock of a run: evaluations and children per second of each epoch, and its reference."""

    def __init__(self, work: Reference) -> None:
        self.rates: list[Rates] = []
        self._work = work
        self._began, self._reference = time.perf_counter(), work.seconds()
        self._evaluated, self._children = 0, 0

    def progress(self, progress: Progress, seconds: float) -> None:
        took = time.perf_counter() - self._began
        children = sum(each.proposed for each in progress.stats.values())
        after = self._work.seconds()
        distinct, mean = progress.evaluated - self._evaluated, (self._reference + after) / 2
        self.rates.append(
            Rates(distinct / took, (children - self._children) / took, distinct / took * mean)
        )
        self._evaluated, self._children = progress.evaluated, children
        self._reference, self._began = after, time.perf_counter()


def rates(experiment: Path, evaluations: int, symbols: int = 0) -> list[Rates]:
    """Return the rates of each complete epoch except the first."""
    clock = Clock(Reference())
    settings = [f"budget.evaluations={evaluations}", "budget.stale_epochs=null", "workers=1"]
    if symbols:
        specs = [f"synthetic:garch?bars=4000&seed={seed}" for seed in range(symbols)]
        settings.append(f"data.from={specs}")  # the text of a list is YAML
    with tempfile.TemporaryDirectory() as folder:
        run(experiment, settings, out=Path(folder) / "run", observer=clock)
    return clock.rates[2:-1]


def main() -> None:
    """Print the median rate over epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiment", type=Path, default=HERE / "search.yaml")
    parser.add_argument("--evaluations", type=int, default=12_000)
    parser.add_argument("--symbols", type=int, default=0)
    options = parser.parse_args()
    by_epoch = rates(options.experiment, options.evaluations, options.symbols)
    distinct = [each.distinct for each in by_epoch]
    report(
        "search",
        experiment=options.experiment.stem,
        symbols=options.symbols or 1,
        evaluations=options.evaluations,
        evaluations_per_second=round(statistics.median(distinct)),
        children_per_second=round(statistics.median(each.children for each in by_epoch)),
        evaluations_by_reference=round(
            statistics.median(each.by_reference for each in by_epoch), 1
        ),
        slowest_epoch=round(min(distinct)),
        fastest_epoch=round(max(distinct)),
    )


if __name__ == "__main__":
    main()
