"""State of a search, and the budget at which it stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evolve.search.credit import Credit
from evolve.search.individual import Individual
from evolve.search.interval import Interval
from evolve.search.island import Island
from evolve.search.proposer_stats import ProposerStats
from evolve.search.trial_index import TrialIndex


@dataclass(frozen=True)
class Budget:
    """Limits of a search; None for no limit.

    Attributes:
        evaluations: number of distinct programs.
        stale_epochs: number of intervals between migrations without improvement.
        minutes: time, checked at the end of each epoch.
    """

    evaluations: int = 10_000
    stale_epochs: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Progress:
    """State of a search at the end of an epoch.

    Attributes:
        epoch: its number, 0 for the programs that the search started from.
        trials: the new individuals of this epoch, in order.
        evaluated: number of distinct programs evaluated so far.
        best: the best feasible individual so far; None if no program was feasible.
        hall_of_fame: the best individuals so far of each size class, the best first.
        stats: counts by proposer so far.
        islands: the islands with their populations.
        stop_reason: the reason why the search ends; empty if it continues.
        seconds: time of proposing and evaluating by genetic operator so far, summed over the worker
            processes; for reports only, since two equal searches differ in it.
        first: the trials of epoch 0.
        interval: the rest of the interval between two migrations; None after a migration.
        stale_evaluations: number of evaluations allowed since the last improvement.
        proposer_state: state of the external proposer before it is asked; None without one.
        index: all trials so far, and those of later epochs once they end.
        credit: credit of the proposers at the last migration.
    """

    epoch: int
    trials: tuple[Individual, ...]
    evaluated: int
    best: Individual | None
    hall_of_fame: tuple[Individual, ...]
    stats: Mapping[str, ProposerStats]
    islands: tuple[Island, ...]
    stop_reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    first: tuple[Individual, ...] = ()
    interval: Interval | None = None
    stale_evaluations: int = 0
    proposer_state: Mapping[str, Any] | None = None
    index: TrialIndex = field(default_factory=TrialIndex, compare=False)
    credit: Mapping[str, Credit] = field(default_factory=dict)
