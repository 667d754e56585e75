"""Charts and tables of a strategy's performance have the figures of its backtests."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.bars import Bars
from evolve.analysis.costs import measure_costs
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import market
from evolve.backtest.metrics import METRICS
from evolve.data.generators import random_walk
from evolve.report.formats import format_value
from evolve.report.html.render import encode_island
from evolve.report.page.blocks import Page, Section, Table, Text
from evolve.report.page.charts import Chart, Heatmap, Trace
from evolve.report.page.performance import iterate_performance
from evolve.report.page.performance.lines import round_values
from evolve.report.page.performance.periods import measure_rolling_sharpe
from evolve.report.page.performance.trades import MAX_TRADES, list_trades, pick_trades
from evolve.report.page.performance.windows import TrackRecord
from tests.backtest.panels import panel_of, programs, ragged, terms
from tests.report.page.records import by_name, column, in_parts, whole

DIP = "strategy dip { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 stop 3 * atr(14) }"
NEVER = "strategy never { buy when close < 0 * close }"
WALK = random_walk(1600, 3)
PARTS = in_parts(DIP, WALK)
BLOCKS = by_name(iterate_performance(PARTS))
PANEL = whole(DIP, panel_of(4))


def hourly(bars: Bars) -> Bars:
    hours = np.datetime64("2024-01-02T09:30", "ns") + np.arange(len(bars)) * np.timedelta64(1, "h")
    return replace(bars, time=hours)


def split_at_gaps(chart: Chart, name: str) -> list[list[float]]:
    """Return the values of a line by part."""
    (trace,) = [each for each in chart.traces if each.name == name]
    parts: list[list[float]] = [[]]
    for value in trace.y:
        if value is None:
            parts.append([])
        else:
            parts[-1].append(float(value))
    return parts


# -- equity


@pytest.mark.parametrize("name", ["strategy", "buy and hold"])
def test_equity_of_each_part_ends_at_its_final_equity_and_has_its_extremes(name: str) -> None:
    for window, drawn in zip(PARTS.windows, split_at_gaps(BLOCKS["equity"], name), strict=True):
        is_own = name == "strategy"
        full = window.result.equity if is_own else window.result.benchmark
        metrics = window.result.metrics if is_own else window.result.benchmark_metrics
        assert drawn[-1] == pytest.approx(metrics["final_equity"], rel=1e-7)
        assert [min(drawn), max(drawn)] == round_values(np.array([full.min(), full.max()]))
        assert len(drawn) < len(full) or len(full) < 1000


@pytest.mark.parametrize("name", ["strategy", "buy and hold"])
def test_the_lowest_point_under_water_is_the_maximum_drawdown(name: str) -> None:
    for window, drawn in zip(PARTS.windows, split_at_gaps(BLOCKS["drawdown"], name), strict=True):
        is_own = name == "strategy"
        metrics = window.result.metrics if is_own else window.result.benchmark_metrics
        assert min(drawn) == pytest.approx(metrics["max_drawdown"], rel=1e-7)
        assert max(drawn) <= 0


def test_parts_are_shaded_from_their_first_to_their_last_bar() -> None:
    split = len(PARTS.windows[0].bars)
    days = [str(each)[:10] for each in WALK.time[[0, split - 1, split, -1]]]
    regions = BLOCKS["equity"].regions
    assert [(each.name, each.role, each.start, each.end) for each in regions] == [
        ("train", "train", days[0], days[1]), ("validation", "validation", days[2], days[3]),
    ]  # fmt: skip
    assert by_name(iterate_performance(PANEL))["equity"].regions == ()


def test_equity_that_touches_zero_has_a_linear_axis() -> None:
    prices = 10.0 * np.arange(1, 40)[None]
    panels: dict[str, Any] = {name: prices.copy() for name in ("open", "high", "low", "close")}
    rising = replace(random_walk(39, 1), **panels)
    ruined = whole(
        "strategy ruin { short when close > 0 * close size 300% }", rising, market(max_leverage=3)
    )
    found = by_name(iterate_performance(ruined))
    assert ruined.windows[0].result.metrics["final_equity"] == 0
    assert found["equity"].y.kind == "linear"
    assert "linear" in found["equity"].about
    assert BLOCKS["equity"].y.kind == "log"
    assert column(found["trades"], "reason")[-1] == "ruin"


# -- tables


def test_metrics_are_those_of_the_backtests() -> None:
    table = BLOCKS["metrics"]
    assert [each.heading for each in table.columns] == [
        "metric", "train", "buy and hold on train", "validation", "buy and hold on validation",
        "meaning",
    ]  # fmt: skip
    for window in PARTS.windows:
        for heading, metrics in (
            (window.name, window.result.metrics),
            (f"buy and hold on {window.name}", window.result.benchmark_metrics),
        ):
            units = {name: metric.unit for name, metric in METRICS.items()}
            expected = [format_value(metrics[name], units[name]) for name in METRICS]
            assert column(table, heading) == expected


def test_costs_are_those_of_an_independent_backtest() -> None:
    table = BLOCKS["costs"]
    assert column(table, "part") == ["train"] * 3 + ["validation"] * 3
    assert column(table, "costs") == ["1×", "2×", "4×"] * 2
    for number, window in enumerate(PARTS.windows):
        rows = measure_costs(PARTS.program, window.bars, PARTS.market, window.start)
        own = slice(3 * number, 3 * number + 3)
        assert column(table, "appraisal ratio")[own] == [each.metric for each in rows]
        assert column(table, "total return")[own] == [each.total_return for each in rows]


def test_the_ten_largest_drawdowns_begin_with_the_maximum() -> None:
    table = BLOCKS["drawdowns"]
    depths = column(table, "depth")
    assert len(depths) == 10
    assert depths == sorted(depths)
    assert depths[0] == min(each.result.metrics["max_drawdown"] for each in PARTS.windows)


def test_profits_of_trades_sum_to_the_growth_of_equity_in_each_part() -> None:
    table = BLOCKS["trades"]
    assert table.is_long
    for window in PARTS.windows:
        profits = [
            profit
            for part, profit in zip(column(table, "part"), column(table, "profit"), strict=True)
            if part == window.name
        ]
        capital = window.result.performance.capital
        assert len(profits) == window.result.metrics["num_trades"]
        assert sum(profits) == pytest.approx(
            window.result.metrics["final_equity"] - capital, rel=1e-9
        )


def test_symbols_have_a_row_in_each_part_and_their_trades_name_them() -> None:
    found = by_name(iterate_performance(in_parts(DIP, panel_of(4))))
    table = found["symbols"]
    assert column(table, "symbol") == ["AAA", "BBB", "CCC"] * 2
    sleeves = PANEL.windows[0].result.sleeves
    rows = by_name(iterate_performance(PANEL))["symbols"]
    assert column(rows, "total return") == [each.metrics["total_return"] for each in sleeves]
    assert column(rows, "held") == [each.benchmark_metrics["total_return"] for each in sleeves]
    assert set(column(found["trades"], "symbol")) == {"AAA", "BBB", "CCC"}
    assert "symbols" not in BLOCKS
    assert "symbol" not in [each.heading for each in BLOCKS["trades"].columns]


# -- periods


def test_months_and_years_compound_to_the_growth_of_all_parts() -> None:
    grown = math.prod(1 + each.result.metrics["total_return"] for each in PARTS.windows)
    held = math.prod(1 + each.result.benchmark_metrics["total_return"] for each in PARTS.windows)
    months: Heatmap = BLOCKS["months"]
    assert months.x[::11] == ("Jan", "Dec")
    values = [each for row in months.values for each in row if each is not None]
    assert math.prod(1 + each for each in values) == pytest.approx(grown)
    table = BLOCKS["years-table"]
    assert math.prod(1 + each for each in column(table, "strategy")) == pytest.approx(grown)
    assert math.prod(1 + each for each in column(table, "buy and hold")) == pytest.approx(held)
    for trace in BLOCKS["years"].traces:
        assert list(trace.y) == column(table, trace.name)
    for year, row in zip(months.y, months.values, strict=True):
        expected = column(table, "strategy")[column(table, "year").index(year)]
        known = [each for each in row if each is not None]
        assert math.prod(1 + each for each in known) == pytest.approx(1 + expected)


@given(st.lists(st.floats(-0.2, 0.2) | st.just(0.0), min_size=3, max_size=60), st.integers(2, 20))
def test_the_rolling_ratio_equals_that_of_each_window(returns: list[float], bars: int) -> None:
    excess = np.array(returns)
    found = measure_rolling_sharpe(excess, bars, 252.0)
    for end in range(len(excess)):
        part = excess[max(0, end + 1 - bars) : end + 1]
        if len(part) < bars:
            assert math.isnan(found[end])
            continue
        deviation = float(np.std(part, ddof=1))
        expected = math.sqrt(252) * float(np.mean(part)) / deviation if deviation > 1e-9 else None
        if expected is not None:
            assert found[end] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_last_rolling_ratio_is_that_of_a_backtest_of_the_last_year() -> None:
    record = whole(DIP, random_walk(900, 5))
    (trace,) = [
        each
        for each in by_name(iterate_performance(record))["rolling-sharpe"].traces
        if each.name == "buy and hold"
    ]
    benchmark = record.windows[0].result.performance.benchmark_returns[-252:]
    expected = math.sqrt(252) * benchmark.mean() / benchmark.std(ddof=1)
    assert trace.y[-1] == pytest.approx(expected, rel=1e-6)
    assert trace.x[-1] == str(record.bars.time[-1])[:10]


def test_a_part_shorter_than_a_year_has_no_rolling_ratio() -> None:
    assert "rolling-sharpe" not in by_name(iterate_performance(whole(DIP, random_walk(250, 5))))


# -- trades


def test_the_histogram_has_all_trades_of_each_part() -> None:
    chart = BLOCKS["trade-returns"]
    assert [each.name for each in chart.traces] == ["train", "validation"]
    for window, trace in zip(PARTS.windows, chart.traces, strict=True):
        assert sum(trace.y) == pytest.approx(1)
        counts = [int(text.split("\n")[1].split(" of ")[0]) for text in trace.hover]
        assert sum(counts) == len(window.result.trades)
        returns = [each.profit / (each.shares * each.entry_price) for each in window.result.trades]
        (mark,) = [each for each in chart.marks if each.name == f"mean on {window.name}"]
        assert mark.value == pytest.approx(np.mean(returns))


def test_beyond_the_limit_the_largest_profits_and_losses_remain_in_order() -> None:
    trades = list_trades(PARTS)
    picked = pick_trades(trades, 20)
    assert [each for each in trades if each in picked] == picked
    smallest = min(abs(trade.profit) for _, trade in picked)
    assert all(abs(each[1].profit) <= smallest for each in trades if each not in picked)
    assert pick_trades(trades) == trades


def test_a_very_long_history_is_bounded_and_the_bound_is_reported() -> None:
    busy = "strategy busy { buy when close > open sell when close < open }"
    bars = hourly(random_walk(12_000, 2, 0.0, 0.05))
    found = by_name(iterate_performance(whole(busy, bars)))
    total = whole(busy, bars).windows[0].result.metrics["num_trades"]
    assert len(found["trades"].rows) == MAX_TRADES < total
    words = f"the {MAX_TRADES:,} trades with the largest profit or loss of {total:,.0f}."
    assert words in found["trades"].about
    assert words in found["price-1"].about
    assert sum(map(count_points, found["price-1"].traces)) == 2 * MAX_TRADES
    assert size_of(tuple(found.values())) < 1_600_000  # of 8 MB, 4.8 of them Plotly


def test_twenty_years_of_daily_bars_take_less_than_a_megabyte() -> None:
    record = whole(
        "strategy s { buy when close < open sell when close > open }",
        random_walk(5040, 3),
    )
    assert len(record.windows[0].result.trades) > 1000
    assert size_of(tuple(iterate_performance(record))) < 1_000_000


def count_points(trace: Trace) -> int:
    return len(trace.x) if trace.kind == "points" else 0


def size_of(blocks: Any) -> int:
    return len(encode_island(Page("", "", sections=(Section("a", "b", blocks),))))


def test_a_strategy_that_never_trades_has_its_reason_and_no_trades() -> None:
    blocks = list(iterate_performance(in_parts(NEVER, random_walk(100, 3))))
    texts = [each.text for each in blocks if isinstance(each, Text)]
    assert texts == [
        "train: never traded: `buy` was never true",
        "validation: never traded: `buy` was never true",
    ]
    found = by_name(blocks)
    assert "trades" not in found
    assert "trade-returns" not in found
    assert len(found["price-1"].traces) == 1
    blocked = "strategy s { buy when close > open sell when close > open }"
    first = next(iter(iterate_performance(whole(blocked, random_walk(100, 3)))))
    assert isinstance(first, Text)
    assert re.fullmatch(
        r"never traded: `buy` was true on (\d+) bars, but on \1: `sell` is true with `buy` and "
        "blocks it",
        first.text,
    )


def test_times_of_intraday_bars_have_minutes() -> None:
    found = by_name(iterate_performance(whole(DIP, hourly(random_walk(300, 3)))))
    assert set(map(len, column(found["trades"], "entry"))) == {len("2024-01-02T09:30")}
    assert {str(each)[13:] for each in found["price-1"].traces[0].x} == {":30"}
    assert set(map(len, column(BLOCKS["trades"], "entry"))) == {len("2024-01-02")}


@given(st.integers(0, 10**6))
@settings(max_examples=8)
def test_random_strategies_on_ragged_panels_never_raise(seed: int) -> None:
    (program,) = programs(seed, 1, with_orders=seed % 2 == 0)
    bars = ragged(seed)
    share = 0.05 if seed % 3 == 0 else None
    costs = terms(seed) if share is None else terms(seed, max_volume_share=share)
    record = in_parts(program, bars, costs) if seed % 5 else whole(program, bars, costs, 3)
    found = by_name(iterate_performance(record))
    texts = [each.about for each in found.values() if isinstance(each, (Chart, Heatmap, Table))]
    assert "nan" not in " ".join(texts).replace("finance", "")
    marks = sum(count_points(trace) for name in found if name.startswith("price")
                for trace in found[name].traces)  # fmt: skip
    assert marks == 2 * len(list_trades(record))


def test_one_to_three_bars_are_enough() -> None:
    for bars in (1, 2, 3):
        found = by_name(iterate_performance(whole(DIP, random_walk(bars, 3))))
        assert "equity" in found


def test_the_same_backtest_gives_the_same_page() -> None:
    def build(result: Backtest) -> list[Any]:
        windows = (replace(PARTS.windows[0], result=result),)
        return list(iterate_performance(TrackRecord(PARTS.program, PARTS.market, windows)))

    train = PARTS.windows[0].bars
    one, other = (backtest(PARTS.program, train, PARTS.market) for _ in range(2))
    assert build(one) == build(other)
