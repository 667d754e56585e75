"""The meaning of a written term, as plainly as possible: one bar at a time, nothing simplified.

A number is a float or NaN (unknown); a condition is True, False or None (unknown). Before the
first bar every series is unknown. Windowed operators run their own kernel, uncompiled, on
lists: what they compute is tested against other libraries elsewhere. Two values are equal if
their relative difference is at most 2**-44.
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
Meaning = Callable[[int], float | Truth]


def plainly(term: Term, bars: Bars) -> Values:
    """float64[bar] of a number; of a condition 1 where it holds, 0 where it fails or is unknown."""
    value = meaning(term, bars, ())
    return np.array([float(value(bar) or 0.0) for bar in range(len(bars))])


def fails(term: Term, bars: Bars) -> Values:
    """1 where a condition is known not to hold."""
    value = meaning(term, bars, ())
    return np.array([float(value(bar) is False) for bar in range(len(bars))])


def meaning(term: Term, bars: Bars, given: tuple[Meaning, ...]) -> Meaning:
    """A term as a function of the bar, memoised; `given` are the arguments of the define around."""
    return cache(_meaning(term, bars, given))


def _meaning(term: Term, bars: Bars, given: tuple[Meaning, ...]) -> Meaning:
    operator, leaf = term.operator, term.leaf
    if isinstance(leaf, Argument):
        return given[leaf.index]
    if operator is None:
        constant: float | bool = leaf if isinstance(leaf, bool) else float(term.value or 0.0)
        return lambda bar: constant
    if operator.series:
        own = bars.calendar.get(operator.series)
        row: list[float] = (getattr(bars, operator.series)[0] if own is None else own).tolist()
        return lambda bar: row[bar] if bar >= 0 else math.nan
    args = tuple(meaning(arg, bars, given) for arg in term.args)
    if operator.body is not None:
        return meaning(operator.body, bars, args)
    if operator.name == "lag":
        x, n = args
        return lambda bar: x(bar - math.floor(n(0) or 0))
    if operator.name in POINTWISE:
        at_bar = POINTWISE[operator.name]
        return lambda bar: at_bar(*[arg(bar) for arg in args])
    return _windowed(operator, args, len(bars))


def _windowed(operator: Operator, args: tuple[Meaning, ...], length: int) -> Meaning:
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
    found = out.tolist()
    return lambda bar: found[bar] if bar >= 0 else math.nan


# -- numbers


def _known(function: Callable[..., float], domain: Callable[..., bool]) -> Callable[..., float]:
    """The function where all its arguments are known and in its domain; unknown elsewhere."""

    def at_bar(*values: float) -> float:
        unknown = any(math.isnan(value) for value in values) or not domain(*values)
        return math.nan if unknown else float(function(*values))

    return at_bar


def _anywhere(*_: float) -> bool:
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


# -- conditions: Kleene's logic of the unknown


def _compared(holds: Callable[[float, float], bool]) -> Callable[[float, float], Truth]:
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
    "/": _known(lambda x, y: x / y, lambda x, y: y != 0),
    "negate": lambda x: -x,
    "min": _known(min, _anywhere),
    "max": _known(max, _anywhere),
    "abs": abs,
    "sign": _known(_sign, _anywhere),
    "sqrt": _known(math.sqrt, lambda x: x >= 0),
    "log": _known(_log, lambda x: x > 0),
    "floor": _known(_floor, math.isfinite),
    "exp": _known(math.exp, lambda x: x < 700),
    "power": _known(math.pow, _is_real_power),
    "where": _where,
    "<": _compared(lambda x, y: x < y and not _is_same(x, y)),
    "<=": _compared(lambda x, y: x <= y or _is_same(x, y)),
    ">": _compared(lambda x, y: x > y and not _is_same(x, y)),
    ">=": _compared(lambda x, y: x >= y or _is_same(x, y)),
    "==": _compared(_is_same),
    "!=": _compared(lambda x, y: not _is_same(x, y)),
    "and": _both,
    "or": _either,
    "not": _not,
}
