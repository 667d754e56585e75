"""What a proposer is: a way to make a new strategy from those there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from dsl.analysis.program import Rules
from evolve.search.space import Space


@dataclass(frozen=True)
class Proposer:
    """An arm of the search. One module in `evolve/search/proposers` declares each.

    Attributes:
        name: as experiments write it.
        about: one line.
        parents: how many it takes.
        weight: its default share of proposals.
        propose: parents, space, generator -> rules, or None where it finds nothing to do. It
            draws from the generator alone.
    """

    name: str
    about: str
    parents: int
    weight: float
    propose: Callable[[Sequence[Rules], Space, Random], Rules | None]
