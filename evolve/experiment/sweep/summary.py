"""Summary of a sweep: medians and ranges over the seeds of each combination of settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from evolve.experiment.sweep.folder import PointRow

SEED = "seed"


@dataclass(frozen=True)
class Spread:
    """Median and range of a figure; `count` is the number of runs that have it."""

    median: float
    least: float
    largest: float
    count: int


@dataclass(frozen=True)
class SweepGroup:
    """Runs with equal settings besides the seed.

    Attributes:
        settings: the values of the settings that differ, by name, without the seed if there are
            several.
        runs: number of runs.
        statuses: number of runs by status.
        verdicts: number of finished runs by label of their verdict.
        score: best scores on train; None if no run has one.
        validation: the objective of the winners on validation; likewise.
        trials: numbers of trials; likewise.
        seconds: durations of the runs; likewise.
    """

    settings: dict[str, str]
    runs: int
    statuses: dict[str, int]
    verdicts: dict[str, int]
    score: Spread | None
    validation: Spread | None
    trials: Spread | None
    seconds: Spread | None


@dataclass(frozen=True)
class SweepSummary:
    """Summary of a sweep.

    Attributes:
        settings: names of the settings that differ between groups.
        groups: the groups, in the order of the grid.
        has_seeds: whether a group has several seeds.
        objectives: names of the scores.
        failures: number and settings of each failed run, with the reason.
        warnings: reasons why figures are not comparable, as sentences.
    """

    settings: tuple[str, ...]
    groups: tuple[SweepGroup, ...]
    has_seeds: bool
    objectives: tuple[str, ...]
    failures: tuple[tuple[PointRow, str], ...]
    warnings: tuple[str, ...]


def summarize_sweep(rows: Sequence[PointRow]) -> SweepSummary:
    """Summarize the runs of a sweep, in any state.

    A sweep over seeds alone has one group.
    """
    has_seeds = any(SEED in each.settings for each in rows)
    groups: dict[tuple[tuple[str, str], ...], list[PointRow]] = {}
    for each in rows:
        shared = {name: value for name, value in each.settings.items() if name != SEED}
        groups.setdefault(tuple(shared.items()), []).append(each)
    names = tuple(name for name in rows[0].settings if name != SEED) if rows else ()
    objectives = tuple(dict.fromkeys(each.objective for each in rows if each.objective))
    failures = tuple((each, each.error) for each in rows if each.status == "failed")
    return SweepSummary(
        names, tuple(_summarize(dict(key), group) for key, group in groups.items()), has_seeds,
        objectives, failures, tuple(_list_warnings(rows, objectives)),
    )  # fmt: skip


def _summarize(settings: dict[str, str], rows: Sequence[PointRow]) -> SweepGroup:
    done = [each for each in rows if each.status == "finished"]
    return SweepGroup(
        settings=settings,
        runs=len(rows),
        statuses=dict(Counter(each.status for each in rows)),
        verdicts=dict(sorted(Counter(each.verdict for each in done).items())),
        score=_measure([each.score for each in done]),
        validation=_measure([each.validation for each in done]),
        trials=_measure([each.trials for each in done]),
        seconds=_measure([each.seconds for each in done]),
    )


def _measure(values: Sequence[float | None]) -> Spread | None:
    known = [each for each in values if each is not None]
    return Spread(median(known), min(known), max(known), len(known)) if known else None


def _list_warnings(rows: Sequence[PointRow], objectives: Sequence[str]) -> Iterator[str]:
    if len(objectives) > 1:
        yield "The runs maximize different objectives: their scores are not comparable."
    if len({each.data for each in rows if each.data}) > 1:
        yield "The runs have different data: scores and metrics are not comparable."
