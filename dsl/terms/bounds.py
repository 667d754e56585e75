"""Bounds of a value: series that it is never above, or never below, on bars at and before its own.

The highest value of a window is at least each value in it. A mean lies between the lowest and the
highest. A lag moves the bars. A change of sign swaps the bounds.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from dsl.operators.declaration import Fact
from dsl.terms.canonical import fold_at_ends, substitute
from dsl.terms.terms import Parameter, Term, call

MAX_NESTING = 40  # of windows and lags that are looked through


class Reach(NamedTuple):
    """A series on some bars, from the first to the last of them, counted in bars ago."""

    series: Term
    first: float = 0.0
    last: float = 0.0

    def is_within(self, other: Reach) -> bool:
        """Return whether all of these bars are among those of another reach."""
        return other.first <= self.first and self.last <= other.last

    def overlaps(self, other: Reach) -> bool:
        """Return whether one of these bars is among those of another reach."""
        return max(self.first, other.first) <= min(self.last, other.last)


class Bounds(NamedTuple):
    """The bounds of a value by series on bars at and before its own.

    Attributes:
        over: the value is at most the largest of each of these.
        under: the value is at least the smallest of each of these.
        tops: the value is at least every one of these.
        bottoms: the value is at most every one of these.
    """

    over: list[Reach]
    under: list[Reach]
    tops: list[Reach]
    bottoms: list[Reach]


def find_bounds(term: Term, depth: int = 0) -> Bounds:
    """Return the bounds of a value.

    Args:
        term: a number.
        depth: how many windows and lags it is nested in.
    """
    own = [Reach(term)]
    term = expand(term)
    if term.head == "negate":
        return _mirror_bounds(own, term, depth)
    is_lag, is_maximum = term.head == "lag", has_fact(term, "maximum")
    if not (is_lag or is_maximum or has_fact(term, "mean")) or depth > MAX_NESTING:
        return Bounds(own, own, own, own)
    x = find_bounds(term.args[0], depth + 1)
    shortest, longest = _find_window_range(term.args[1], 0.0 if is_lag else 1.0)
    if is_lag and shortest < longest:
        return Bounds(own, own, own, own)
    if is_lag:
        return Bounds(*[_shift(reaches, shortest, shortest) for reaches in x])
    tops = _shift(x.tops, 0, shortest - 1) if is_maximum else []
    return Bounds(
        [*own, *_shift(x.over, 0, longest - 1)],
        [*own, *_shift(x.under, 0, longest - 1)],
        [*own, *tops],
        own,
    )


def _mirror_bounds(own: list[Reach], term: Term, depth: int) -> Bounds:
    """Return the bounds of a value with its sign changed: the other bounds of the value itself."""
    x = find_bounds(term.args[0], depth)

    def mirror(reaches: list[Reach]) -> list[Reach]:
        mirrored = [each._replace(series=_negate(each.series, term)) for each in reaches]
        return [*own, *[each for each in mirrored if each.series is not term]]

    return Bounds(mirror(x.under), mirror(x.over), mirror(x.bottoms), mirror(x.tops))


def _negate(series: Term, negation: Term) -> Term:
    """Return a series with its sign changed, by the operator of a negation."""
    if series.operator is negation.operator:
        return series.args[0]
    assert negation.operator is not None
    return call(negation.operator, series)


def find_newest_age(term: Term) -> int:
    """Return the age, in bars ago, of the newest bar that a value depends on."""
    return int(min(each.first for each in find_bounds(term).over))


def has_fact(term: Term, fact: Fact) -> bool:
    """Return whether the declaration of a term's outermost operator states a fact."""
    return term.operator is not None and fact in term.operator.facts


def is_extreme(term: Term, end: Literal["highest", "lowest"]) -> bool:
    """Return whether a value is the highest, or the lowest, of a window."""
    term = expand(term)
    if end == "lowest":
        return term.head == "negate" and is_extreme(term.args[0], "highest")
    return has_fact(term, "maximum")


def expand(term: Term) -> Term:
    """Return a term whose outermost operator is a primitive."""
    while term.operator is not None and term.operator.body is not None:
        term = substitute(term.operator.body, term.args)
    return term


def _find_window_range(term: Term, shortest: float) -> tuple[float, float]:
    """Return the least and the most bars that a window or lag may have."""
    is_computed = term.args and any(isinstance(part.leaf, Parameter) for part in term.walk())
    ends = [] if is_computed else [math.floor(each) for each in fold_at_ends(term)]
    return (max(shortest, min(ends)), max(ends)) if ends else (shortest, math.inf)


def _shift(reaches: list[Reach], first: float, last: float) -> list[Reach]:
    """Return reaches with both ends moved back by bars, without those that become empty."""
    moved = [Reach(each.series, each.first + first, each.last + last) for each in reaches]
    return [each for each in moved if each.first <= each.last]
