"""Facts about order: which of two values is never above the other, for any bars.

A claim holds wherever both values are known. It follows from the facts that operators declare,
from the ranges of kinds, and from the laws of arithmetic, `min`, `max` and `where`. All else is
derived from these, through lags and defines. What cannot be derived is not claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from dsl.terms.bounds import Reach, expand, find_bounds, has_fact
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Parameter, Term

MAX_STEPS, MAX_DEPTH = 2_000, 40  # of a derivation, which is given up beyond them


def at_most(x: Term, y: Term) -> bool:
    """Return whether `x <= y` on every bar on which both are known, as far as can be derived."""
    return _Prover().at_most(x, y)


def is_whole(term: Term) -> bool:
    """Return whether a value is a whole number wherever it is known."""
    return _Prover().is_whole(term)


def find_range(term: Term) -> tuple[float, float]:
    """Return the least and the largest value there can be, as far as can be derived."""
    return _Prover().find_range(term)


class _Prover:
    """A derivation of one claim, which tries each claim once and gives up long searches."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], bool] = {}
        self._depth = 0

    def at_most(self, x: Term, y: Term) -> bool:
        return x is y or self._once((x, y), lambda: self._derive(x, y))

    def is_nonnegative(self, term: Term) -> bool:
        """Return whether a value is never below 0."""
        return self._once(("nonnegative", term), lambda: self._derive_nonnegative(term))

    def is_whole(self, term: Term) -> bool:
        return self._once(("whole", term), lambda: self._derive_whole(term))

    def _once(self, claim: tuple[object, ...], derive: Callable[[], bool]) -> bool:
        if claim not in self._known:
            self._known[claim] = False  # no claim is derived from itself
            if len(self._known) <= MAX_STEPS and self._depth < MAX_DEPTH:
                self._depth += 1
                self._known[claim] = derive()
                self._depth -= 1
        return self._known[claim]

    def find_range(self, x: Term) -> tuple[float, float]:
        """Return the least and the largest value there can be."""
        kind = infer_kind(x)
        if _is_sure(x):
            return kind.low, kind.high
        return (0.0 if self.is_nonnegative(x) else -math.inf), math.inf

    def _derive(self, x: Term, y: Term) -> bool:
        if _is_ordered_in_a_bar(x, y) or self.find_range(x)[1] <= self.find_range(y)[0]:
            return True
        x, y = expand(x), expand(y)
        return x is y or self._by_bounds(x, y) or self._by_parts(x, y) or self._by_signs(x, y)

    def _by_bounds(self, x: Term, y: Term) -> bool:
        a, b = find_bounds(x), find_bounds(y)
        return (
            any(o.is_within(t) and self._holds_between(o, t) for o in a.over for t in b.tops)
            or any(u.is_within(o) and self._holds_between(o, u) for u in b.under for o in a.bottoms)
            or any(o.overlaps(t) and self._holds_between(o, t) for o in a.bottoms for t in b.tops)
        )

    def _holds_between(self, x: Reach, y: Reach) -> bool:
        return self.at_most(x.series, y.series)

    def _by_parts(self, x: Term, y: Term) -> bool:
        """Derive it from the arguments of a shared operator, of `min`, `max`, `where` and means."""
        if x.head == y.head == "negate":
            return self.at_most(y.args[0], x.args[0])
        if x.head == y.head and has_fact(x, "monotone") and x.args[1:] == y.args[1:]:
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
        """Derive it from summands and factors, and from differences and quotients."""
        if y.head == "+" and any(
            self.at_most(x, one) and self.is_nonnegative(other) for one, other in _pairs(y)
        ):
            return True
        if x.head == "-" and self.is_nonnegative(x.args[1]) and self.at_most(x.args[0], y):
            return True
        if _factor(y) is not None and self._scales(
            y, 1.0, math.inf, lambda one: self.at_most(x, one)
        ):
            return True
        if _factor(x) is not None and self._scales(x, 0.0, 1.0, lambda one: self.at_most(one, y)):
            return True
        (_, most), (least, _) = self.find_range(x), self.find_range(y)
        if x.head == "-" and least >= 0 and self.at_most(*x.args):
            return True
        if y.head == "-" and most <= 0 and self.at_most(y.args[1], y.args[0]):
            return True
        if x.head == "/" and least >= 1 and self.is_nonnegative(x.args[1]):
            return self.at_most(*x.args)
        if y.head == "/" and most <= 1 and self.is_nonnegative(y.args[1]):
            return self.at_most(y.args[1], y.args[0])
        return False

    def _scales(self, term: Term, low: float, high: float, holds: Callable[[Term], bool]) -> bool:
        """Return whether a term is a nonnegative value times a number from `low` to `high`.

        `holds` must be true of that value.
        """
        factor = _factor(term)
        if factor is None or not low <= factor[1] <= factor[2] <= high:
            return False
        return self.is_nonnegative(factor[0]) and holds(factor[0])

    def _derive_whole(self, term: Term) -> bool:
        term = expand(term)
        if term.value is not None:
            return not isinstance(term.leaf, Parameter) and term.value.is_integer()
        if has_fact(term, "keeps_whole"):
            values = [arg for i, arg in enumerate(term.args) if not _is_window(term, i)]
            return all(map(self.is_whole, values))
        return has_fact(term, "whole")

    def _derive_nonnegative(self, term: Term) -> bool:
        if _is_sure(term) and infer_kind(term).low >= 0:
            return True
        term = expand(term)
        if has_fact(term, "nonnegative") or (_is_sure(term) and infer_kind(term).low >= 0):
            return True
        if has_fact(term, "keeps_sign"):
            return self.is_nonnegative(term.args[0])
        if term.head == "negate":
            return any(self.is_nonnegative(each.series) for each in find_bounds(term).under)
        if term.head in ("+", "*", "/", "min"):
            is_square = term.head == "*" and term.args[0] is term.args[1]
            return is_square or all(map(self.is_nonnegative, term.args))
        if term.head == "max":
            return any(map(self.is_nonnegative, term.args))
        if term.head == "where":
            return all(map(self.is_nonnegative, term.args[1:]))
        return term.head == "-" and self.at_most(term.args[1], term.args[0])


def _is_ordered_in_a_bar(x: Term, y: Term) -> bool:
    """Return whether two prices of one bar are in order by their declarations."""
    return x.operator is not None and y.head in x.operator.never_above


def _is_sure(term: Term) -> bool:
    """Return whether the range of a value's kind holds for each of its values.

    A price less a distance is a price to the type system, and may still be below 0.
    """
    kind = infer_kind(term)
    is_bounded = math.isfinite(kind.low) and math.isfinite(kind.high)
    return bool(term.operator and term.operator.series) or is_bounded or kind.family in (
        "scalar", "oscillator", "count",
    )  # fmt: skip


def _parts(term: Term, joined_by: str) -> list[Term]:
    """Return the values between which a value lies: branches, arguments, summands of a mean."""
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
            if infer_kind(other).family == "scalar":
                return one, infer_kind(other).low, infer_kind(other).high
    if term.head == "/":
        by = infer_kind(term.args[1])
        if by.family == "scalar" and by.low > 0:
            return term.args[0], 1 / by.high, 1 / by.low
    return None


def _is_window(term: Term, index: int) -> bool:
    return term.operator is not None and term.operator.slot(index).is_window
