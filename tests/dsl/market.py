"""Markets for the tests of operators, as plain arrays, and pandas functions on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dsl.bars import Bars
from evolve.api import bars as load
from tests.samples import Values, random_bars, tied_bars


class Rows(NamedTuple):
    """Bars of one symbol, as arrays over bars."""

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    time: NDArray[np.datetime64]


Reference = Callable[[Rows], Values]


def rows(bars: Bars) -> Rows:
    prices = (bars.open[0], bars.high[0], bars.low[0], bars.close[0])
    return Rows(*prices, bars.volume[0], bars.time)


@cache
def market(name: str) -> Bars:
    """Return bars: the S&P 500 `sample`, a `random` walk, or `tied` with few distinct prices."""
    if name == "sample":
        return load("sample:sp500")
    return random_bars(3, 1500) if name == "random" else tied_bars(4, 2000)


def frame(values: Values) -> pd.Series:
    return pd.Series(values)


def days(b: Rows) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(b.time)


def typical(b: Rows) -> Values:
    return (b.high + b.low + b.close) / 3


def before(x: Values, n: int = 1) -> Values:
    return frame(x).shift(n).to_numpy()


def mean(x: Values, n: int) -> Values:
    return frame(x).rolling(n).mean().to_numpy()


def deviation(x: Values, n: int) -> Values:
    return frame(x).rolling(n).std().to_numpy()


def total(x: Values, n: int) -> Values:
    return frame(x).rolling(n).sum().to_numpy()
