"""Proofs of order between two values that hold for all bars.

A proven claim holds wherever both values are known. Proofs use the facts that operators declare,
the ranges of kinds, and the rules of arithmetic, `min`, `max` and `where`, through lags and
defines. They are sound and incomplete: a claim that cannot be proven may still be true.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from dsl.budget import Budget
from dsl.terms.bounds import Reach, expand, find_bounds, has_fact
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Parameter, Term

MAX_STEPS, MAX_DEPTH = 2_000, 40  # of a proof; beyond them a claim is left unproven


def at_most(x: Term, y: Term, budget: Budget) -> bool:
    """Return whether `x <= y` is proven for all bars on which both are known."""
    return _Prover(budget).at_most(x, y)


def is_whole(term: Term, budget: Budget) -> bool:
    """Return whether a value is proven to be a whole number wherever it is known."""
    return _Prover(budget).is_whole(term)


def find_range(term: Term, budget: Budget) -> tuple[float, float]:
    """Return the proven minimum and maximum of a value."""
    return _Prover(budget).find_range(term)


class _Prover:
    """Proof search for one claim, which tries each claim once and abandons long searches."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._claims: dict[tuple[object, ...], bool] = {}
        self._depth = 0

    def at_most(self, x: Term, y: Term) -> bool:
        return x is y or self._once((x, y), lambda: self._prove(x, y))

    def is_nonnegative(self, term: Term) -> bool:
        """Return whether a value is proven never to be below 0."""
        return self._once(("nonnegative", term), lambda: self._prove_nonnegative(term))

    def is_whole(self, term: Term) -> bool:
        return self._once(("whole", term), lambda: self._prove_whole(term))

    def _once(self, claim: tuple[object, ...], prove: Callable[[], bool]) -> bool:
        if claim not in self._claims:
            self._claims[claim] = False  # no claim proves itself
            is_short = len(self._claims) <= MAX_STEPS and self._depth < MAX_DEPTH
            if is_short and self._budget.take("proof_steps"):
                self._depth += 1
                self._claims[claim] = prove()
                self._depth -= 1
        return self._claims[claim]

    def find_range(self, x: Term) -> tuple[float, float]:
        """Return the proven minimum and maximum of a value."""
        kind = infer_kind(x)
        if _has_sure_range(x):
            return kind.low, kind.high
        return (0.0 if self.is_nonnegative(x) else -math.inf), math.inf

    def _prove(self, x: Term, y: Term) -> bool:
        if _is_declared_order(x, y) or self.find_range(x)[1] <= self.find_range(y)[0]:
            return True
        x, y = expand(x), expand(y)
        proofs = (self._prove_by_bounds, self._prove_by_parts, self._prove_by_signs)
        return x is y or any(prove(x, y) for prove in proofs)

    def _prove_by_bounds(self, x: Term, y: Term) -> bool:
        a, b = find_bounds(x), find_bounds(y)
        pairs = len(a.over) * len(b.tops) + len(a.bottoms) * (len(b.under) + len(b.tops))
        return self._budget.take("proof_steps", pairs) and (
            any(o.is_within(t) and self._is_ordered(o, t) for o in a.over for t in b.tops)
            or any(u.is_within(o) and self._is_ordered(o, u) for u in b.under for o in a.bottoms)
            or any(o.overlaps(t) and self._is_ordered(o, t) for o in a.bottoms for t in b.tops)
        )

    def _is_ordered(self, x: Reach, y: Reach) -> bool:
        return self.at_most(x.series, y.series)

    def _prove_by_parts(self, x: Term, y: Term) -> bool:
        """Prove order from the arguments of a shared operator, `min`, `max`, `where` or a mean."""
        if x.head == y.head == "negate":
            return self.at_most(y.args[0], x.args[0])
        if x.head == y.head and has_fact(x, "monotone") and x.args[1:] == y.args[1:]:
            return self.at_most(x.args[0], y.args[0])
        if x.head == "min" and any(self.at_most(each, y) for each in x.args):
            return True
        if y.head == "max" and any(self.at_most(x, each) for each in y.args):
            return True
        x_parts, y_parts = _list_parts(x, "max"), _list_parts(y, "min")
        return (bool(x_parts) and all(self.at_most(each, y) for each in x_parts)) or (
            bool(y_parts) and all(self.at_most(x, each) for each in y_parts)
        )

    def _prove_by_signs(self, x: Term, y: Term) -> bool:
        """Prove order from summands, factors, differences and quotients."""
        if y.head == "+" and any(
            self.at_most(x, one) and self.is_nonnegative(other) for one, other in _pair_operands(y)
        ):
            return True
        if x.head == "-" and self.is_nonnegative(x.args[1]) and self.at_most(x.args[0], y):
            return True
        if self._scales(y, 1.0, math.inf, lambda one: self.at_most(x, one)):
            return True
        if self._scales(x, 0.0, 1.0, lambda one: self.at_most(one, y)):
            return True
        (_, x_high), (y_low, _) = self.find_range(x), self.find_range(y)
        if x.head == "-" and y_low >= 0 and self.at_most(*x.args):
            return True
        if y.head == "-" and x_high <= 0 and self.at_most(y.args[1], y.args[0]):
            return True
        if x.head == "/" and y_low >= 1 and self.is_nonnegative(x.args[1]):
            return self.at_most(*x.args)
        if y.head == "/" and x_high <= 1 and self.is_nonnegative(y.args[1]):
            return self.at_most(y.args[1], y.args[0])
        return False

    def _scales(self, term: Term, low: float, high: float, holds: Callable[[Term], bool]) -> bool:
        """Return whether a term is a nonnegative value times a number within limits.

        Args:
            term: the product or quotient.
            low: minimum of the number.
            high: maximum of the number.
            holds: further condition on the value.
        """
        factor = _split_factor(term)
        if factor is None or not low <= factor[1] <= factor[2] <= high:
            return False
        return self.is_nonnegative(factor[0]) and holds(factor[0])

    def _prove_whole(self, term: Term) -> bool:
        term = expand(term)
        if term.value is not None:
            return not isinstance(term.leaf, Parameter) and term.value.is_integer()
        if has_fact(term, "keeps_whole"):
            values = [arg for i, arg in enumerate(term.args) if not _is_window(term, i)]
            return all(map(self.is_whole, values))
        return has_fact(term, "whole")

    def _prove_nonnegative(self, term: Term) -> bool:
        if _has_sure_range(term) and infer_kind(term).low >= 0:
            return True
        term = expand(term)
        if has_fact(term, "nonnegative") or (_has_sure_range(term) and infer_kind(term).low >= 0):
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


def _is_declared_order(x: Term, y: Term) -> bool:
    """Return whether the declarations of two bar series order them."""
    return x.operator is not None and y.head in x.operator.never_above


def _has_sure_range(term: Term) -> bool:
    """Return whether the range of the kind of a term limits all of its values.

    A price minus a distance has the kind of a price, but may be below 0.
    """
    kind = infer_kind(term)
    is_bounded = math.isfinite(kind.low) and math.isfinite(kind.high)
    return bool(term.operator and term.operator.series) or is_bounded or kind.family in (
        "scalar", "oscillator", "count",
    )  # fmt: skip


def _list_parts(term: Term, head: str) -> list[Term]:
    """Return the values between which a value lies: arguments, branches or summands of a mean."""
    if term.head == head:
        return list(term.args)
    if term.head == "where":
        return list(term.args[1:])
    if term.head == "/" and term.args[0].head == "+":
        parts = _list_summands(term.args[0])
        return parts if term.args[1].value == len(parts) else []
    return []


def _list_summands(term: Term) -> list[Term]:
    if term.head != "+":
        return [term]
    return [each for arg in term.args for each in _list_summands(arg)]


def _pair_operands(term: Term) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
    one, other = term.args
    return (one, other), (other, one)


def _split_factor(term: Term) -> tuple[Term, float, float] | None:
    """Return a value and the range of its constant factor; None if it has no such factor."""
    if term.head == "*":
        for one, other in _pair_operands(term):
            if infer_kind(other).family == "scalar":
                return one, infer_kind(other).low, infer_kind(other).high
    if term.head == "/":
        divisor = infer_kind(term.args[1])
        if divisor.family == "scalar" and divisor.low > 0:
            return term.args[0], 1 / divisor.high, 1 / divisor.low
    return None


def _is_window(term: Term, index: int) -> bool:
    return term.operator is not None and term.operator.slot(index).is_window
