"""Options of a search: what it adds to a plain genetic algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IdleRule = Literal["replace", "count"]


@dataclass(frozen=True)
class SearchOptions:
    """Options of a search; `benchmarks/RESULTS.md` has the gain of each.

    Attributes:
        idle: whether programs that trade too little are replaced, or count as trials.
        distinct: whether a population has at most one program of each behavior.
        niche_members: number of members of each niche in the hall of fame; 0 for no niches.
        credit_decay: factor of earlier credit per interval between two migrations; 1 for no decay.
    """

    idle: IdleRule = "replace"
    distinct: bool = True
    niche_members: int = 2
    credit_decay: float = 0.8


DEFAULT_OPTIONS = SearchOptions()
