"""How far a search is, and when it is to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evolve.search.individual import Individual
from evolve.search.island import Island
from evolve.search.proposer_stats import ProposerStats


@dataclass(frozen=True)
class Budget:
    """Limits of a search: evaluations, epochs without improvement, minutes; None for no limit."""

    evaluations: int
    stale_epochs: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Progress:
    """The state of a search at the end of an epoch.

    Attributes:
        epoch: its number, 0 for the programs that the search started from.
        trials: new programs evaluated in this epoch, in order.
        evaluated: distinct programs evaluated so far.
        best: the best feasible individual so far; None if there is none.
        hall_of_fame: the best individuals so far, with distinct scores.
        stats: counts by proposer so far.
        islands: the populations.
        stop_reason: why the search ends here; empty if it continues.
    """

    epoch: int
    trials: tuple[Individual, ...]
    evaluated: int
    best: Individual | None
    hall_of_fame: tuple[Individual, ...]
    stats: Mapping[str, ProposerStats]
    islands: tuple[Island, ...]
    stop_reason: str = ""
