"""Words for a rule that was true: its comparisons with the values that they read."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.catalog import catalog
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator, truth_series
from dsl.syntax.precedence import COMPARISON, INFIX
from dsl.terms.canonical import canonicalize, negate, substitute
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term
from dsl.terms.text import format_term
from dsl.types.kinds import BOOL
from evolve.backtest.activity import Flags
from evolve.backtest.performance import Series

DIGITS = (4, 6, 9, 12, 17)  # significant digits; more until two compared values differ
MAX_TEXT_CHARACTERS = 120  # of a term


class RuleValues:
    """Values that the rules of a strategy read on the bars of one symbol.

    Attributes:
        program: the strategy.
        orders: on which bars each order is true, by name.
    """

    def __init__(self, program: Program, bars: Bars) -> None:
        """Evaluate the orders.

        Args:
            program: the strategy.
            bars: bars of one symbol.
        """
        self.program = program
        self._evaluator = Evaluator(bars)
        signals = self._evaluator.signals([program])
        self.orders: dict[str, Flags] = {
            name: signals.order(name) for name in ("buy", "sell", "short", "cover")
        }
        self._series: dict[Term, NDArray[np.float64]] = {}
        self._truth: dict[Term, Series] = {}

    def describe_order(self, name: str, bar: int) -> str:
        """Describe why an order is true on a bar, such as `buy: close = 12 > open = 11`.

        Each further condition is on a line of its own.
        """
        reasons = self._iterate_reasons(getattr(self.program.rules, name), bar)
        return f"{name}: " + "\nand ".join(reasons)

    def describe_setting(self, name: str, bar: int) -> str:
        """Describe the value of a setting on a bar, such as `stop: 3 * atr(14) = 8.1`."""
        term = getattr(self.program.rules, name)
        return f"{name}: {self._write_value(term, self._read(term, bar), DIGITS[0])}"

    def _iterate_reasons(self, term: Term, bar: int) -> Iterator[str]:
        """Yield the true parts of a true condition; of an `or`, only those that are true."""
        operator = term.operator
        if operator is None:
            yield format_term(term)
        elif operator.name == "and":
            for arg in term.args:
                yield from self._iterate_reasons(arg, bar)
        elif operator.name == "or":
            for arg in term.args:
                if self._is_true(arg, bar):
                    yield from self._iterate_reasons(arg, bar)
        elif operator.name == "not":
            negated = negate(term.args[0], catalog().operator)
            if negated.head == "not":
                yield f"not {self._write_call(term.args[0], bar)}"
            else:
                yield from self._iterate_reasons(negated, bar)
        elif INFIX.get(operator.name) == COMPARISON:
            yield self._compare(term, bar)
        elif operator.body is not None:
            inner = "; ".join(self._iterate_reasons(substitute(operator.body, term.args), bar))
            yield f"{_shorten(term)} ({inner})"
        else:
            yield self._write_call(term, bar)

    def _compare(self, term: Term, bar: int) -> str:
        """Write a comparison with the values of both sides, which differ in their digits."""
        left, right = term.args
        one, other = self._read(left, bar), self._read(right, bar)
        digits = next(
            (each for each in DIGITS if f"{one:.{each}g}" != f"{other:.{each}g}"), DIGITS[0]
        )
        return (
            f"{self._write_value(left, one, digits)} {term.head} "
            f"{self._write_value(right, other, digits)}"
        )

    def _write_call(self, term: Term, bar: int) -> str:
        """Write a condition with the values of its series."""
        read = [
            self._write_value(each, self._read(each, bar), DIGITS[0])
            for each in term.args
            if each.value is None and infer_kind(each) != BOOL
        ]
        return f"{_shorten(term)} ({', '.join(read)})" if read else _shorten(term)

    def _write_value(self, term: Term, value: float, digits: int) -> str:
        text = _shorten(term)
        if term.operator is None and term.is_plain:
            return text
        return f"{text} = {_format_number(value, digits)}"

    def _read(self, term: Term, bar: int) -> float:
        """Return the value of a term on a bar."""
        if term not in self._series:
            canonical = canonicalize(term, catalog().operator)
            if canonical.value is not None:
                return canonical.value
            self._series[term] = self._evaluator.series(canonical)
        return float(self._series[term][bar])

    def _is_true(self, term: Term, bar: int) -> bool:
        if term not in self._truth:
            self._truth[term] = truth_series(self._evaluator, term)
        return bool(self._truth[term][bar] == 1.0)


def _shorten(term: Term) -> str:
    """Return the text of a term; a long one is cut."""
    text = format_term(term)
    return text if len(text) <= MAX_TEXT_CHARACTERS else f"{text[: MAX_TEXT_CHARACTERS - 1]}…"


def _format_number(value: float, digits: int) -> str:
    """Format a value with significant digits, without an exponent unless it is very large."""
    if not math.isfinite(value):
        return "unknown"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e15 else text
