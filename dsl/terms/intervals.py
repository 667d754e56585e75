"""Decisions by ranges: conditions that never change, contradict or imply one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from dsl.budget import Budget
from dsl.operators.rounding import exceeds
from dsl.syntax.precedence import write_call, write_number
from dsl.terms.bounds import find_newest_age, is_extreme
from dsl.terms.inequalities import at_most, find_range, is_whole
from dsl.terms.infer import infer_kind, list_mismatches
from dsl.terms.terms import Number, Parameter, Term
from dsl.terms.text import format_for_message, write_for_message
from dsl.types.kinds import INF

Verdict = Literal["never", "always", ""]
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
COMPARISONS = (*MIRRORED, "==", "!=")
PRICES = {"open", "high", "low", "close"}
WHOLE_TOLERANCE = 1e-9
MAX_NODES, MAX_DEPTH = 500, 60  # a larger comparison is left undecided


class Interval(NamedTuple):
    """Values between two ends; an open end is excluded."""

    low: float = -INF
    high: float = INF
    is_open_low: bool = False
    is_open_high: bool = False

    @property
    def is_empty(self) -> bool:
        """True if no value lies in the interval."""
        is_open = self.is_open_low or self.is_open_high
        return self.low > self.high or (self.low == self.high and is_open)

    def is_within(self, other: Interval) -> bool:
        """Return whether another interval contains this one."""
        below = (self.low, self.is_open_low) >= (other.low, other.is_open_low)
        above = (self.high, not self.is_open_high) <= (other.high, not other.is_open_high)
        return self.is_empty or (below and above)

    def intersect(self, other: Interval) -> Interval:
        """Return the values common to both intervals."""
        low = max((self.low, self.is_open_low), (other.low, other.is_open_low))
        high = min((self.high, not self.is_open_high), (other.high, not other.is_open_high))
        return Interval(low[0], high[0], low[1], not high[1])


class Decision(NamedTuple):
    """Decision on a comparison, independent of the bars.

    Attributes:
        verdict: `never` if it never holds, `always` if it holds wherever both sides are known.
        reason: the deciding fact; empty if the hint names the range of a side.
        hint: suggested fix.
    """

    verdict: Verdict
    reason: str
    hint: str


def decide(term: Term, budget: Budget) -> Decision | None:
    """Return the decision on a comparison by the ranges and order of its sides, if any."""
    if term.head not in COMPARISONS or term.size > MAX_NODES or term.depth > MAX_DEPTH:
        return None
    if not budget.take("proof_steps", term.size):
        return None
    left, right = term.args
    if infer_kind(left).family == infer_kind(right).family == "scalar":
        return None
    if any(True for arg in term.args for _ in list_mismatches(arg)):
        return None  # a value that mixes unlike kinds has no meaningful range
    if left is right:
        verdict: Verdict = "always" if term.head in ("<=", ">=", "==") else "never"
        hint = f"compare it with another value, such as `{_format_lag(left, 1)}`"
        return Decision(verdict, f"`{format_for_message(left)}` is compared with itself", hint)
    if term.head in ("==", "!="):
        return _decide_equality(term, budget)
    return _decide_order(term, budget)


def _decide_equality(term: Term, budget: Budget) -> Decision | None:
    left, right = term.args
    verdict: Verdict = "never" if term.head == "==" else "always"
    left_low, left_high = find_range(left, budget)
    right_low, right_high = find_range(right, budget)
    if exceeds(left_low, right_high) or exceeds(right_low, left_high):
        return _decide_by_range(verdict, left, right, budget)
    for side, other in ((left, right), (right, left)):
        value = side.value if isinstance(side.leaf, Number) else None
        if (
            value is not None
            and abs(value - round(value)) > WHOLE_TOLERANCE
            and is_whole(other, budget)
        ):
            reason = f"`{format_for_message(other)}` is a whole number"
            return Decision(verdict, reason, f"compare with one, such as {round(value)}")
    return None


def _decide_order(term: Term, budget: Budget) -> Decision | None:
    lower, upper = term.args if term.head in ("<", "<=") else reversed(term.args)
    is_strict = term.head in ("<", ">")
    lower_low, lower_high = find_range(lower, budget)
    upper_low, upper_high = find_range(upper, budget)
    if exceeds(lower_low, upper_high) or (is_strict and lower_low >= upper_high):
        return _decide_by_range("never", lower, upper, budget)
    if exceeds(upper_low, lower_high) or (not is_strict and lower_high <= upper_low):
        return _decide_by_range("always", lower, upper, budget)
    if is_strict and at_most(upper, lower, budget):
        return _decide_by_order("never", term, upper, lower)
    if not is_strict and at_most(lower, upper, budget):
        return _decide_by_order("always", term, lower, upper)
    return None


def _decide_by_order(verdict: Verdict, term: Term, lower: Term, upper: Term) -> Decision:
    """Return a verdict with the deciding order and the window or bar that causes it."""
    left, right = term.args
    side = "above" if left is lower else "below"
    reason = f"`{format_for_message(left)}` is never {side} `{format_for_message(right)}`"
    top, bottom = _find_window(upper, "highest"), _find_window(lower, "lowest")
    window = top or bottom or _find_window(lower, "highest") or _find_window(upper, "lowest")
    if window is not None:
        age = find_newest_age(lower if top else upper) if top or bottom else 0
        bar = "that bar" if age else "this bar"
        which = "which" if window is right else f"as `{format_for_message(window)}`"
        reason += f", {which} includes {bar}"
        return Decision(verdict, reason, f"compare with `{_format_lag(window, age + 1)}`")
    if {part.head for part in term.walk()} & PRICES:
        return Decision(verdict, reason, "a bar's prices lie between its low and its high")
    return Decision(verdict, reason, "compare it with a value that it can cross")


def _format_lag(term: Term, bars: int) -> str:
    return write_call("lag", [write_for_message(term), write_number(str(bars))]).text


def _find_window(term: Term, end: Literal["highest", "lowest"]) -> Term | None:
    """Return the first unlagged window in a term whose extreme the term takes."""
    if is_extreme(term, end):
        return term
    parts = () if term.head == "lag" else term.args
    if is_extreme(term, "lowest") and term.head == "negate":
        parts = parts[0].args  # `lowest(x, n)` is `-highest(-x, n)`
    return next((window for part in parts if (window := _find_window(part, end))), None)


def _decide_by_range(verdict: Verdict, left: Term, right: Term, budget: Budget) -> Decision:
    """Return a verdict with the range of the side that is not a constant."""
    side = right if infer_kind(left).family == "scalar" else left
    low, high = find_range(side, budget)
    if low == 0 and high == INF:
        reason = f"`{format_for_message(side)}` is never below 0"
        return Decision(verdict, reason, "compare it with a value that it can cross")
    return Decision(verdict, "", f"its values lie between {low:g} and {high:g}")


def find_impossible_part(term: Term) -> str:
    """Return which values of a param can never matter in a comparison; empty if all can."""
    for index, arg in enumerate(term.args):
        param = arg.leaf
        if not isinstance(param, Parameter) or param.low is None or param.high is None:
            continue
        scale = infer_kind(term.args[1 - index])
        if scale.family == "scalar":
            continue
        beyond = [f"above {scale.high:g}"] if param.high > scale.high else []
        beyond += [f"below {scale.low:g}"] if param.low < scale.low else []
        if beyond:
            return f"`{param.name}` may be {' or '.join(beyond)}"
    return ""


def find_contradiction(condition: Term, budget: Budget) -> Decision | None:
    """Return why a canonical condition cannot hold; None if it can."""
    if condition.head == "or":
        contradictions = [find_contradiction(part, budget) for part in condition.args]
        return contradictions[0] if all(contradictions) else None
    if condition.head == "and":
        for part in condition.args:
            contradiction = find_contradiction(part, budget)
            if contradiction is not None:
                return contradiction
        for term, interval in _find_intervals(condition).items():
            if interval.is_empty:
                reason = f"the bounds of `{format_for_message(term)}` contradict each other"
                return Decision("never", reason, "did you mean `or`?")
        return None
    decision = decide(condition, budget)
    if decision is None or decision.verdict != "never":
        return None
    return decision._replace(
        reason=decision.reason or f"`{format_for_message(condition)}` is never true"
    )


def implies(condition: Term, other: Term, budget: Budget) -> bool:
    """Return whether `condition` provably implies `other`; both are canonical."""
    if condition is other:
        return True
    if not budget.take("proof_steps", len(condition.args) + len(other.args)):
        return False
    if other.head == "or":
        return any(implies(condition, part, budget) for part in other.args)
    if other.head == "and":
        return all(implies(condition, part, budget) for part in other.args)
    if condition.head == "or":
        return all(implies(part, other, budget) for part in condition.args)
    parts = condition.args if condition.head == "and" else (condition,)
    if other in parts:
        return True
    wanted = _find_intervals(other)
    if not wanted:
        return False
    known = _find_intervals(condition)
    return all(
        term in known and known[term].is_within(interval) for term, interval in wanted.items()
    )


def _find_intervals(condition: Term) -> dict[Term, Interval]:
    """Return the intervals of terms where a comparison, or an `and` of comparisons, holds."""
    intervals: dict[Term, Interval] = {}
    for term, interval in _walk_comparisons(condition):
        intervals[term] = intervals[term].intersect(interval) if term in intervals else interval
    return intervals


def _walk_comparisons(condition: Term) -> Iterator[tuple[Term, Interval]]:
    for part in condition.args if condition.head == "and" else (condition,):
        if part.head not in MIRRORED:
            continue
        left, right = part.args
        head = part.head
        if isinstance(left.leaf, Number):
            left, right, head = right, left, MIRRORED[head]
        if right.value is None or left.value is not None:
            continue
        is_strict = head in ("<", ">")
        if head in ("<", "<="):
            yield left, Interval(high=right.value, is_open_high=is_strict)
        else:
            yield left, Interval(low=right.value, is_open_low=is_strict)
