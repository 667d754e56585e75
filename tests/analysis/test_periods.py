"""Drawdowns and yearly returns against plain implementations of their definitions."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from operator import mul

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsl.analysis.check import check
from evolve.analysis.periods import largest_drawdowns, monthly_returns, yearly_returns
from evolve.backtest.backtest import backtest
from evolve.backtest.drawdowns import Drawdown
from evolve.backtest.market import market
from evolve.backtest.metrics import drawdowns
from evolve.data.generators import random_walk

Series = NDArray[np.float64]

CAPITAL = 100.0
SHAPES = {
    "empty": [],
    "one bar": [100.0],
    "one bar below": [99.0],
    "one bar above": [101.0],
    "flat": [100.0] * 9,
    "flat below": [90.0] * 9,
    "rising": [100.0 + i for i in range(9)],
    "falling from the first bar": [99.0 - i for i in range(9)],
    "up, then never back": [110.0, 120.0, 60.0, 80.0, 119.999],
    "back on the very last bar": [110.0, 60.0, 110.0],
    "lost on the first bar": [0.0, 0.0, 0.0],
    "lost later": [120.0, 50.0, 0.0, 0.0],
    "a peak of several bars": [120.0, 120.0, 120.0, 80.0, 120.0],
    "a trough of several bars": [80.0, 80.0, 100.0],
    "two troughs alike": [80.0, 90.0, 80.0, 100.0],
    "falls alike": [90.0, 100.0, 90.0, 100.0, 90.0],
    "over the peak, not on it": [120.0, 90.0, 130.0, 90.0],
    "every other bar": [100.0 - (i % 2) * (i + 1) for i in range(40)],
    "by one unit in the last place": [100.0, np.nextafter(100.0, 0.0), 100.0],
}


def is_under(equity: list[float], bar: int) -> bool:
    """Return whether an earlier level, or the capital, is higher."""
    return any(before > equity[bar] for before in [CAPITAL, *equity[:bar]])


def plain_drawdowns(equity: list[float]) -> list[tuple[float, int, int, int | None]]:
    """Return depth, first bar, trough and recovery of each drawdown by its definition."""
    found = []
    for first in range(len(equity)):
        starts = is_under(equity, first) and (first == 0 or not is_under(equity, first - 1))
        if not starts:
            continue
        peak = max([CAPITAL, *equity[:first]])
        back = [bar for bar in range(first, len(equity)) if equity[bar] >= peak]
        recovery = back[0] if back else None
        stretch = range(first, len(equity) if recovery is None else recovery)
        lowest = min(equity[bar] for bar in stretch)
        trough = min(bar for bar in stretch if equity[bar] == lowest)
        found.append((lowest / peak - 1, first, trough, recovery))
    return sorted(found)


def falls(equity: list[float], count: int = 10) -> list[Drawdown]:
    return largest_drawdowns(np.array(equity, np.float64), CAPITAL, count)


def assert_drawdowns(equity: list[float]) -> None:
    found, slow = falls(equity, 1000), plain_drawdowns(equity)
    assert [each.depth for each in found] == pytest.approx([each[0] for each in slow], rel=1e-12)
    by_first = {each[1]: each for each in slow}
    assert len(found) == len(slow)
    for each in found:
        first = 0 if each.peak is None else each.peak + 1
        depth, _, trough, recovery = by_first[first]
        assert each.depth == pytest.approx(depth, rel=1e-12)
        assert (each.trough, each.recovery) == (trough, recovery)
        end = len(equity) - 1 if recovery is None else recovery
        assert each.bars == end - (first - 1) >= 1
    assert [each.depth for each in found] == sorted(each.depth for each in found)
    assert all(-1.0 <= each.depth < 0.0 for each in found)
    spans = sorted(
        (-1 if each.peak is None else each.peak, each.trough,
         len(equity) if each.recovery is None else each.recovery)
        for each in found
    )  # fmt: skip
    for peak, lowest, end in spans:
        assert peak < lowest < end
    for (_, _, end), (peak, _, _) in pairwise(spans):
        assert end <= peak
    assert falls(equity) == found[:10]
    assert falls(equity, 1) == found[:1]
    series = np.array(equity, np.float64)
    assert min([each.depth for each in found], default=0.0) == np.min(
        drawdowns(series, CAPITAL), initial=0.0
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_drawdowns_of_a_shape(shape: str) -> None:
    assert_drawdowns(SHAPES[shape])


@given(st.lists(st.sampled_from([0.0, 80.0, 90.0, 100.0, 110.0, 120.0]), max_size=40))
def test_drawdowns_of_few_levels_with_ties(equity: list[float]) -> None:
    assert_drawdowns(equity)


@given(st.lists(st.floats(-0.4, 0.4), max_size=80))
def test_drawdowns_of_random_growth(growth: list[float]) -> None:
    assert_drawdowns((CAPITAL * np.cumprod(1.0 + np.array(growth))).tolist())


def test_the_ten_deepest_drawdowns_are_listed() -> None:
    equity = [value for depth in range(1, 31) for value in (100.0 - depth, 100.0)]
    assert [round(-100 * each.depth) for each in falls(equity)] == list(range(30, 20, -1))


def test_a_drawdown_from_the_capital_may_never_recover() -> None:
    assert falls([90.0, 95.0, 80.0, 99.0]) == [Drawdown(None, 2, None, 80.0 / CAPITAL - 1, 4)]


def test_ruin_is_a_drawdown_of_all_equity() -> None:
    assert falls([150.0, 0.0, 0.0]) == [Drawdown(0, 1, None, -1.0, 2)]


def plain_years(time: NDArray[np.datetime64], equity: list[float]) -> dict[int, float]:
    """Return the last equity of each year over that of the year before, less 1."""
    found: dict[int, float] = {}
    labels = [int(str(moment)[:4]) for moment in time]
    for year in sorted(set(labels)):
        current = [worth for worth, label in zip(equity, labels, strict=True) if label == year]
        earlier = [worth for worth, label in zip(equity, labels, strict=True) if label < year]
        before = earlier[-1] if earlier else CAPITAL
        found[year] = current[-1] / before - 1.0 if before > 0 else 0.0
    return found


@given(
    st.lists(
        st.tuples(st.integers(1, 24 * 200), st.just(0.0) | st.floats(0.3, 2.0)),
        min_size=1, max_size=60,
    ),
    st.integers(0, 9000),
)  # fmt: skip
def test_yearly_returns_equal_a_plain_implementation(
    steps: list[tuple[int, float]], first: int
) -> None:
    hours = np.cumsum([hour for hour, _ in steps]) + first
    time = np.datetime64("1965-12-30T05:00", "ns") + hours * np.timedelta64(1, "h")
    equity = np.array(list(accumulate((by for _, by in steps), mul, initial=CAPITAL))[1:])
    found = yearly_returns(time, equity, CAPITAL)
    slow = plain_years(time, equity.tolist())
    assert list(found) == list(slow)
    assert list(found.values()) == pytest.approx(list(slow.values()), rel=1e-12)
    whole = math.prod(1.0 + each for each in found.values())
    assert whole == pytest.approx(equity[-1] / CAPITAL, rel=1e-6)


@pytest.mark.parametrize(
    ("days", "equity", "years"),
    [
        ([], [], {}),
        (["2019-12-31"], [110.0], {2019: 0.1}),
        (["2019-12-31", "2020-01-01"], [110.0, 110.0], {2019: 0.1, 2020: 0.0}),
        (["2019-12-31T23:59", "2020-01-01T00:00"], [110.0, 55.0], {2019: 0.1, 2020: -0.5}),
        (["2019-06-01", "2022-06-01"], [200.0, 100.0], {2019: 1.0, 2022: -0.5}),
        (["1969-12-31", "1970-01-01"], [200.0, 100.0], {1969: 1.0, 1970: -0.5}),
        (["2019-06-01", "2020-06-01", "2021-06-01"], [100.0, 0.0, 0.0],
         {2019: 0.0, 2020: -1.0, 2021: 0.0}),
    ],
)  # fmt: skip
def test_yearly_returns_of_edge_cases(
    days: list[str], equity: list[float], years: dict[int, float]
) -> None:
    found = yearly_returns(np.array(days, "datetime64[ns]"), np.array(equity), CAPITAL)
    assert list(found) == list(years)
    assert list(found.values()) == pytest.approx(list(years.values()))


@pytest.mark.parametrize("seed", range(4))
def test_monthly_returns_equal_those_of_pandas_and_compound_to_years(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = np.cumsum(rng.integers(1, 900, 400)) * np.timedelta64(1, "h")
    time = np.datetime64("1968-11-30T05:00", "ns") + hours
    equity = CAPITAL * np.exp(np.cumsum(rng.normal(0, 0.05, 400)))
    found = monthly_returns(time, equity, CAPITAL)
    ends = pd.Series(equity, pd.DatetimeIndex(time)).resample("ME").last().dropna()
    before = [CAPITAL, *ends[:-1]]
    dates = pd.DatetimeIndex(ends.index)
    assert list(found) == list(zip(dates.year, dates.month, strict=True))
    assert list(found.values()) == pytest.approx((ends / before - 1).tolist())
    for year, growth in yearly_returns(time, equity, CAPITAL).items():
        months = [1 + each for (its_year, _), each in found.items() if its_year == year]
        assert math.prod(months) == pytest.approx(1 + growth)
    assert monthly_returns(time[:0], equity[:0], CAPITAL) == {}


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("seed", range(4))
def test_years_and_drawdowns_agree_with_the_metrics(fill: str, seed: int) -> None:
    program = check("strategy s { buy when rsi(close, 3) < 40 sell when rsi(close, 3) > 60 }")
    result = backtest(program, random_walk(900, seed), market(fill=fill))  # type: ignore[arg-type]
    capital = result.performance.capital
    for series, metrics in (
        (result.equity, result.metrics), (result.benchmark, result.benchmark_metrics),
    ):  # fmt: skip
        years = yearly_returns(result.time, series, capital)
        assert math.prod(1 + each for each in years.values()) == pytest.approx(
            1 + metrics["total_return"]
        )
        assert largest_drawdowns(series, capital)[0].depth == metrics["max_drawdown"]
        lengths = [each.bars for each in largest_drawdowns(series, capital, 10_000)]
        assert max(lengths) == metrics["max_drawdown_bars"]
        under = sum(
            (len(series) if each.recovery is None else each.recovery)
            - (0 if each.peak is None else each.peak + 1)
            for each in largest_drawdowns(series, capital, 10_000)
        )
        assert under == np.sum(drawdowns(series, capital) < 0)
