"""Prior over productions: the search draws what people use more often than what hardly anyone uses.

A prior over the choices of a grammar as in probabilistic typed genetic programming: Whigham (1995),
"Grammatically-based genetic programming". The weights are fixed, and no score changes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeVar

from dsl.generate.productions import Groups, Production
from dsl.terms.operator import Operator
from dsl.types.kinds import Kind

TIED = 0.5  # by default
PriorName = Literal["usual", "flat"]
T = TypeVar("T")


@dataclass(frozen=True)
class Prior:
    """Weights of operators by usage, as whole numbers, and the share of tied sides.

    Attributes:
        usual: weight of a usual operator.
        rare: weight of a rare one.
        exotic: weight of an exotic one.
        tied: share of the sides of random strategies whose exit is `not` of the entry.
    """

    usual: int
    rare: int
    exotic: int
    tied: float = TIED

    def weigh_operator(self, operator: Operator) -> int:
        """Return the weight of an operator."""
        return {"usual": self.usual, "rare": self.rare, "exotic": self.exotic}[operator.usage]


PRIORS: dict[PriorName, Prior] = {"usual": Prior(16, 4, 1), "flat": Prior(1, 1, 1)}
DEFAULT_PRIOR: PriorName = "usual"


class Weights:
    """Weights of productions: a production weighs as much as the least usual operator it needs.

    A comparison of two skewnesses is as exotic as `skew`, although `<` is usual. A kind weighs as
    much as the most usual production that builds it within a depth: within one level a signed
    volume can only be `ad`, within two it can be a difference of volumes.
    """

    def __init__(self, productions: Mapping[Kind, Groups], prior: Prior) -> None:
        self.productions = productions
        self.prior = prior
        self._kinds: dict[tuple[Kind, int], int] = {}

    def weigh_production(self, production: Production, depth: int) -> int:
        """Return the weight of a production that builds a term within a depth."""
        series = [each for each in production.domains if isinstance(each, Kind)]
        inner = [self.weigh_kind(kind, depth - 1) for kind in series]
        return min([self.prior.weigh_operator(production.operator), *inner])

    def weigh_kind(self, kind: Kind, depth: int) -> int:
        """Return the weight of a kind within a depth."""
        if (kind, depth) not in self._kinds:
            productions = chain.from_iterable(self.productions[kind])
            self._kinds[kind, depth] = max(
                self.weigh_production(each, depth) for each in productions if each.depth <= depth
            )
        return self._kinds[kind, depth]

    def build_tables(self, groups: Groups, depth: int) -> Groups:
        """Return groups to draw from uniformly: each production occurs in proportion to its weight.

        So does each group, whose weight is that of its most usual production. A uniform draw is as
        fast as one without weights, and equal weights leave the groups unchanged.
        """
        weights = [[self.weigh_production(each, depth) for each in group] for group in groups]
        tables = [repeat_by_weight(*pair) for pair in zip(groups, weights, strict=True)]
        return repeat_by_weight(tables, [max(each) for each in weights])


def repeat_by_weight(items: Sequence[T], weights: Sequence[int]) -> tuple[T, ...]:
    """Return the items, each repeated in proportion to its weight, in order."""
    unit = math.gcd(*weights)
    pairs = zip(items, weights, strict=True)
    return tuple(item for item, weight in pairs for _ in range(weight // unit))
