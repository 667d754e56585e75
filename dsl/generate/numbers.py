"""Patterns of numbers: ranges of whole numbers, and grids of literals.

A pattern is a sequence of character classes and plain digits, which is valid in a regular
expression and, part by part, in GBNF. The longest patterns come first, for parsers that take the
first match.
"""

from __future__ import annotations

import math

from dsl.syntax.literals import format_number

GRID = 40


def whole_numbers(low: int, high: int) -> tuple[str, ...]:
    """Return patterns of the whole numbers from low to high, without leading zeros."""
    patterns: list[str] = []
    first = low
    while first <= high:
        span = 1
        while first % (span * 10) == 0 and first + span * 10 - 1 <= high and first:
            span *= 10
        last = first
        while last + 2 * span - 1 <= high and (last // span) % 10 < 9:
            last += span
        patterns.append(_build_block(first, last, span))
        first = last + span
    return tuple(reversed(patterns))


def constants(low: float, high: float, digits: int) -> tuple[str, ...]:
    """Return patterns of the literals on a grid of about 40 steps from low to high."""
    if low == high:
        return (_escape(format_number(low)),)
    step = _round_step((high - low) / GRID)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [round(index * step, digits + 2) for index in range(first, last + 1)]
    texts = dict.fromkeys(format_number(value) for value in values)
    return tuple(_escape(text) for text in sorted(texts, key=len, reverse=True))


def percentages(low: float, high: float) -> tuple[str, ...]:
    """Return patterns of the percentages, such as `6%`, on a grid from low to high."""
    return tuple(f"{pattern}%" for pattern in constants(100 * low, 100 * high, 1))


def _build_block(first: int, last: int, span: int) -> str:
    """Return the pattern of the numbers from `first` to `last + span - 1`."""
    free_digits = len(str(span)) - 1
    head = str(first // (span * 10)) if first >= span * 10 else ""
    low, high = first // span % 10, last // span % 10
    digit = f"[{low}-{high}]" if high > low else str(low)
    return head + digit + "[0-9]" * free_digits


def _round_step(width: float) -> float:
    """Round down to 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width))
    high = width * 1.0001
    return max(factor * power for factor in (1.0, 2.0, 2.5, 5.0) if factor * power <= high)


def _escape(text: str) -> str:
    return text.replace(".", "[.]")
