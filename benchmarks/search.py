"""Distinct strategies per second that a search evaluates on 3,000 bars and one core.

Selection, proposers, canonical form, deduplication, evaluation on five folds and the journal, with
the settings of `search.yaml` and one worker. The first epoch is a warm-up and not counted. Children
are all proposals, duplicates included. `--symbols` sets the number of synthetic symbols of 4,000
bars. With `--reference`, other work is timed at the end of each epoch, and its rate is compared.
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
    """Evaluations and children of an epoch per second, and the time of the reference around it."""

    distinct: float
    children: float
    reference: float


class Clock(Observer):
    """Clock of a run, which measures each epoch; the reference is not part of an epoch."""

    def __init__(self, reference: Reference | None) -> None:
        self.rates: list[Rates] = []
        self._reference = reference
        self._evaluated, self._children = 0, 0
        self._before, self._began = self._time_reference(), time.perf_counter()

    def progress(self, progress: Progress, seconds: float) -> None:
        took = time.perf_counter() - self._began
        children = sum(each.proposed for each in progress.stats.values())
        after = self._time_reference()
        self.rates.append(
            Rates(
                (progress.evaluated - self._evaluated) / took,
                (children - self._children) / took,
                (self._before + after) / 2,
            )
        )
        self._evaluated, self._children = progress.evaluated, children
        self._before, self._began = after, time.perf_counter()

    def _time_reference(self) -> float:
        return 0.0 if self._reference is None else self._reference.seconds()


def rates(
    experiment: Path, evaluations: int, symbols: int, reference: Reference | None
) -> list[Rates]:
    """Return the rates of each complete epoch except the first."""
    clock = Clock(reference)
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
    parser.add_argument("--reference", action="store_true", help="compare with other work")
    options = parser.parse_args()
    reference = Reference() if options.reference else None
    by_epoch = rates(options.experiment, options.evaluations, options.symbols, reference)
    distinct = [each.distinct for each in by_epoch]
    by_reference = statistics.median(each.distinct * each.reference for each in by_epoch)
    report(
        "search",
        experiment=options.experiment.stem,
        symbols=options.symbols or 1,
        evaluations=options.evaluations,
        evaluations_per_second=round(statistics.median(distinct)),
        children_per_second=round(statistics.median(each.children for each in by_epoch)),
        evaluations_by_reference=round(by_reference, 1) if options.reference else None,
        slowest_epoch=round(min(distinct)),
        fastest_epoch=round(max(distinct)),
    )


if __name__ == "__main__":
    main()
