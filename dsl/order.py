"""Facts about order: which of two values is never above the other, for any bars.

A claim holds wherever both values are known. It follows from a few facts: a bar's low is at most
its open and close, and these are at most its high; a window's highest value is at least each value
in it, its lowest at most, its mean between them; prices and volumes are never below 0. All else is
derived from these, through lags, defines and arithmetic. What cannot be derived is not claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from dsl.judge import kind_of
from dsl.simplify import fold_at_ends, substitute
from dsl.terms import Parameter, Term

IN_A_BAR = {("low", "open"), ("low", "close"), ("open", "high"), ("close", "high"), ("low", "high")}
MEANS = ("sma", "wma", "quantile")  # between the lowest and the highest of their window
RISING = (*MEANS, "sum")  # of a series that is never above another, never above the other's
NOT_NEGATIVE = ("stdev", "mad", "sqrt", "exp")
SIGN_PRESERVING = (
    "sma",
    "wma",
    "ema",
    "rma",
    "kama",
    "sum",
    "quantile",
    "highest",
    "lowest",
    "lag",
)
WHOLE = (
    "count", "bars_since", "consecutive", "highest_bar", "lowest_bar", "weekday", "month",
    "day_of_month", "sign", "floor",
)  # fmt: skip
WHOLE_PRESERVING = ("+", "-", "*", "negate", "abs", "min", "max", "lag", "highest", "lowest", "sum")
MAX_STEPS, MAX_DEPTH = 2_000, 40


class Reach(NamedTuple):
    """A series on some bars, from the first to the last of them, counted in bars ago."""

    series: Term
    first: float = 0.0
    last: float = 0.0


class Bounds(NamedTuple):
    """What is known of a value from series on bars at and before its own.

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


def at_most(x: Term, y: Term) -> bool:
    """Return whether `x <= y` on every bar on which both are known, as far as can be derived."""
    return _Prover().at_most(x, y)


def is_whole(term: Term) -> bool:
    """Return whether a value is a whole number wherever it is known."""
    return _Prover().is_whole(term)


def ends_of(term: Term) -> tuple[float, float]:
    """Return the least and the largest value there can be, as far as can be derived."""
    return _Prover().ends(term)


def starts_at(term: Term) -> int:
    """Return how many bars ago the newest bar lies that a value depends on."""
    return int(min(each.first for each in bounds(term).over))


def bounds(term: Term, depth: int = 0) -> Bounds:
    """Return what a value lies between."""
    itself = [Reach(term)]
    term = _written_out(term)
    if term.head not in (*MEANS, "lag", "highest", "lowest") or depth > MAX_DEPTH:
        return Bounds(itself, itself, itself, itself)
    x = bounds(term.args[0], depth + 1)
    least, most = _ends_of_window(term.args[1], 0.0 if term.head == "lag" else 1.0)
    if term.head == "lag" and least < most:
        return Bounds(itself, itself, itself, itself)
    if term.head == "lag":
        back = _shift(least, least)
        return Bounds(back(x.over), back(x.under), back(x.tops), back(x.bottoms))
    far, near = _shift(0, most - 1), _shift(0, least - 1)
    over, under = [*itself, *far(x.over)], [*itself, *far(x.under)]
    tops = near(x.tops) if term.head == "highest" else []
    bottoms = near(x.bottoms) if term.head == "lowest" else []
    return Bounds(over, under, [*itself, *tops], [*itself, *bottoms])


class _Prover:
    """Derives one claim; what was tried is not tried again, and long searches are given up."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], bool] = {}
        self._depth = 0

    def at_most(self, x: Term, y: Term) -> bool:
        return x is y or self._once((x, y), lambda: self._derive(x, y))

    def is_positive(self, term: Term) -> bool:
        """Return whether a value is never below 0."""
        return self._once(("positive", term), lambda: self._derive_positive(term))

    def is_whole(self, term: Term) -> bool:
        return self._once(("whole", term), lambda: self._derive_whole(term))

    def _once(self, claim: tuple[object, ...], derive: Callable[[], bool]) -> bool:
        if claim not in self._known:
            self._known[claim] = False  # while it is tried
            if len(self._known) <= MAX_STEPS and self._depth < MAX_DEPTH:
                self._depth += 1
                self._known[claim] = derive()
                self._depth -= 1
        return self._known[claim]

    def ends(self, x: Term) -> tuple[float, float]:
        """Return the least and the largest value there can be."""
        kind = kind_of(x)
        if _is_sure(x):
            return kind.low, kind.high
        return (0.0 if self.is_positive(x) else -math.inf), math.inf

    def _derive(self, x: Term, y: Term) -> bool:
        if (x.head, y.head) in IN_A_BAR or self.ends(x)[1] <= self.ends(y)[0]:
            return True
        x, y = _written_out(x), _written_out(y)
        return x is y or self._by_bounds(x, y) or self._by_parts(x, y) or self._by_signs(x, y)

    def _by_bounds(self, x: Term, y: Term) -> bool:
        a, b = bounds(x), bounds(y)
        return (
            any(_within(o, t) and self._base(o, t) for o in a.over for t in b.tops)
            or any(_within(u, o) and self._base(o, u) for u in b.under for o in a.bottoms)
            or any(_meet(o, t) and self._base(o, t) for o in a.bottoms for t in b.tops)
        )

    def _base(self, x: Reach, y: Reach) -> bool:
        return self.at_most(x.series, y.series)

    def _by_parts(self, x: Term, y: Term) -> bool:
        """From the arguments of one operator over both, of `min`, `max` and `where`, of a mean."""
        if x.head == y.head and x.head in RISING and x.args[1:] == y.args[1:]:
            return self.at_most(x.args[0], y.args[0])
        if x.head == "min" and any(self.at_most(each, y) for each in x.args):
            return True
        if y.head == "max" and any(self.at_most(x, each) for each in y.args):
            return True
        of_x, of_y = _parts(x, "max"), _parts(y, "min")
        return (bool(of_x) and all(self.at_most(each, y) for each in of_x)) or (
            bool(of_y) and all(self.at_most(x, each) for each in of_y)
        )

    def _by_signs(self, x: Term, y: Term) -> bool:
        """From what is added, taken away, or multiplied by, and from differences and quotients."""
        if y.head == "+" and any(
            self.at_most(x, one) and self.is_positive(other) for one, other in _pairs(y)
        ):
            return True
        if x.head == "-" and self.is_positive(x.args[1]) and self.at_most(x.args[0], y):
            return True
        if _factor(y) is not None and self._scales(
            y, 1.0, math.inf, lambda one: self.at_most(x, one)
        ):
            return True
        if _factor(x) is not None and self._scales(x, 0.0, 1.0, lambda one: self.at_most(one, y)):
            return True
        (_, most), (least, _) = self.ends(x), self.ends(y)
        if x.head == "-" and least >= 0 and self.at_most(*x.args):
            return True
        if y.head == "-" and most <= 0 and self.at_most(y.args[1], y.args[0]):
            return True
        if x.head == "/" and least >= 1 and self.is_positive(x.args[1]):
            return self.at_most(*x.args)
        if y.head == "/" and most <= 1 and self.is_positive(y.args[1]):
            return self.at_most(y.args[1], y.args[0])
        return False

    def _scales(self, term: Term, low: float, high: float, holds: Callable[[Term], bool]) -> bool:
        """Return whether a value is one that is not negative, times a number between two."""
        factor = _factor(term)
        if factor is None or not low <= factor[1] <= factor[2] <= high:
            return False
        return self.is_positive(factor[0]) and holds(factor[0])

    def _derive_whole(self, term: Term) -> bool:
        term = _written_out(term)
        if term.value is not None:
            return not isinstance(term.leaf, Parameter) and term.value.is_integer()
        if term.head in WHOLE_PRESERVING:
            values = [arg for i, arg in enumerate(term.args) if not _is_window(term, i)]
            return all(map(self.is_whole, values))
        return term.head in WHOLE

    def _derive_positive(self, term: Term) -> bool:
        if _is_sure(term) and kind_of(term).low >= 0:
            return True
        term = _written_out(term)
        if term.head in NOT_NEGATIVE or (_is_sure(term) and kind_of(term).low >= 0):
            return True
        if term.head in SIGN_PRESERVING:
            return self.is_positive(term.args[0])
        if term.head in ("+", "*", "/", "min"):
            is_square = term.head == "*" and term.args[0] is term.args[1]
            return is_square or all(map(self.is_positive, term.args))
        if term.head == "max":
            return any(map(self.is_positive, term.args))
        if term.head == "where":
            return all(map(self.is_positive, term.args[1:]))
        return term.head == "-" and self.at_most(term.args[1], term.args[0])


def _is_sure(term: Term) -> bool:
    """Return whether the range of a value's kind holds for each of its values.

    A price less a distance is a price to the type system, and may still be below 0.
    """
    kind = kind_of(term)
    is_bounded = math.isfinite(kind.low) and math.isfinite(kind.high)
    return bool(term.operator and term.operator.series) or is_bounded or kind.family in (
        "scalar", "oscillator", "count",
    )  # fmt: skip


def _written_out(term: Term) -> Term:
    """Return a term whose outermost operator is a primitive."""
    while term.operator is not None and term.operator.body is not None:
        term = substitute(term.operator.body, term.args)
    return term


def _parts(term: Term, joined_by: str) -> list[Term]:
    """Return what a value lies between: branches, arguments, or the terms of a plain mean."""
    if term.head == joined_by:
        return list(term.args)
    if term.head == "where":
        return list(term.args[1:])
    if term.head == "/" and term.args[0].head == "+":
        parts = _added(term.args[0])
        return parts if term.args[1].value == len(parts) else []
    return []


def _added(term: Term) -> list[Term]:
    return [each for arg in term.args for each in _added(arg)] if term.head == "+" else [term]


def _pairs(term: Term) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
    one, other = term.args
    return (one, other), (other, one)


def _factor(term: Term) -> tuple[Term, float, float] | None:
    """Return a value and the ends of the number it is multiplied by; None if there is none."""
    if term.head == "*":
        for one, other in _pairs(term):
            if kind_of(other).family == "scalar":
                return one, kind_of(other).low, kind_of(other).high
    if term.head == "/":
        by = kind_of(term.args[1])
        if by.family == "scalar" and by.low > 0:
            return term.args[0], 1 / by.high, 1 / by.low
    return None


def _is_window(term: Term, index: int) -> bool:
    return term.operator is not None and term.operator.slot(index).is_window


def _ends_of_window(term: Term, least: float) -> tuple[float, float]:
    """Return the least and the most bars that a window may have."""
    is_computed = term.args and any(isinstance(part.leaf, Parameter) for part in term.walk())
    ends = [] if is_computed else [math.floor(each) for each in fold_at_ends(term)]
    return (max(least, min(ends)), max(ends)) if ends else (least, math.inf)


def _shift(first: float, last: float) -> Callable[[list[Reach]], list[Reach]]:
    """Return what moves the ends of reaches; those that become empty are left out."""

    def shifted(reaches: list[Reach]) -> list[Reach]:
        moved = [Reach(each.series, each.first + first, each.last + last) for each in reaches]
        return [each for each in moved if each.first <= each.last]

    return shifted


def _within(inner: Reach, outer: Reach) -> bool:
    return outer.first <= inner.first and inner.last <= outer.last


def _meet(one: Reach, other: Reach) -> bool:
    return max(one.first, other.first) <= min(one.last, other.last)
