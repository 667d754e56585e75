"""Bounds of a value by series on the same bar and earlier bars.

The highest value of a window is at least each value in it. A mean lies between the lowest and the
highest. A lag shifts the bars. Negation swaps the bounds.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, NamedTuple

from dsl.operators.declaration import Fact
from dsl.terms.canonical import substitute
from dsl.terms.folding import fold_at_ends
from dsl.terms.terms import Parameter, Term, call

MAX_NESTING = 40  # windows and lags inside one another


class Reach(NamedTuple):
    """Range of bars of a series; `first` and `last` count bars ago."""

    series: Term
    first: float = 0.0
    last: float = 0.0

    def is_within(self, other: Reach) -> bool:
        """Return whether another reach contains all of these bars."""
        return other.first <= self.first and self.last <= other.last

    def overlaps(self, other: Reach) -> bool:
        """Return whether two reaches have a bar in common."""
        return max(self.first, other.first) <= min(self.last, other.last)


class Bounds(NamedTuple):
    """Bounds of a value.

    Attributes:
        over: reaches whose largest value is at least this value.
        under: reaches whose smallest value is at most this value.
        tops: reaches of which no value exceeds this value.
        bottoms: reaches of which every value is at least this value.
    """

    over: list[Reach]
    under: list[Reach]
    tops: list[Reach]
    bottoms: list[Reach]


def find_bounds(term: Term, depth: int = 0) -> Bounds:
    """Return the bounds of a value.

    Args:
        term: a numeric term.
        depth: number of windows and lags around it.
    """
    itself = [Reach(term)]
    term = expand(term)
    if term.head == "negate":
        return _mirror_bounds(itself, term, depth)
    is_lag, is_maximum = term.head == "lag", has_fact(term, "maximum")
    if not (is_lag or is_maximum or has_fact(term, "mean")) or depth > MAX_NESTING:
        return Bounds(itself, itself, itself, itself)
    x = find_bounds(term.args[0], depth + 1)
    shortest, longest = _find_window_range(term.args[1], 0.0 if is_lag else 1.0)
    if is_lag and shortest < longest:
        return Bounds(itself, itself, itself, itself)
    if is_lag:
        return Bounds(*[_shift(reaches, shortest, shortest) for reaches in x])
    tops = _shift(x.tops, 0, shortest - 1) if is_maximum else []
    return Bounds(
        [*itself, *_shift(x.over, 0, longest - 1)],
        [*itself, *_shift(x.under, 0, longest - 1)],
        [*itself, *tops],
        itself,
    )


def _mirror_bounds(itself: list[Reach], term: Term, depth: int) -> Bounds:
    """Return the bounds of a negation: the opposite bounds of its argument, negated."""
    x = find_bounds(term.args[0], depth)

    def mirror(reaches: list[Reach]) -> list[Reach]:
        mirrored = [each._replace(series=_negate(each.series, term)) for each in reaches]
        return [*itself, *[each for each in mirrored if each.series is not term]]

    return Bounds(mirror(x.under), mirror(x.over), mirror(x.bottoms), mirror(x.tops))


def _negate(series: Term, negation: Term) -> Term:
    """Return the negation of a series, simplified if the series is a negation."""
    if series.operator is negation.operator:
        return series.args[0]
    assert negation.operator is not None
    return call(negation.operator, series)


def find_newest_age(term: Term) -> int:
    """Return how many bars ago the newest bar is that a value depends on."""
    return int(min(each.first for each in find_bounds(term).over))


def has_fact(term: Term, fact: Fact) -> bool:
    """Return whether the outermost operator of a term declares a fact."""
    return term.operator is not None and fact in term.operator.facts


def is_extreme(term: Term, end: Literal["highest", "lowest"]) -> bool:
    """Return whether a value is the highest or lowest of a window."""
    term = expand(term)
    if end == "lowest":
        return term.head == "negate" and is_extreme(term.args[0], "highest")
    return has_fact(term, "maximum")


@lru_cache(4096)
def expand(term: Term) -> Term:
    """Return a term whose outermost operator is a primitive."""
    while term.operator is not None and term.operator.body is not None:
        term = substitute(term.operator.body, term.args)
    return term


def _find_window_range(term: Term, shortest: float) -> tuple[float, float]:
    """Return the minimum and maximum bars of a window or lag."""
    is_computed = term.args and any(isinstance(part.leaf, Parameter) for part in term.walk())
    ends = [] if is_computed else [math.floor(each) for each in fold_at_ends(term)]
    return (max(shortest, min(ends)), max(ends)) if ends else (shortest, math.inf)


def _shift(reaches: list[Reach], first: float, last: float) -> list[Reach]:
    """Return reaches with their ends shifted back by bars, without those that become empty."""
    moved = [Reach(each.series, each.first + first, each.last + last) for each in reaches]
    return [each for each in moved if each.first <= each.last]
