"""State of a search, and the budget at which it stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.search.individual import Individual
from evolve.search.island import Island
from evolve.search.proposer_stats import ProposerStats


@dataclass(frozen=True)
class Budget:
    """Limits of a search; None for no limit.

    Attributes:
        evaluations: number of distinct programs.
        stale_epochs: number of intervals between migrations without improvement.
        minutes: time, checked at the end of each epoch.
    """

    evaluations: int = 5000
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
