"""Checkpoint: the state of a search at the end of an epoch as JSON, from which it goes on.

Programs are in the rows of their trials, so a checkpoint has the numbers of trials and the states
of random generators only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dsl.analysis.check import check
from dsl.printing.decompile import compact_text
from evolve.search.credit import Credit
from evolve.search.hall_of_fame import HallOfFame
from evolve.search.individual import Individual
from evolve.search.interval import Interval
from evolve.search.island import Island
from evolve.search.niche import Niche
from evolve.search.progress import Progress
from evolve.search.proposer_stats import ProposerStats
from evolve.search.random_state import decode_random_state, encode_random_state
from evolve.search.state import SearchState
from evolve.search.trial_index import TrialIndex

ReadTrials = Callable[[Collection[int]], Mapping[int, Individual]]
"""Returns the trials of numbers, by number."""


@dataclass(frozen=True)
class Checkpoint:
    """Point at which a search goes on.

    Attributes:
        epoch: number of the last epoch.
        state: the state after it, as `describe_state` returns it.
        index: all trials up to it.
        read_trials: reads trials by their numbers.
        seconds: duration of the search up to it.
        proposer_seconds: time by proposer up to it; see `Progress`.
    """

    epoch: int
    state: Mapping[str, Any]
    index: TrialIndex
    read_trials: ReadTrials
    seconds: float = 0.0
    proposer_seconds: Mapping[str, float] = field(default_factory=dict)


def describe_state(progress: Progress) -> dict[str, Any]:
    """Describe the state of a search as JSON, without times: two equal searches differ in them."""
    index, interval = progress.index, progress.interval
    return {
        "first": len(progress.first),
        "stale_evaluations": progress.stale_evaluations,
        "stats": _describe_stats(progress.stats),
        "islands": [
            {
                "random": encode_random_state(each.rng_state),
                "population": [_describe_individual(one, index) for one in each.population],
            }
            for each in progress.islands
        ],
        "hall_of_fame": [_describe_member(each, index) for each in progress.hall_of_fame],
        "interval": None if interval is None else _describe_interval(interval, index),
        "proposer": progress.proposer_state,
        "credit": progress.credit,
    }


def restore_state(checkpoint: Checkpoint) -> SearchState:
    """Restore the state of a search.

    Raises:
        KeyError, TypeError, ValueError, LanguageError: if the checkpoint is damaged.
    """
    saved = checkpoint.state
    first = range(1, saved["first"] + 1)
    populations = [each["population"] for each in saved["islands"]]
    wanted = {_read_number(each) for population in populations for each in population}
    members = {number: tuple(niche) for number, niche in saved["hall_of_fame"]}
    trials = checkpoint.read_trials(wanted | {*first, *members})
    return SearchState(
        tuple(
            Island(
                number,
                tuple(_restore_individual(one, trials) for one in each["population"]),
                decode_random_state(each["random"]),
            )
            for number, each in enumerate(saved["islands"])
        ),
        checkpoint.index,
        _restore_stats(saved["stats"]),
        Counter(checkpoint.proposer_seconds),
        HallOfFame(tuple(replace(trials[each], niche=members[each]) for each in members)),
        checkpoint.epoch,
        _restore_interval(saved["interval"], checkpoint.index),
        saved["stale_evaluations"],
        tuple(trials[number] for number in first),
        {name: Credit(*each) for name, each in saved["credit"].items()},
    )


def _describe_individual(each: Individual, index: TrialIndex) -> int | dict[str, Any]:
    """Describe an individual by the number of its trial.

    Another island may have proposed the same program first, in other words. The form and the
    origin of this one are then in no row.
    """
    number = index.find_number(each.program.key)
    if index.has_origin(each):
        return number
    return {
        "trial": number,
        "source": compact_text(each.program),
        "proposer": each.proposer,
        "parents": each.parents,
        "island": each.island,
        "epoch": each.epoch,
    }


def _describe_member(each: Individual, index: TrialIndex) -> tuple[int, Niche]:
    """Describe a member of the hall of fame, with its niche, which is in no row."""
    return index.find_number(each.program.key), each.niche


def _read_number(described: int | Mapping[str, Any]) -> int:
    return described if isinstance(described, int) else int(described["trial"])


def _restore_individual(
    described: int | Mapping[str, Any], trials: Mapping[int, Individual]
) -> Individual:
    trial = trials[_read_number(described)]
    if isinstance(described, int):
        return trial
    return Individual(
        check(described["source"]), trial.scores, trial.fitness, described["proposer"],
        tuple(described["parents"]), described["island"], described["epoch"],
    )  # fmt: skip


def _describe_interval(interval: Interval, index: TrialIndex) -> dict[str, Any]:
    return {
        "stats": _describe_stats(interval.stats),
        "shares": interval.shares,
        "quotas": interval.quotas,
        "generations": interval.generations,
        "proposed": [
            _list_ranges(sorted(map(index.find_number, each))) for each in interval.proposed
        ],
    }


def _restore_interval(saved: Mapping[str, Any] | None, index: TrialIndex) -> Interval | None:
    if saved is None:
        return None
    proposed = tuple(
        frozenset(index.keys[number - 1] for number in _iterate_ranges(each))
        for each in saved["proposed"]
    )
    stats = _restore_stats(saved["stats"])
    shares, quotas = saved["shares"], tuple(saved["quotas"])
    return Interval(stats, shares, quotas, saved["generations"], proposed)


def _list_ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return sorted numbers as ranges, each with its first and last number."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def _iterate_ranges(ranges: Iterable[Sequence[int]]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


def _describe_stats(stats: Mapping[str, ProposerStats]) -> dict[str, Any]:
    return {name: asdict(counts) for name, counts in stats.items()}


def _restore_stats(saved: Mapping[str, Any]) -> dict[str, ProposerStats]:
    return {name: ProposerStats.from_counts(counts) for name, counts in saved.items()}
