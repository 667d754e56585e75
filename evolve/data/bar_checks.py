"""Checks of bars that a program built, which no door of files checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsl.bars import FIELDS, MAX_PRICE, MAX_VOLUME, MIN_PRICE, PANELS, Bars
from evolve.errors import EvolveError

PRICES = FIELDS[:4]


def check_bars(bars: Bars) -> None:
    """Check names, times and values of bars, as the door of files does.

    Raises:
        EvolveError: for the first error, with symbol, time and field.
    """
    if not bars.symbols or not len(bars):
        raise EvolveError("the bars are empty", "expected one or more symbols and bars")
    if len(set(bars.symbols)) < len(bars.symbols):
        raise EvolveError(f"duplicate symbol in {', '.join(map(str, bars.symbols))}")
    _check_types(bars)
    steps = np.diff(bars.time.astype(np.int64))
    late = np.flatnonzero((steps <= 0) | np.isnat(bars.time[1:]) | np.isnat(bars.time[:-1]))
    if len(late):
        before, after = (np.datetime_as_string(bars.time[late[0] + i], "auto") for i in (0, 1))
        raise EvolveError(
            f"bars: expected ascending times, found {after} after {before}",
            "sort the bars by time, and remove duplicates",
        )
    present = ~np.isnan(bars.close)
    for name in PRICES:
        price = getattr(bars, name)
        _refuse(np.isnan(price) & present | ~np.isnan(price) & ~present, bars, name, "a number, as "
                "in the other prices of the bar")  # fmt: skip
        _refuse(_is_outside(price, MIN_PRICE, MAX_PRICE), bars, name,
                f"a number from {MIN_PRICE:g} to {MAX_PRICE:g}")  # fmt: skip
    _refuse(bars.high < bars.low, bars, "high", "at least the low")
    _refuse(_is_outside(bars.volume, 0.0, MAX_VOLUME), bars, "volume",
            f"a number from 0 to {MAX_VOLUME:g}")  # fmt: skip
    _refuse(~(bars.adjustment > 0) | np.isinf(bars.adjustment), bars, "adjustment",
            "a number above 0")  # fmt: skip


def _check_types(bars: Bars) -> None:
    if bars.time.dtype != np.dtype("datetime64[ns]"):
        raise EvolveError(
            f"bars: expected times of type datetime64[ns], found {bars.time.dtype}",
            'write time.astype("datetime64[ns]")',
        )
    for name in PANELS:
        panel = getattr(bars, name)
        if panel.dtype != np.float64 or not panel.flags.c_contiguous:
            raise EvolveError(
                f"bars: expected `{name}` as contiguous float64, found {panel.dtype}",
                "write numpy.ascontiguousarray(values, numpy.float64)",
            )


def _is_outside(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Return whether values are outside a range, bool[symbol, bar]; False for NaN."""
    return (values < low) | (values > high)


def _refuse(bad: NDArray[np.bool_], bars: Bars, name: str, expected: str) -> None:
    """Raise EvolveError for the first bad cell of a panel."""
    cells = np.argwhere(bad)
    if len(cells):
        symbol, bar = cells[0]
        moment = np.datetime_as_string(bars.time[bar].astype("datetime64[s]"), "auto")
        value = getattr(bars, name)[symbol, bar]
        raise EvolveError(
            f"bars of {bars.symbols[symbol]}, {moment}, `{name}`: expected {expected}, found "
            f"{value:g}"
        )
