"""Space of an experiment: the programs that its search may write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from dsl.analysis.catalog import Catalog, catalog
from dsl.analysis.program import Program, Rules
from dsl.bars import FIELDS
from dsl.diagnostics import did_you_mean
from dsl.generate.productions import (
    HOLD,
    RATIO_OF_PRICE,
    SIZE,
    Constant,
    Groups,
    Production,
    Window,
    build_productions,
)
from dsl.syntax.vocabulary import DIRECTION_ORDERS, DISTANCES, DirectionName
from dsl.terms.operator import Operator
from dsl.terms.series import operator_reads
from dsl.terms.text import format_term
from dsl.types.kinds import BOOL, Kind
from evolve.errors import EvolveError
from evolve.search.prior import DEFAULT_PRIOR, PRIORS, Choices, Prior, Weights

DIRECTIONS = tuple(DIRECTION_ORDERS)
DEFAULT_DIRECTIONS: tuple[DirectionName, ...] = ("long",)
MAX_NODES = 40  # by default
CACHED_OPERATOR_SETS = 4
SETTING_DOMAINS: dict[str, Window | Constant] = {
    "size": SIZE,
    **dict.fromkeys(DISTANCES, RATIO_OF_PRICE),
    "hold": HOLD,
}
NOT_FIXED = Rules()
VOLATILITIES = ("atr", "stdev")  # of which a search writes multiples as distances
ALWAYS_ALLOWED = ("<", "<=", ">", ">=", "==", "!=", "and", "or", "not", "negate")


@dataclass(frozen=True, eq=False)
class Space:
    """Part of the language that an experiment's search may write.

    Attributes:
        productions: the productions of each kind, grouped by operator.
        directions: `long`, `short` or both.
        max_nodes: the maximum size of a strategy as written.
        catalog: all operators.
        operators: the allowed operators, besides comparisons, logic and the bar series.
        fixed: rules that every strategy has, which may exceed the allowed operators.
        prior: the weights of operators by usage.
    """

    productions: dict[Kind, Groups]
    directions: tuple[str, ...]
    max_nodes: int
    catalog: Catalog
    operators: tuple[Operator, ...]
    fixed: Rules
    prior: Prior

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the arguments, from which another process builds the productions."""
        return _create_space, (self.operators, *self._limits)

    def without_series(self, series: str) -> Space:
        """Return the space without a bar series and all operators that read it."""
        operators = tuple(each for each in self.operators if not operator_reads(each, series))
        return _create_space(operators, *self._limits)

    @property
    def _limits(self) -> tuple[tuple[str, ...], int, Catalog, Rules, Prior]:
        """Arguments of the space besides its operators."""
        return self.directions, self.max_nodes, self.catalog, self.fixed, self.prior

    @cached_property
    def weights(self) -> Weights:
        """Weights of the productions by the prior."""
        return Weights(self.productions, self.prior)

    @cached_property
    def volatilities(self) -> tuple[Operator, ...]:
        """Allowed operators of which a stop, trail or target may be a multiple."""
        return tuple(each for each in self.operators if each.name in VOLATILITIES)

    def is_free(self, rule: str) -> bool:
        """Return whether the search may write a rule, which is not fixed."""
        return getattr(self.fixed, rule) is None

    @cache  # noqa: B019 - the space lives as long as its run
    def min_depth(self, kind: Kind) -> int:
        """Return the minimum depth of a term of a kind."""
        return min(each.depth for group in self.productions[kind] for each in group)

    @cache  # noqa: B019
    def within(self, kind: Kind, depth: int) -> Choices[Choices[Production]]:
        """Return the productions of a kind within a depth, by operator."""
        return self._build_choices(kind, depth, ())

    @cache  # noqa: B019
    def comparisons(self, depth: int) -> Choices[Choices[Production]]:
        """Return the productions of a condition within a depth, without `and` and `or`."""
        return self._build_choices(BOOL, depth, ("and", "or"))

    def _build_choices(
        self, kind: Kind, depth: int, without: Collection[str]
    ) -> Choices[Choices[Production]]:
        groups = [
            tuple(each for each in group if each.depth <= depth)
            for group in self.productions[kind]
            if group[0].operator.name not in without
        ]
        return self.weights.build_choices([group for group in groups if group], kind, depth)

    def rejection_reason(self, program: Program) -> str:
        """Return the reason why a program is outside the space; empty if it is inside.

        Comparisons are not restricted to those of the productions. A program may lack fixed rules,
        since they are put in.
        """
        rules = program.rules
        for name, term in self.fixed.named():
            if getattr(rules, name) not in (None, term):
                return f"its `{name}` differs from the fixed one: `{format_term(term)}`"
        if program.nodes > self.max_nodes:
            return f"it has {program.nodes} nodes; at most {self.max_nodes} are allowed"
        for direction, (entry, _) in DIRECTION_ORDERS.items():
            if getattr(rules, entry) is not None and direction not in self.directions:
                return f"it trades {direction}; the only allowed direction is {self.directions[0]}"
        allowed = set(self.operators)
        free = program.change(rules=Rules(**{n: t for n, t in rules.named() if self.is_free(n)}))
        bodies = [each.body for each in free.defines if each not in allowed]
        terms = [*filter(None, free.rules), *filter(None, bodies)]
        used = (part.operator for term in terms for part in term.walk())
        for operator in used:
            if operator is None or operator in allowed or operator in free.defines:
                continue
            if operator.name not in ALWAYS_ALLOWED and not operator.series:
                return f"it uses `{operator.name}`, which is not an allowed operator"
        return ""


def build_space(
    operators: Iterable[str] | None = None,
    directions: Sequence[str] = DEFAULT_DIRECTIONS,
    max_nodes: int = MAX_NODES,
    known: Catalog | None = None,
    fixed: Rules = NOT_FIXED,
    prior: Prior = PRIORS[DEFAULT_PRIOR],
) -> Space:
    """Build the space of an experiment.

    Args:
        operators: names of the allowed operators, besides comparisons, logic and the bar series;
            None for all.
        directions: `long`, `short` or both.
        max_nodes: the maximum size of a strategy.
        known: all operators; None for the built-in ones.
        fixed: rules that every strategy has.
        prior: the weights of operators by usage.

    Raises:
        EvolveError: for an unknown operator.
    """
    known = known or catalog()
    allowed = tuple(select_operators(known, operators))
    return _create_space(allowed, tuple(directions), max_nodes, known, fixed, prior)


def select_operators(known: Catalog, operators: Iterable[str] | None) -> list[Operator]:
    """Return the operators that a search may use: those named, and those of every search.

    Args:
        known: all operators.
        operators: names of the allowed operators; None for all.

    Raises:
        EvolveError: for an unknown operator.
    """
    if operators is None:
        return list(known)
    wanted = {"<", ">", "and", "or"}
    for name in operators:
        operator = known.find(name)
        if operator is None:
            hint = did_you_mean(name, known.names()) or "`evolve ops` lists the operators"
            raise EvolveError(f"language.operators: unknown operator `{name}`", hint)
        wanted.add(operator.name)
    return [each for each in known if each.name in wanted or each.series in FIELDS]


def _create_space(
    operators: tuple[Operator, ...],
    directions: tuple[str, ...],
    max_nodes: int,
    known: Catalog,
    fixed: Rules,
    prior: Prior,
) -> Space:
    productions = _build_productions(operators)
    return Space(productions, directions, max_nodes, known, operators, fixed, prior)


@lru_cache(CACHED_OPERATOR_SETS)
def _build_productions(operators: tuple[Operator, ...]) -> dict[Kind, Groups]:
    """Build the productions of operators, or return the cached ones."""
    return build_productions(operators)
