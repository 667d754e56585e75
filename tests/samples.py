"""Random and constructed bars for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsl.bars import FIELDS, Bars

Values = NDArray[np.float64]


def random_bars(seed: int, count: int = 200, symbols: int = 1) -> Bars:
    """Return bars that all have a price change, a range and a volume above 0."""
    rng = np.random.default_rng(seed)
    shape = (symbols, count)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=1))
    opened = close * np.exp(rng.normal(0.0, 0.01, shape))
    high = np.maximum(opened, close) * np.exp(rng.uniform(0.001, 0.01, shape))
    low = np.minimum(opened, close) * np.exp(-rng.uniform(0.001, 0.01, shape))
    volume = np.round(1e5 * np.exp(rng.normal(0.0, 0.5, shape)))
    names = tuple(f"S{index}" for index in range(symbols))
    return Bars(names, _business_days(count), opened, high, low, close, volume, np.ones(shape))


def gappy_bars(seed: int, count: int = 200, share: float = 0.05) -> Bars:
    """Return random bars with missing values, missing bars and one long gap."""
    bars = random_bars(seed, count)
    rng = np.random.default_rng(seed + 1)
    is_missing = rng.random(count) < share
    start = int(rng.integers(0, count))
    is_missing[start : start + count // 10] = True
    panels = {}
    for name in FIELDS:
        values = getattr(bars, name).copy()
        values[0, is_missing | (rng.random(count) < share / 2)] = np.nan
        panels[name] = values
    return replace(bars, **panels)


def tied_bars(seed: int, count: int = 200) -> Bars:
    """Return bars of few whole prices, with many equal values, flat runs and 0 / 0."""
    rng = np.random.default_rng(seed)
    opened, close = rng.integers(1, 4, (2, 1, count)).astype(float)
    high = np.maximum(opened, close) + rng.integers(0, 2, (1, count))
    low = np.minimum(opened, close)
    volume = rng.integers(0, 3, (1, count)).astype(float)
    ones = np.ones((1, count))
    return Bars(("TIED",), _business_days(count), opened, high, low, close, volume, ones)


def closing_at(close: Values) -> Bars:
    """Return bars whose four prices equal the given closes, with volume 1000."""
    row = np.array(close, dtype=np.float64)[None, :]
    prices = (row.copy(), row.copy(), row.copy(), row)
    volume = np.full(row.shape, 1000.0)
    return Bars(("C",), _business_days(row.shape[1]), *prices, volume, np.ones(row.shape))


def with_other_future(bars: Bars, known: int, seed: int) -> Bars:
    """Return the bars with all values from index `known` on replaced by another market."""
    other = random_bars(seed, len(bars), len(bars.symbols))
    panels = {}
    for name in FIELDS:
        values = getattr(bars, name).copy()
        values[:, known:] = 7.0 * getattr(other, name)[:, known:]
        panels[name] = values
    return replace(bars, **panels)


def _business_days(count: int) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = np.busday_offset(np.datetime64("2010-01-04"), np.arange(count))
    return days.astype("datetime64[ns]")
