"""Lossless conversion between number literals and values."""

from __future__ import annotations

from decimal import Decimal, DecimalException
from functools import lru_cache


def parse_number(text: str) -> tuple[float, bool]:
    """Return the value of a literal, and whether it is a percentage.

    `%` is an exact decimal shift. A value too large for a float is infinite; one too small is 0.
    """
    if not text.endswith("%"):
        return float(text), False
    try:
        return float(Decimal(text[:-1]).scaleb(-2)), True
    except DecimalException:
        return float(text[:-1]), True


@lru_cache(4096)
def format_number(value: float, percent: bool = False) -> str:
    """Return the shortest literal that parses back to the same value."""
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if percent:
        return _plain(Decimal(repr(value)).scaleb(2)) + "%"
    return _plain(Decimal(repr(value)))


def _plain(number: Decimal) -> str:
    """Return a decimal without trailing zeros; very large and small ones in scientific notation."""
    if number == 0:
        return "0"
    number = number.normalize()
    if not -7 < number.adjusted() < 16:
        return f"{number:e}".replace("e+", "e")
    return f"{number:f}"
