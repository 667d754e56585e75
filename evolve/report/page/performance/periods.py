"""Returns by month and by year, and the Sharpe ratio of each window of one year."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from evolve.analysis.periods import Time, monthly_returns, yearly_returns
from evolve.backtest.appraisal import TINY
from evolve.backtest.performance import Series
from evolve.report.formats import format_value
from evolve.report.page.blocks import Block, Column, Table
from evolve.report.page.charts import Axis, Chart, Heatmap, Mark, Trace
from evolve.report.page.performance.lines import Line, draw_lines, list_regions
from evolve.report.page.performance.windows import TrackRecord, Window

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MIN_WINDOW_BARS = 20  # of a rolling ratio

Period = TypeVar("Period")
MeasurePeriods = Callable[[Time, Series, float], dict[Period, float]]


def iterate_periods(record: TrackRecord) -> Iterator[Block]:
    """Yield the returns by month, the returns by year, and the rolling Sharpe ratio."""
    yield _build_months(record)
    years = {
        "strategy": _join_periods(record, yearly_returns, is_benchmark=False),
        "buy and hold": _join_periods(record, yearly_returns, is_benchmark=True),
    }
    yield _build_years(years)
    yield Table(
        "performance-years-table", "By year",
        (Column("year"), *[Column(name, "percent") for name in years],
         Column("difference", "percent")),
        tuple(
            (str(year), growth, years["buy and hold"][year], growth - years["buy and hold"][year])
            for year, growth in years["strategy"].items()
        ),
    )  # fmt: skip
    yield from _iterate_rolling(record)


def measure_rolling_sharpe(excess: Series, window_bars: int, bars_per_year: float) -> Series:
    """Measure the annualized Sharpe ratio of each window of returns.

    Args:
        excess: float64[return], returns in excess of cash.
        window_bars: returns of a window, at least 2.
        bars_per_year: A.

    Returns:
        float64[return], the ratio of the window that ends there; NaN before the first, and 0 where
        returns do not vary.
    """
    import pandas as pd

    rolling = pd.Series(excess).rolling(window_bars)
    mean, deviation = rolling.mean().to_numpy(), rolling.std().to_numpy()
    varies = deviation > TINY
    ratio = np.divide(mean, deviation, out=np.zeros(len(excess)), where=varies)
    return np.where(np.isnan(deviation), math.nan, math.sqrt(bars_per_year) * ratio)


def _join_periods(
    record: TrackRecord, measure: MeasurePeriods[Period], is_benchmark: bool
) -> dict[Period, float]:
    """Return the return of each period; a period in two parts has the product of their growths."""
    growths: dict[Period, float] = {}
    for window in record.windows:
        result = window.result
        equity = result.benchmark if is_benchmark else result.equity
        for period, growth in measure(result.time, equity, result.performance.capital).items():
            growths[period] = growths.get(period, 1.0) * (1.0 + growth)
    return {period: growth - 1.0 for period, growth in growths.items()}


def _build_months(record: TrackRecord) -> Heatmap:
    months = _join_periods(record, monthly_returns, is_benchmark=False)
    years = sorted({year for year, _ in months})
    best, worst = max(months, key=months.__getitem__), min(months, key=months.__getitem__)
    gains = sum(each > 0 for each in months.values())
    return Heatmap(
        "performance-months",
        "Return of each month",
        "Return of the strategy by month and year, net of costs. "
        f"It gains in {gains} of {len(months)} months; the best is {_name_month(months, best)}, "
        f"the worst {_name_month(months, worst)}.",
        MONTHS,
        tuple(str(year) for year in years),
        tuple(tuple(months.get((year, month)) for month in range(1, 13)) for year in years),
    )


def _name_month(months: Mapping[tuple[int, int], float], key: tuple[int, int]) -> str:
    year, month = key
    return f"{MONTHS[month - 1]} {year} ({format_value(months[key], 'percent')})"


def _build_years(years: Mapping[str, Mapping[int, float]]) -> Chart:
    own, held = years["strategy"], years["buy and hold"]
    labels = tuple(str(year) for year in own)
    above = sum(own[year] > held[year] for year in own)
    return Chart(
        "performance-years",
        "Return of each year",
        "Return by calendar year, net of costs; the first and the last year may be shorter. "
        f"The strategy is above buy and hold in {above} of {len(own)} years.",
        Axis("year", "category", "text"),
        Axis("return", "linear", "percent"),
        (
            Trace("buy and hold", labels, tuple(held.values()), "bars", "benchmark"),
            Trace("strategy", labels, tuple(own.values()), "bars", "strategy"),
        ),
    )


def _iterate_rolling(record: TrackRecord) -> Iterator[Chart]:
    """Yield the chart of the rolling Sharpe ratio, unless every part is shorter than a year."""
    lines = [
        Line("buy and hold", "benchmark", lambda window: _roll(window, is_benchmark=True)),
        Line("strategy", "strategy", lambda window: _roll(window, is_benchmark=False)),
    ]
    traces = draw_lines(record, lines)
    if not traces:
        return
    own = np.concatenate([each.measure(window) for each in lines[1:] for window in record.windows])
    known = own[np.isfinite(own)]
    yield Chart(
        "performance-rolling-sharpe",
        "Sharpe ratio of the last year",
        "Annualized Sharpe ratio of the returns of the last year at each bar. A window never spans "
        "two parts, so that each part begins with a year without a value. That of the strategy is "
        f"between {format_value(float(known.min()), 'ratio')} and "
        f"{format_value(float(known.max()), 'ratio')}, and above 0 on "
        f"{format_value(float(np.mean(known > 0)), 'percent')} of the bars.",
        Axis("time", "time", "time"),
        Axis("Sharpe ratio of one year", "linear", "ratio"),
        traces,
        regions=list_regions(record),
        marks=(Mark("0", 0.0, "y", "neutral"),),
    )


def _roll(window: Window, is_benchmark: bool) -> Series:
    """Return float64[bar], the Sharpe ratio of the year up to each bar."""
    run = window.result.performance
    excess = run.benchmark_excess if is_benchmark else run.excess
    window_bars = round(run.bars_per_year)
    unknown = np.full(len(run.equity), math.nan)
    if not MIN_WINDOW_BARS <= window_bars <= len(excess):
        return unknown
    unknown[1:] = measure_rolling_sharpe(excess, window_bars, run.bars_per_year)
    return unknown
