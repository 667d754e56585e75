"""How far a search is, and when it is to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evolve.search.credit import Credit
from evolve.search.individual import Individual
from evolve.search.island import Island


@dataclass(frozen=True)
class Budget:
    """When to stop: at so many evaluations, epochs without improvement, or minutes."""

    evaluations: int
    stale_epochs: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Progress:
    """The state of a search at the end of an epoch.

    Attributes:
        epoch: its number, 0 for the seeds.
        trials: what this epoch evaluated that no other island had, in order.
        evaluated: distinct programs evaluated so far.
        best: the best feasible individual so far.
        ledger: counts by proposer so far.
        islands: the populations.
        stopped: why the search ends here; empty if it goes on.
    """

    epoch: int
    trials: tuple[Individual, ...]
    evaluated: int
    best: Individual | None
    fame: tuple[Individual, ...]
    ledger: Mapping[str, Credit]
    islands: tuple[Island, ...]
    stopped: str = ""
