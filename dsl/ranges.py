"""What ranges decide: conditions that cannot change, rules that cannot both matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from dsl.judge import kind_of
from dsl.kinds import INF
from dsl.simplify import fold
from dsl.spelling import text_of
from dsl.terms import Number, Parameter, Term, call, number

Verdict = Literal["never", "always", ""]
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Interval(NamedTuple):
    """The values between two ends; an end that is open is not one of them."""

    low: float = -INF
    high: float = INF
    is_open_low: bool = False
    is_open_high: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no value lies in it."""
        is_open = self.is_open_low or self.is_open_high
        return self.low > self.high or (self.low == self.high and is_open)

    def within(self, other: Interval) -> bool:
        """Whether all of its values are among another's."""
        below = (self.low, self.is_open_low) >= (other.low, other.is_open_low)
        above = (self.high, not self.is_open_high) <= (other.high, not other.is_open_high)
        return self.is_empty or (below and above)

    def both(self, other: Interval) -> Interval:
        """The values of both."""
        low = max((self.low, self.is_open_low), (other.low, other.is_open_low))
        high = min((self.high, not self.is_open_high), (other.high, not other.is_open_high))
        return Interval(low[0], high[0], low[1], not high[1])


def verdict_on(term: Term) -> Verdict:
    """Whether the ranges of its sides decide a comparison; they may not."""
    if term.head not in MIRRORED:
        return ""
    left, right = (kind_of(arg) for arg in term.args)
    if left.family == right.family == "scalar":
        return ""
    if term.head in (">", ">="):
        left, right = right, left
    is_strict = term.head in ("<", ">")
    if left.low > right.high or (is_strict and left.low >= right.high):
        return "never"
    if left.high < right.low or (not is_strict and left.high <= right.low):
        return "always"
    return ""


def impossible_part(term: Term) -> str:
    """Which values of a param's range can never matter in a comparison; empty if all may."""
    for place, arg in enumerate(term.args):
        param = arg.leaf
        if not isinstance(param, Parameter) or param.low is None or param.high is None:
            continue
        scale = kind_of(term.args[1 - place])
        if scale.family == "scalar":
            continue
        beyond = [f"above {scale.high:g}"] if param.high > scale.high else []
        beyond += [f"below {scale.low:g}"] if param.low < scale.low else []
        if beyond:
            return f"`{param.name}` may be {' or '.join(beyond)}"
    return ""


def fold_at_ends(term: Term) -> list[float]:
    """A constant's value with every param at the low end of its range, and at the high."""
    values = []
    for end in ("low", "high"):
        value = fold(_at_end(term, end))
        if value is not None:
            values.append(value)
    return values


def contradiction_in(condition: Term) -> str:
    """Why parts of a canonical condition cannot hold together; empty if they can."""
    if condition.head == "or":
        reasons = [contradiction_in(part) for part in condition.args]
        return reasons[0] if all(reasons) else ""
    if condition.head == "and":
        for thing, interval in _intervals(condition).items():
            if interval.is_empty:
                return f"`{text_of(thing)}` cannot be all of that at once"
    return ""


def implies(condition: Term, other: Term) -> bool:
    """Whether one canonical condition holds wherever another does, as far as can be told."""
    if condition is other:
        return True
    if other.head == "or":
        return any(implies(condition, part) for part in other.args)
    if other.head == "and":
        return all(implies(condition, part) for part in other.args)
    if condition.head == "or":
        return all(implies(part, other) for part in condition.args)
    parts = condition.args if condition.head == "and" else (condition,)
    if other in parts:
        return True
    wanted = _intervals(other)
    if not wanted:
        return False
    known = _intervals(condition)
    return all(
        thing in known and known[thing].within(interval) for thing, interval in wanted.items()
    )


def _intervals(condition: Term) -> dict[Term, Interval]:
    """Between which numbers things lie where a comparison, or an `and` of them, holds."""
    found: dict[Term, Interval] = {}
    for thing, interval in _comparisons(condition):
        found[thing] = found[thing].both(interval) if thing in found else interval
    return found


def _comparisons(condition: Term) -> Iterator[tuple[Term, Interval]]:
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


def _at_end(term: Term, end: str) -> Term:
    if isinstance(term.leaf, Parameter):
        value = getattr(term.leaf, end)
        return number(term.leaf.value if value is None else value)
    if term.operator is None or not term.args:
        return term
    return call(term.operator, *[_at_end(arg, end) for arg in term.args])
