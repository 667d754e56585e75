"""Naive evaluator of terms as written: one bar at a time, without rewrites.

A number is a float, or NaN if unknown; a condition is True, False, or None if unknown. Before the
first bar, every series is unknown. Rolling operators run their uncompiled kernel, which other
tests compare with references. Two values are equal if their relative difference is at most 2**-44.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from dsl.bars import Bars
from dsl.terms.operator import Operator
from dsl.terms.terms import Argument, Term
from dsl.types.kinds import BOOL
from tests.samples import Values

Truth = bool | None
Number = Callable[[int], float]
Condition = Callable[[int], Truth]
Function = Callable[[int], float | Truth]


def evaluate_naively(term: Term, bars: Bars) -> Values:
    """Return float64[bar]: a number, or 1 where a condition holds and 0 elsewhere."""
    value = build_function(term, bars, ())
    return np.array([float(value(bar) or 0.0) for bar in range(len(bars))])


def find_failures(term: Term, bars: Bars) -> Values:
    """Return float64[bar]: 1 where a condition is known not to hold, 0 elsewhere."""
    value = build_function(term, bars, ())
    return np.array([float(value(bar) is False) for bar in range(len(bars))])


def build_function(term: Term, bars: Bars, args: tuple[Function, ...]) -> Function:
    """Build the cached function of a term from bar to value, over the arguments of its define."""
    return cache(_build_function(term, bars, args))


def _build_function(term: Term, bars: Bars, outer: tuple[Function, ...]) -> Function:
    operator, leaf = term.operator, term.leaf
    if isinstance(leaf, Argument):
        return outer[leaf.index]
    if operator is None:
        constant: float | bool = leaf if isinstance(leaf, bool) else float(term.value or 0.0)
        return lambda bar: constant
    if operator.series:
        dates = bars.calendar.get(operator.series)
        row: list[float] = (getattr(bars, operator.series)[0] if dates is None else dates).tolist()
        return lambda bar: row[bar] if bar >= 0 else math.nan
    args = tuple(build_function(arg, bars, outer) for arg in term.args)
    if operator.body is not None:
        return build_function(operator.body, bars, args)
    if operator.name == "lag":
        x, n = args
        return lambda bar: x(bar - math.floor(n(0) or 0))
    if operator.name in POINTWISE:
        at_bar = POINTWISE[operator.name]
        return lambda bar: at_bar(*[arg(bar) for arg in args])
    return _run_kernel(operator, args, len(bars))


def _run_kernel(operator: Operator, args: tuple[Function, ...], length: int) -> Function:
    inputs: list[object] = []
    for index, arg in enumerate(args):
        slot = operator.slot(index)
        if slot.is_window:
            inputs.append(math.floor(arg(0) or 0))
        elif slot.kind == BOOL:
            inputs.append([arg(i) is True for i in range(length)])
            inputs.append([arg(i) is False for i in range(length)])
        else:
            inputs.append(np.array([arg(i) for i in range(length)], np.float64))
    out = np.full(length, math.nan)
    assert operator.kernel is not None
    with np.errstate(all="ignore"):
        operator.kernel(*inputs, out)
    row = out.tolist()
    return lambda bar: row[bar] if bar >= 0 else math.nan


# -- numbers


def _restrict(function: Callable[..., float], domain: Callable[..., bool]) -> Callable[..., float]:
    """Restrict a function to known arguments in its domain; it is unknown elsewhere."""

    def at_bar(*values: float) -> float:
        unknown = any(math.isnan(value) for value in values) or not domain(*values)
        return math.nan if unknown else float(function(*values))

    return at_bar


def _is_anywhere(*_: float) -> bool:
    return True


def _is_same(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=2.0**-44)


def _difference(x: float, y: float) -> float:
    return 0.0 if math.isfinite(x) and _is_same(x, y) else x - y


def _floor(x: float) -> float:
    return round(x) if _is_same(x, round(x)) else math.floor(x)


def _log(x: float) -> float:
    return 0.0 if _is_same(x, 1.0) else math.log(x)


def _sign(x: float) -> float:
    return (x > 0) - (x < 0)


def _is_real_power(x: float, y: float) -> bool:
    if x == 0:
        return y >= 0
    return (x > 0 or y == math.floor(y)) and y * math.log(abs(x)) < 700


def _where(condition: Truth, x: float, y: float) -> float:
    return math.nan if condition is None else x if condition else y


# -- conditions: Kleene's three-valued logic


def _compare(holds: Callable[[float, float], bool]) -> Callable[[float, float], Truth]:
    return lambda x, y: None if math.isnan(x) or math.isnan(y) else holds(x, y)


def _both(*values: Truth) -> Truth:
    if any(value is False for value in values):
        return False
    return None if any(value is None for value in values) else True


def _not(value: Truth) -> Truth:
    return None if value is None else not value


def _either(*values: Truth) -> Truth:
    return _not(_both(*[_not(value) for value in values]))


POINTWISE: dict[str, Callable[..., float | Truth]] = {
    "+": lambda x, y: _difference(x, -y),
    "-": _difference,
    "*": lambda x, y: x * y,
    "/": _restrict(lambda x, y: x / y, lambda x, y: y != 0),
    "negate": lambda x: -x,
    "min": _restrict(min, _is_anywhere),
    "max": _restrict(max, _is_anywhere),
    "abs": abs,
    "sign": _restrict(_sign, _is_anywhere),
    "sqrt": _restrict(math.sqrt, lambda x: x >= 0),
    "log": _restrict(_log, lambda x: x > 0),
    "floor": _restrict(_floor, math.isfinite),
    "exp": _restrict(math.exp, lambda x: x < 700),
    "power": _restrict(math.pow, _is_real_power),
    "where": _where,
    "<": _compare(lambda x, y: x < y and not _is_same(x, y)),
    "<=": _compare(lambda x, y: x <= y or _is_same(x, y)),
    ">": _compare(lambda x, y: x > y and not _is_same(x, y)),
    ">=": _compare(lambda x, y: x >= y or _is_same(x, y)),
    "==": _compare(_is_same),
    "!=": _compare(lambda x, y: not _is_same(x, y)),
    "and": _both,
    "or": _either,
    "not": _not,
}
