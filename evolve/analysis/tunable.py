"""Tunable constants of a strategy's text: literals and parameters, with the values to try.

A variant is the text with other numbers at the same places, so comments, names and layout remain.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dsl.analysis.check import check_file
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError, Span
from dsl.generate.productions import Constant, Domain, Window
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.parser import parse
from dsl.terms.terms import Number
from evolve.analysis.neighborhood import name_literal
from evolve.search.edit import list_parts

STEPS = 20  # over the range of a constant that is no window
LOG_RATIO = 10.0  # high over low, from which steps are equal factors
NEAR_ONE = (0.8, 1.25)  # factors of a price, such as 1.02 * sma(close, 50)
FACTORS = tuple(round(0.9 + 0.01 * each, 2) for each in range(21))
SIGNIFICANT_DIGITS = 2


@dataclass(frozen=True)
class Tunable:
    """Constant of a strategy's text that may change.

    Attributes:
        name: the constant, such as `n` or `n of rsi(close, 2)`.
        rule: the rule in which it appears first; empty for a parameter.
        line: its line in the text, from 1.
        span: its place in the text.
        values: values to try in ascending order, with the present one.
        present: index of the present value.
        is_percent: whether it is written as a percentage.
    """

    name: str
    rule: str
    line: int
    span: Span
    values: tuple[float, ...]
    present: int
    is_percent: bool

    def format_value(self, index: int) -> str:
        """Return a value as the language writes it."""
        return format_number(self.values[index], self.is_percent)


@dataclass(frozen=True)
class TunableText:
    """Text of a file with the tunable constants of one of its strategies.

    Attributes:
        text: content of the file.
        file: name of the file, for messages.
        strategy: name of the strategy.
        tunables: its tunable constants, in the order of the text.
    """

    text: str
    file: str
    strategy: str
    tunables: tuple[Tunable, ...] = ()

    @property
    def start(self) -> tuple[int, ...]:
        """Indices of the present values."""
        return tuple(each.present for each in self.tunables)

    def render(self, point: Sequence[int]) -> str:
        """Return the text with other values.

        Args:
            point: index of the value of each constant.
        """
        changes = [
            (each.span, each.format_value(index))
            for each, index in zip(self.tunables, point, strict=True)
            if index != each.present
        ]
        return _replace(self.text, changes)

    def build(self, point: Sequence[int]) -> Program | None:
        """Return the program of the text with other values; None if they are not valid together."""
        return self._check(self.render(point))

    def _check(self, text: str) -> Program | None:
        try:
            programs = check_file(text, self.file)
        except LanguageError:
            return None
        return next(each for each in programs if each.name == self.strategy)


def find_tunables(text: str, file: str, strategy: str) -> TunableText:
    """Find the tunable constants of a strategy.

    A parameter with a range is tuned within it, and one without a range is held. A literal is tuned
    within the range from which the search draws it. These are held: literals of a `define`, which
    other strategies may use; of a computed window; and of `size`, which sets the risk.

    Args:
        text: content of a valid file.
        file: its name, for messages.
        strategy: name of the strategy.

    Raises:
        LanguageError: with all errors of the text.
    """
    base = TunableText(text, file, strategy)
    (program,) = (each for each in check_file(text, file) if each.name == strategy)
    (node,) = (each for each in parse(text, file).strategies if each.name == strategy)
    used = {each.name for each in program.parameters}
    found: list[Tunable] = []
    for statement in node.statements:
        if isinstance(statement, nodes.Param):
            if statement.name in used:
                found += _find_parameter(text, statement)
        elif not isinstance(statement, nodes.About) and statement.name != "size":
            expression = statement.when if isinstance(statement, nodes.Order) else statement.value
            for literal in _iterate_literals(expression):
                found += _find_literal(base, program, literal)
    return TunableText(text, file, strategy, tuple(found))


def _find_parameter(text: str, node: nodes.Param) -> list[Tunable]:
    if node.low is None or node.high is None or node.low.value >= node.high.value:
        return []
    low, high, value = node.low.value, node.high.value, node.value.value
    is_whole = all(each.is_integer() for each in (low, high, value))
    if node.step is not None:
        values = _list_steps(low, high, node.step.value)
    elif is_whole and low >= 0:
        values = [float(each) for each in Window(int(low), int(high)).steps]
    else:
        values = _spread(Constant(low, high), is_whole)
    return _build(text, node.name, "", node.value, values)


def _find_literal(base: TunableText, program: Program, literal: nodes.Number) -> list[Tunable]:
    """Return a literal with its values, or nothing if the search would not change it.

    A probe, another number in its place, shows which parts of the rules the literal is.
    """
    for probe in (literal.value + 1, literal.value * 1.1, literal.value * 0.9):
        text = _replace(base.text, [(literal.span, format_number(probe, literal.percent))])
        changed = base._check(text)
        if changed is not None and changed.rules != program.rules:
            break
    else:
        return []
    before, after = list_parts(program.rules), list_parts(changed.rules)
    if len(before) != len(after):
        return []
    parts = [
        (old, new)
        for old, new in zip(before, after, strict=True)
        if old.term is not new.term and not old.term.args
    ]
    domain = _intersect([old.domain for old, _ in parts])
    if domain is None or not all(
        old.is_tunable and isinstance(old.term.leaf, Number) for old, _ in parts
    ):
        return []
    old, new = parts[0]
    assert old.term.value is not None and new.term.value is not None
    is_negated = (new.term.value < old.term.value) == (probe > literal.value)
    values = _list_values(domain, old.term.value)
    if is_negated:  # the minus sign before a literal is no part of it
        values = [0.0 - each for each in values]
    if literal.value or is_negated:
        values = [each for each in values if each >= 0]
    name, rule = name_literal(program.rules, changed.rules)
    return _build(base.text, name, rule, literal, values)


def _intersect(domains: Sequence[Domain]) -> Window | Constant | None:
    """Return the common domain of all places at which a literal is used; None without one."""
    windows = [each for each in domains if isinstance(each, Window)]
    constants = [each for each in domains if isinstance(each, Constant)]
    if windows and len(windows) == len(domains):
        return Window(max(each.low for each in windows), min(each.high for each in windows))
    if constants and len(constants) == len(domains):
        return Constant(
            max(each.low for each in constants), min(each.high for each in constants)
        )  # fmt: skip
    return None


def _build(
    text: str, name: str, rule: str, node: nodes.Number, values: Sequence[float]
) -> list[Tunable]:  # fmt: skip
    value = node.value
    ordered = tuple(sorted({*values, value}))
    if len(ordered) < 2:
        return []
    line = text.count("\n", 0, node.span.start) + 1
    index = bisect_left(ordered, value)
    return [Tunable(name, rule, line, node.span, ordered, index, node.percent)]


def _list_values(domain: Window | Constant, value: float) -> list[float]:
    """Return the values of a domain: preferred numbers of a window, else equal steps or factors."""
    if isinstance(domain, Window):
        return [float(each) for each in domain.steps]
    is_free = (domain.low, domain.high) == (abs(value) / 4, abs(value) * 4)
    if is_free and NEAR_ONE[0] < abs(value) < NEAR_ONE[1]:
        return list(FACTORS)
    return _spread(domain, is_whole=False)


def _spread(domain: Constant, is_whole: bool) -> list[float]:
    low, high = domain.low, domain.high
    if low > 0 and high / low >= LOG_RATIO:
        drawn = [float(f"{each:.{SIGNIFICANT_DIGITS}g}") for each in np.geomspace(low, high, STEPS)]
    else:
        drawn = [round(float(each), domain.digits) for each in np.linspace(low, high, STEPS + 1)]
    drawn = [float(round(each)) for each in drawn] if is_whole else drawn
    return [each for each in drawn if low <= each <= high]


def _list_steps(low: float, high: float, step: float) -> list[float]:
    """Return the values of a range on a step, at most `STEPS` + 1 of them, with the first."""
    count = int((high - low) / step + 1e-9)
    stride = -(-count // (3 * STEPS)) if count else 1
    digits = Constant(low, high).digits + 3
    return [round(low + step * each, digits) for each in range(0, count + 1, stride)]


def _iterate_literals(expression: nodes.Expression) -> Iterator[nodes.Number]:
    if isinstance(expression, nodes.Number):
        yield expression
    elif isinstance(expression, nodes.Call):
        for each in expression.args:
            yield from _iterate_literals(each)


def _replace(text: str, changes: Sequence[tuple[Span, str]]) -> str:
    """Return a text with some of its places replaced."""
    for span, new in sorted(changes, key=lambda each: -each[0].start):
        text = text[: span.start] + new + text[span.end :]
    return text
