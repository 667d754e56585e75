"""Hall of fame of a search: the best individuals of each size class.

The best by score alone are often near copies of one large program. Size classes preserve the best
small programs too, so that a selection after the search has a choice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evolve.search.individual import Individual

MAX_NODES_BY_SIZE_CLASS = (7, 10, 14, 20)  # a further class has no maximum
MAX_MEMBERS_PER_CLASS = 20


def find_size_class(individual: Individual) -> int:
    """Return the index of the size class of an individual, 0 for the smallest programs."""
    return find_class_of_size(individual.program.nodes)


def find_class_of_size(nodes: int) -> int:
    """Return the index of the size class of programs with a number of nodes."""
    return bisect_left(MAX_NODES_BY_SIZE_CLASS, nodes)


@dataclass(frozen=True)
class HallOfFame:
    """Best feasible individuals of each size class, with distinct scores within a class.

    Attributes:
        members: the individuals, the best first.
    """

    members: tuple[Individual, ...] = ()

    @property
    def best(self) -> Individual | None:
        """Best individual; None if there is none."""
        return self.members[0] if self.members else None

    def add(self, trials: Sequence[Individual]) -> HallOfFame:
        """Return the hall of fame with the best of further trials; an earlier one wins a tie."""
        candidates = [*self.members, *[each for each in trials if each.scores.is_feasible]]
        candidates.sort(key=lambda each: each.fitness.wvalues, reverse=True)  # stable
        members: list[Individual] = []
        scores: set[tuple[int, float]] = set()
        counts: Counter[int] = Counter()
        for each in candidates:
            size_class = find_size_class(each)
            score = (size_class, each.score)
            if counts[size_class] < MAX_MEMBERS_PER_CLASS and score not in scores:
                members.append(each)
                scores.add(score)
                counts[size_class] += 1
        return HallOfFame(tuple(members))
