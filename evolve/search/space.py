"""What the search of one experiment may write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from dsl.analysis.catalog import Catalog, catalog
from dsl.analysis.program import Program
from dsl.bars import FIELDS
from dsl.diagnostics import did_you_mean
from dsl.generate.productions import Groups, build_productions
from dsl.syntax.vocabulary import SIDES
from dsl.terms.operator import Operator
from dsl.types.kinds import BOOL, Kind
from evolve.errors import EvolveError

DIRECTIONS = tuple(SIDES)
CACHED_OPERATOR_SETS = 4
ALWAYS_ALLOWED = ("<", "<=", ">", ">=", "==", "!=", "and", "or", "not", "negate")


@dataclass(frozen=True, eq=False)
class Space:
    """The language as one experiment's search may write it.

    Attributes:
        productions: for each kind, its productions grouped by operator.
        directions: of `long` and `short`.
        max_nodes: the size of a strategy as written.
        find: the operators there are.
        operators: those that may be used, beside comparisons, logic and the bar series.
    """

    productions: dict[Kind, Groups]
    directions: tuple[str, ...]
    max_nodes: int
    catalog: Catalog
    operators: tuple[Operator, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process makes its own productions of the operators."""
        return _make_space, (self.operators, self.directions, self.max_nodes, self.catalog)

    @cache  # noqa: B019 - a space lives as long as its run
    def min_depth(self, kind: Kind) -> int:
        """The least depth of a term of a kind."""
        return min(each.depth for group in self.productions[kind] for each in group)

    @cache  # noqa: B019
    def within(self, kind: Kind, depth: int) -> Groups:
        """The productions of a kind that fit a depth, grouped by operator."""
        groups = []
        for group in self.productions[kind]:
            fitting = tuple(each for each in group if each.depth <= depth)
            if fitting:
                groups.append(fitting)
        return tuple(groups)

    @cache  # noqa: B019
    def comparisons(self, depth: int) -> Groups:
        """The productions of a condition that fit a depth, but for those that join several."""
        fitting = self.within(BOOL, depth)
        return tuple(each for each in fitting if each[0].operator.name not in ("and", "or"))

    def rejection_reason(self, program: Program) -> str:
        """Why a program is not one of the space's, in words; empty if it is.

        It may compare as strategies do that people write: more freely than the productions.
        """
        rules = program.rules
        if program.nodes > self.max_nodes:
            return f"it has {program.nodes} nodes; at most {self.max_nodes} are allowed"
        for direction, (entry, _) in SIDES.items():
            if getattr(rules, entry) is not None and direction not in self.directions:
                return f"it goes {direction}; the only direction is {self.directions[0]}"
        allowed = set(self.operators)
        bodies = [each.body for each in program.defines if each not in allowed]
        terms = [*filter(None, rules), *filter(None, bodies)]
        used = (part.operator for term in terms for part in term.walk())
        for operator in used:
            if operator is None or operator in allowed or operator in program.defines:
                continue
            if operator.name not in ALWAYS_ALLOWED and not operator.series:
                return f"it uses `{operator.name}`, which is not among the operators allowed"
        return ""


def build_space(
    operators: Iterable[str] | None = None,
    directions: Sequence[str] = ("long",),
    max_nodes: int = 40,
    known: Catalog | None = None,
) -> Space:
    """The space of an experiment.

    Args:
        operators: names of those to use, beside comparisons, logic and the bar series; None for
            all.
        directions: `long`, `short` or both.
        max_nodes: the size limit.
        known: the operators there are; the built-in ones if not given.

    Raises:
        EvolveError: for an unknown operator.
    """
    known = known or catalog()
    return _make_space(
        tuple(_select_operators(known, operators)), tuple(directions), max_nodes, known
    )


def _make_space(
    operators: tuple[Operator, ...], directions: tuple[str, ...], max_nodes: int, known: Catalog
) -> Space:
    return Space(_build_productions(operators), directions, max_nodes, known, operators)


@lru_cache(CACHED_OPERATOR_SETS)
def _build_productions(operators: tuple[Operator, ...]) -> dict[Kind, Groups]:
    """What can be made of some operators; half a second's work for all of them."""
    return build_productions(operators)


def _select_operators(known: Catalog, operators: Iterable[str] | None) -> list[Operator]:
    if operators is None:
        return list(known)
    always = {"<", ">", "and", "or"}
    wanted = set(always)
    for name in operators:
        found = known.find(name)
        if found is None:
            hint = did_you_mean(name, known.names()) or "`evolve ops` lists them"
            raise EvolveError(f"language.operators: there is no operator `{name}`", hint)
        wanted.add(found.name)
    return [each for each in known if each.name in wanted or each.series in FIELDS]
