"""Prior over productions: the search draws what people use more often than what hardly anyone uses.

A prior over the choices of a grammar as in probabilistic typed genetic programming: Whigham (1995),
"Grammatically-based genetic programming". The weights are fixed, and no score changes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from random import Random
from typing import Generic, Literal, TypeVar

from dsl.generate.productions import Groups, Production
from dsl.terms.operator import Operator
from dsl.types.kinds import BOOL, Kind
from evolve.search.forms import Form, find_form, weigh_form, weigh_symbol

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
        has_forms: whether forms are drawn as often as people use them, or all alike.
        tied: share of the sides of random strategies whose exit is `not` of the entry.
    """

    usual: int
    rare: int
    exotic: int
    has_forms: bool = True
    tied: float = TIED

    def weigh_operator(self, operator: Operator) -> int:
        """Return the weight of an operator."""
        return {"usual": self.usual, "rare": self.rare, "exotic": self.exotic}[operator.usage]

    def weigh_symbol(self, operator: Operator) -> float:
        """Return the factor of the weight of a price or comparison; 1 for any other operator."""
        return weigh_symbol(operator) if self.has_forms else 1.0


PRIORS: dict[PriorName, Prior] = {"usual": Prior(16, 4, 1), "flat": Prior(1, 1, 1, has_forms=False)}
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

    def weigh_group(self, group: Sequence[Production], depth: int) -> float:
        """Return the weight of the productions of an operator: that of the most usual one."""
        return self.prior.weigh_symbol(group[0].operator) * max(
            self.weigh_production(each, depth) for each in group
        )

    def weigh_within_group(
        self, group: Sequence[Production], kind: Kind, depth: int
    ) -> list[float]:
        """Return the weights of the productions of an operator.

        Each form has its share, which its productions divide by their weights.
        """
        weights = [float(self.weigh_production(each, depth)) for each in group]
        if not self.prior.has_forms:
            return weights
        forms = [find_form(each) for each in group]
        totals = defaultdict[Form, float](float)
        for form, weight in zip(forms, weights, strict=True):
            totals[form] += weight
        return [
            weigh_form(form, kind == BOOL) * weight / totals[form]
            for form, weight in zip(forms, weights, strict=True)
        ]

    def build_choices(
        self, groups: Sequence[Sequence[Production]], kind: Kind, depth: int
    ) -> Choices[Choices[Production]]:
        """Return the productions of a kind within a depth, to draw first an operator from."""
        return Choices(
            [Choices(group, self.weigh_within_group(group, kind, depth)) for group in groups],
            [self.weigh_group(group, depth) for group in groups],
        )


class Choices(Generic[T]):
    """Items to draw from in proportion to their weights.

    Attributes:
        items: the items.
        weights: their weights.
    """

    def __init__(self, items: Sequence[T], weights: Sequence[float]) -> None:
        self.items, self.weights = tuple(items), tuple(weights)
        self._limits = list(accumulate(weights))

    def draw(self, rng: Random) -> T:
        """Draw an item."""
        return rng.choices(self.items, cum_weights=self._limits)[0]
