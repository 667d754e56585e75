"""Working state of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.search.credit import Credit
from evolve.search.hall_of_fame import HallOfFame
from evolve.search.individual import Individual
from evolve.search.interval import Interval
from evolve.search.island import Island
from evolve.search.proposer_stats import ProposerStats
from evolve.search.trial_index import TrialIndex


@dataclass
class SearchState:
    """State of a search at the end of an epoch.

    Attributes:
        islands: the islands with their populations.
        index: all trials.
        stats: counts by proposer.
        seconds: time by proposer; see `Progress`.
        hall_of_fame: the best individuals of each size class.
        epoch: number of the epoch.
        interval: the rest of the interval between two migrations; None after a migration.
        stale_evaluations: number of evaluations allowed since the last improvement.
        first: trials of epoch 0.
        credit: credit of the proposers at the last migration.
    """

    islands: tuple[Island, ...]
    index: TrialIndex = field(default_factory=TrialIndex)
    stats: dict[str, ProposerStats] = field(default_factory=dict)
    seconds: Counter[str] = field(default_factory=Counter)
    hall_of_fame: HallOfFame = field(default_factory=HallOfFame)
    epoch: int = 0
    interval: Interval | None = None
    stale_evaluations: int = 0
    first: tuple[Individual, ...] = ()
    credit: Mapping[str, Credit] = field(default_factory=dict)
