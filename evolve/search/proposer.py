"""Proposer: an operator that derives a strategy from parents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from dsl.analysis.program import Rules
from evolve.search.space import Space


@dataclass(frozen=True)
class Proposer:
    """Operator of variation; each module in `evolve/search/proposers` declares one.

    Attributes:
        name: its name in experiments.
        about: a description in one line.
        parents: the number of parents that it takes.
        weight: its default share of proposals.
        propose: takes the rules of the parents, the space and a random generator. Returns rules,
            or None if the operator does not apply. The generator is its only source of randomness.
    """

    name: str
    about: str
    parents: int
    weight: float
    propose: Callable[[Sequence[Rules], Space, Random], Rules | None]
