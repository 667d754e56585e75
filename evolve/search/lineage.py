"""Lineage of the individuals of a search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from evolve.search.individual import Individual


class Origin(NamedTuple):
    """Proposer and parents of a trial."""

    proposer: str
    parents: tuple[str, ...]


class Lineage:
    """Origins of all trials of a search, by hash."""

    def __init__(self) -> None:
        self._origins: dict[str, Origin] = {}

    def add(self, trials: Iterable[Individual]) -> None:
        """Add trials."""
        for each in trials:
            self._origins[each.program.hash] = Origin(each.proposer, each.parents)

    def list_proposers(self, individual: Individual) -> list[str]:
        """Return the proposers of an individual and of all its ancestors, sorted."""
        proposers, waiting, done = {individual.proposer}, [*individual.parents], set[str]()
        while waiting:
            current = waiting.pop()
            if current in done or current not in self._origins:
                continue
            done.add(current)
            origin = self._origins[current]
            proposers.add(origin.proposer)
            waiting.extend(origin.parents)
        return sorted(proposers)
