"""Hall of fame of a search: the best individuals of each size class and of each niche of behavior.

The best by score alone are often near copies of one large program. Size classes preserve the best
small programs too, and niches those that trade otherwise, so that a selection after the search has
a choice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from evolve.search.individual import Individual
from evolve.search.niche import Niche
from evolve.search.options import DEFAULT_OPTIONS

MAX_NODES_BY_SIZE_CLASS = (7, 10, 14, 20)  # a further class has no maximum
MAX_MEMBERS_PER_CLASS = 20

Group = TypeVar("Group", bound=Hashable)


def find_size_class(individual: Individual) -> int:
    """Return the index of the size class of an individual, 0 for the smallest programs."""
    return find_class_of_size(individual.program.nodes)


def find_class_of_size(nodes: int) -> int:
    """Return the index of the size class of programs with a number of nodes."""
    return bisect_left(MAX_NODES_BY_SIZE_CLASS, nodes)


@dataclass(frozen=True)
class HallOfFame:
    """Best feasible individuals of each size class and niche, with distinct scores within each.

    Attributes:
        members: the individuals, the best first.
    """

    members: tuple[Individual, ...] = ()

    @property
    def best(self) -> Individual | None:
        """Best individual; None if there is none."""
        return self.members[0] if self.members else None

    def add(
        self,
        trials: Sequence[Individual],
        niche_members: int = DEFAULT_OPTIONS.niche_members,
    ) -> HallOfFame:
        """Return the hall of fame with the best of further trials; an earlier one wins a tie.

        Args:
            trials: the trials.
            niche_members: number of members of each niche.
        """
        candidates = [*self.members, *[each for each in trials if each.scores.is_feasible]]
        candidates.sort(key=lambda each: each.fitness.wvalues, reverse=True)  # stable
        of_class = _Places[int](MAX_MEMBERS_PER_CLASS)
        of_niche = _Places[Niche](niche_members)
        members = []
        for each in candidates:
            admitted = (
                of_class.admit(find_size_class(each), each.score),
                of_niche.admit(each.niche, each.score),
            )
            if any(admitted):
                members.append(each)
        return HallOfFame(tuple(members))


class _Places(Generic[Group]):
    """Places of each group for distinct scores, in the order of their admission."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._scores: dict[Group, set[float]] = {}

    def admit(self, group: Group, score: float) -> bool:
        """Take a place of a group; return whether there was one for the score."""
        scores = self._scores.setdefault(group, set())
        if len(scores) >= self._maximum or score in scores:
            return False
        scores.add(score)
        return True
