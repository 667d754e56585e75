"""Neighborhood of a strategy: its score over the values of each constant, the others unchanged.

A constant that reflects the market has a broad range of values with most of the score. These
evaluations come after a search: they are no trials, and nothing is selected by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from dsl.analysis.program import Program, Rules
from dsl.generate.productions import Constant, Domain, Window
from dsl.terms.canonical import MeaningError
from dsl.terms.terms import Number, Parameter, number
from dsl.terms.text import format_term
from evolve.analysis.plateau import RETAINED_SHARE, Score, locate_change
from evolve.search.edit import list_parts, replace_parameter, replace_part

CURVE_VALUES = 13  # besides the present value
MAX_EVALUATIONS = 400

Change = Callable[[float], Rules]


@dataclass(frozen=True)
class Curve:
    """Scores of a strategy over the values of one constant.

    Attributes:
        name: the constant, such as `n` or `n of rsi(close, 2)`.
        rule: the rule that contains it; empty for a parameter.
        value: its present value.
        is_percent: whether it is written as a percentage.
        is_whole: whether it takes whole numbers only.
        points: values in ascending order with their scores; -inf for an infeasible strategy.
    """

    name: str
    rule: str
    value: float
    is_percent: bool
    is_whole: bool
    points: tuple[tuple[float, float], ...]

    @property
    def score(self) -> float:
        """Score at the present value."""
        return dict(self.points)[self.value]

    @property
    def best(self) -> tuple[float, float]:
        """Value with the highest score, and the score."""
        return max(self.points, key=lambda point: point[1])

    @property
    def retained(self) -> tuple[float, float] | None:
        """First and last value around the present one with at least half of its score.

        None if the score is not above 0.
        """
        if not 0 < self.score < math.inf:
            return None
        values = [value for value, _ in self.points]
        index = values.index(self.value)

        def holds(point: tuple[float, float]) -> bool:
            return point[1] >= RETAINED_SHARE * self.score

        below = list(takewhile(holds, reversed(self.points[: index + 1])))
        above = list(takewhile(holds, self.points[index:]))
        return below[-1][0], above[-1][0]

    @property
    def share(self) -> float:
        """Share of the other values with at least half of the score; NaN without one."""
        others = [score for value, score in self.points if value != self.value]
        if not others or not 0 < self.score < math.inf:
            return math.nan
        return sum(each >= RETAINED_SHARE * self.score for each in others) / len(others)


@dataclass(frozen=True)
class _Constant:
    """Constant of a strategy, with the values to try."""

    curve: Curve
    values: tuple[float, ...]
    change: Change


def measure_curves(
    program: Program, score: Score, max_evaluations: int = MAX_EVALUATIONS
) -> tuple[Curve, ...]:
    """Score a strategy over the values of each of its tunable constants.

    The values are spread over the range of a constant: preferred numbers for a window, and
    equal steps for another constant. If they are too many, each constant has fewer values.

    Args:
        program: a checked strategy.
        score: scores on some bars.
        max_evaluations: number of strategies to score; more if there are as many constants.

    Returns:
        One curve per constant, parameters first; empty if there is no constant.
    """
    constants = _list_constants(program, CURVE_VALUES)
    if len(constants) * CURVE_VALUES > max_evaluations:
        constants = _list_constants(program, max(2, max_evaluations // len(constants)))
    tried = [
        (index, value, neighbor)
        for index, constant in enumerate(constants)
        for value, neighbor in _list_neighbors(program, constant)
    ]
    own, *scores = score([program, *[neighbor for _, _, neighbor in tried]])
    points: list[list[tuple[float, float]]] = [
        [(constant.curve.value, float(own))] for constant in constants
    ]
    for (index, value, _), found in zip(tried, scores, strict=True):
        points[index].append((value, float(found)))
    return tuple(
        replace(constant.curve, points=tuple(sorted(each)))
        for constant, each in zip(constants, points, strict=True)
    )


def _list_neighbors(program: Program, constant: _Constant) -> Iterator[tuple[float, Program]]:
    """Yield the strategies with another value that is valid."""
    for value in constant.values:
        neighbor = program.change(rules=constant.change(value))
        try:
            assert neighbor.key
        except MeaningError:  # a computed window leaves its limits
            continue
        yield value, neighbor


def _list_constants(program: Program, count: int) -> list[_Constant]:
    return [*_iterate_parameters(program, count), *_iterate_literals(program.rules, count)]


def _iterate_parameters(program: Program, count: int) -> Iterator[_Constant]:
    for param in program.parameters:
        if param.low is None or param.high is None or param.low >= param.high:
            continue
        curve = Curve(param.name, "", param.value, param.percent, param.is_whole, ())
        values = _spread_parameter(param, param.low, param.high, count)
        yield _Constant(curve, values, _change_parameter(program.rules, param))


def _iterate_literals(rules: Rules, count: int) -> Iterator[_Constant]:
    for index, part in enumerate(list_parts(rules)):
        leaf = part.term.leaf
        if not part.is_tunable or not isinstance(leaf, Number):
            continue
        values = _spread(part.domain, leaf.value, count)
        if not values:
            continue
        change = _change_literal(rules, index, leaf)
        name, rule = name_literal(rules, change(values[0]))
        is_whole = isinstance(part.domain, Window)
        curve = Curve(name, rule, leaf.value, leaf.percent, is_whole, ())
        yield _Constant(curve, values, change)


def _change_parameter(rules: Rules, param: Parameter) -> Change:
    return lambda value: replace_parameter(rules, param, replace(param, value=value))


def _change_literal(rules: Rules, index: int, leaf: Number) -> Change:
    return lambda value: replace_part(rules, index, number(value, leaf.percent))


def name_literal(rules: Rules, changed: Rules) -> tuple[str, str]:
    """Return the name of a literal and its rule."""
    found = locate_change(rules, changed)
    operator, text = found.old.operator, format_term(found.old)
    if operator is None:
        return found.rule, found.rule
    if not operator.name.isidentifier() or operator.name == "lag":
        return f"{format_term(found.old.args[found.slot])} in {text}", found.rule
    return f"{operator.slot(found.slot).name} of {text}", found.rule


def _spread_parameter(
    param: Parameter, low: float, high: float, count: int
) -> tuple[float, ...]:  # fmt: skip
    """Return values over the range of a parameter, on its step, without its present value."""
    if param.step is None and param.is_whole and low >= 0:
        return _spread(Window(int(low), int(high)), param.value, count)
    step = param.step or (1.0 if param.is_whole else 0.0)
    if not step:
        return _spread(Constant(low, high), param.value, count)
    steps = np.arange(int((high - low) / step + 1e-9) + 1)
    digits = Constant(low, high).digits + 3
    return _drop(param.value, [round(low + step * each, digits) for each in _pick(steps, count)])


def _spread(domain: Domain, value: float, count: int) -> tuple[float, ...]:
    """Return values over a domain, without the present value."""
    if isinstance(domain, Window):
        return _drop(value, [float(each) for each in _pick(np.array(domain.steps), count)])
    assert isinstance(domain, Constant)
    grid = np.linspace(domain.low, domain.high, count)
    return _drop(value, [domain.round_value(float(each)) for each in grid])


def _pick(values: np.ndarray, count: int) -> list[float]:
    """Return values at equal distances in an array, with both ends."""
    indices = np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))
    return [float(each) for each in values[indices]]


def _drop(value: float, values: list[float]) -> tuple[float, ...]:
    return tuple(sorted({each for each in values if each != value}))
