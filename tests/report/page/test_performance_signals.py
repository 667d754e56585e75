"""Points on a chart of prices name the rule that fired, with the values that it read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsl.analysis.check import check
from dsl.bars import Bars
from dsl.evaluate import evaluate
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ORDERS, DirectionName
from evolve.backtest.backtest import Trade
from evolve.backtest.market import CLOSE, market
from evolve.data.generators import random_walk
from evolve.report.page.charts import Trace
from evolve.report.page.performance import iterate_performance
from evolve.report.page.performance.rule_values import RuleValues
from evolve.report.page.performance.signals import TradeSignals
from tests.backtest.panels import programs, ragged, terms
from tests.report.page.records import by_name, whole

WALK = random_walk(900, 3)
CLOSE_PRICES = pd.Series(WALK.close[0])
RULES = """
strategy dip {
  param oversold = 30 in 2..35
  let uptrend = close > sma(close, 50)
  buy when uptrend and rsi(close, 3) < oversold
  sell when rsi(close, 3) > 60 or not uptrend
  stop 2 * atr(14)
  target 2%
  hold 9
}
"""
BOTH = """
strategy both {
  buy when close > highest(high[1], 10)
  short when close < lowest(low[1], 10)
}
"""


def marks(text: str, bars: Bars = WALK, fill: str = "next_open") -> dict[str, Trace]:
    """Return the traces of the chart of prices by name."""
    record = whole(text, bars, market(fill=fill))  # type: ignore[arg-type]
    return {each.name: each for each in by_name(iterate_performance(record))["price-1"].traces}


def iterate_marks(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the time and the hover of each point."""
    for name, trace in marks(text).items():
        for time, hover in zip(trace.x, trace.hover, strict=False):
            yield name, str(time), hover


def locate(day: str, bars: Bars = WALK) -> int:
    (found,) = np.flatnonzero(bars.time == np.datetime64(day))
    return int(found)


# -- values


def test_an_entry_names_its_values_on_the_bar_before_the_fill() -> None:
    """Compare with pandas."""
    average = CLOSE_PRICES.rolling(50).mean()
    pattern = (
        r"buy: close = (\S+) > sma\(close, 50\) = (\S+)\n"
        r"and rsi\(close, 3\) = (\S+) < oversold = 30\n"
        r"signal (\S+), filled (\S+) at ([\d,.]+)\nlong [\d,.]+ shares"
    )
    found = [hover for name, _, hover in iterate_marks(RULES) if name == "buy"]
    assert len(found) > 20
    for hover in found:
        match = re.fullmatch(pattern, hover)
        assert match is not None, hover
        close, mean, rsi, signal, filled, _ = match.groups()
        bar = locate(signal)
        assert locate(filled) == bar + 1
        assert float(close) == pytest.approx(CLOSE_PRICES[bar], rel=1e-3)
        assert float(mean) == pytest.approx(average[bar], rel=1e-3)
        assert float(close) > float(mean)
        assert float(rsi) < 30


def test_an_exit_names_the_parts_that_were_true_or_its_setting() -> None:
    patterns = {
        "exit by rule": r"sell: (rsi\(close, 3\) = \S+ > 60|close = \S+ <= sma\(close, 50\) = \S+)"
        r"(\nand close = \S+ <= sma\(close, 50\) = \S+)?\nsignal \S+, filled",
        "stop or trail": r"stop: 2 \* atr\(14\) = \S+\nfilled",
        "target": r"target: 2%\nfilled",
        "hold": r"hold: 9\nfilled",
    }
    seen = set()
    for name, _, hover in iterate_marks(RULES):
        if name in patterns:
            seen.add(name)
            assert re.match(patterns[name], hover), hover
            assert re.search(r"\nprofit [+-][\d,.]+ \([+-]?[\d.]+%\) after \d+ bars? long$", hover)
    assert seen == set(patterns)


def test_a_reversal_names_the_opposite_entry_and_the_end_its_part() -> None:
    found = list(iterate_marks(BOTH))
    reversals = [hover for name, _, hover in found if name == "exit by rule"]
    assert reversals
    assert all(
        re.match(r"reverse, (buy: close = \S+ > highest|short: close = \S+ < lowest)", hover)
        for hover in reversals
    )
    (last,) = [hover for name, _, hover in found if name == "end"]
    assert last.startswith("end of the data\nfilled")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("close > open", r"buy: close = \S+ > open = \S+"),
        ("close > 0 * close", r"buy: close = \S+ > 0 \* close = 0"),
        ("crossover(close, sma(close, 5))",
         r"buy: crossover\(close, sma\(close, 5\)\) \(.*close = .*\)"),
        ("not close < open", r"buy: close = \S+ >= open = \S+"),
        ("close < 0 * close or close > open and volume > 0",
         r"buy: close = \S+ > open = \S+\nand volume = \S+ > 0"),
        ("rising(close, 2)", r"buy: rising\(close, 2\) \(.*\)"),
        ("true", "buy: true"),
    ],
)  # fmt: skip
def test_each_kind_of_condition_has_words(rule: str, text: str) -> None:
    program = check(f"strategy s {{ buy when {rule} }}")
    found = RuleValues(program, WALK)
    (bar, *_) = np.flatnonzero(found.orders["buy"])
    assert re.fullmatch(text, found.describe_order("buy", int(bar))), found.describe_order(
        "buy", int(bar)
    )


def test_values_that_are_nearly_equal_have_the_digits_that_tell_them_apart() -> None:
    program = check("strategy s { buy when close * 1.0000001 > close }")
    text = RuleValues(program, WALK).describe_order("buy", 400)
    match = re.search(r"1.0000001 = (\S+) > close = (\S+)$", text)
    assert match is not None, text
    assert float(match.group(1)) > float(match.group(2))


# -- bars


class Case(NamedTuple):
    """Trade of a random strategy, with the signals of its symbol and the bars of each order."""

    trade: Trade
    signals: TradeSignals
    orders: dict[str, NDArray[np.bool_]]
    delay: int


def iterate_cases(seed: int, share: float | None) -> Iterator[Case]:
    """Yield the trades of a random strategy on a ragged panel."""
    (program,) = programs(seed, 1, with_orders=seed % 2 == 0)
    bars = ragged(seed)
    costs = terms(seed) if share is None else terms(seed, max_volume_share=share)
    result = whole(program, bars, costs).windows[0].result
    for symbol, name in enumerate(bars.symbols):
        signals = TradeSignals(program, bars.select_symbol(symbol), costs)
        found, indices = evaluate(program, bars)[symbol], bars.priced_indices(symbol)
        orders: dict[str, NDArray[np.bool_]] = {each: found.order(each)[indices] for each in ORDERS}
        for trade in result.trades:
            if trade.symbol == name:
                yield Case(trade, signals, orders, 0 if costs.fill == CLOSE else 1)


@given(st.integers(0, 10**6))
@settings(max_examples=8)
def test_an_order_fills_one_bar_of_its_symbol_after_a_true_rule(seed: int) -> None:
    for trade, signals, orders, delay in iterate_cases(seed, None):
        entry = signals.explain_entry(trade)
        assert entry.bar is not None
        assert entry.bar == signals.locate(trade.entry_time) - delay
        assert orders[DIRECTION_ORDERS[trade.side].entry][entry.bar]
        leave = signals.explain_exit(trade, "end")
        if trade.reason in ("signal", "reverse"):
            assert leave.bar is not None
            assert leave.bar == signals.locate(trade.exit_time) - delay
            other: DirectionName = "short" if trade.side == "long" else "long"
            order = (
                DIRECTION_ORDERS[trade.side].exit
                if trade.reason == "signal"
                else DIRECTION_ORDERS[other].entry
            )
            assert orders[order][leave.bar]
        else:
            assert leave.bar is None


@given(st.integers(0, 10**6))
@settings(max_examples=6)
def test_with_a_cap_on_volume_signals_are_true_and_not_after_their_fill(seed: int) -> None:
    for trade, signals, orders, delay in iterate_cases(seed, 0.02):
        for explained, moment in (
            (signals.explain_entry(trade), trade.entry_time),
            (signals.explain_exit(trade, "end"), trade.exit_time),
        ):
            if explained.bar is not None:
                assert 0 <= explained.bar <= signals.locate(moment) - delay
                order = explained.text.removeprefix("reverse, ").split(":")[0]
                assert orders[order][explained.bar]


def test_fills_are_at_their_time_and_price_and_on_the_line() -> None:
    record = whole(RULES, WALK)
    traces = marks(RULES)
    trades = record.windows[0].result.trades
    assert list(traces["buy"].x) == [str(each.entry_time)[:10] for each in trades]
    assert list(traces["buy"].y) == pytest.approx([each.entry_price for each in trades], rel=1e-7)
    others = {"buy", "gain", "loss"}
    exits = sorted(str(time) for name, time, _ in iterate_marks(RULES) if name not in others)
    assert exits == sorted(str(each.exit_time)[:10] for each in trades)
    assert {each for trace in traces.values() for each in trace.x} <= set(traces["close"].x)


def test_a_line_joins_the_entry_and_the_exit_of_each_trade_by_its_profit() -> None:
    traces, trades = marks(RULES), whole(RULES, WALK).windows[0].result.trades
    for name, is_gain in (("gain", True), ("loss", False)):
        own = [each for each in trades if (each.profit > 0) == is_gain]
        days = [str(day)[:10] for each in own for day in (each.entry_time, *[each.exit_time] * 2)]
        assert own and list(traces[name].x) == days
        assert list(traces[name].y[::3]) == pytest.approx([each.entry_price for each in own])
        assert list(traces[name].y[1::3]) == pytest.approx([each.exit_price for each in own])
        assert set(traces[name].y[2::3]) == {None} and not any(traces[name].hover)


def test_a_long_line_of_prices_has_its_extremes_and_all_fills() -> None:
    bars = random_walk(9000, 5)
    record = whole(RULES, bars)
    line = marks(RULES, bars)["close"]
    assert len(line.x) < 9000
    closes = bars.close[0]
    assert max(map(float, line.y)) == pytest.approx(closes.max(), rel=1e-7)  # type: ignore[arg-type]
    assert min(map(float, line.y)) == pytest.approx(closes.min(), rel=1e-7)  # type: ignore[arg-type]
    moments = {str(each.entry_time)[:10] for each in record.windows[0].result.trades}
    assert moments <= set(line.x)


def test_of_many_symbols_those_with_the_most_trades_have_charts() -> None:
    rows = [random_walk(300, seed) for seed in range(8)]
    panels: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in rows])
        for name in ("open", "high", "low", "close", "volume", "adjustment")
    }
    bars = Bars(tuple(f"<b>{number}" for number in range(8)), rows[0].time, **panels)
    found = by_name(iterate_performance(whole(RULES, bars)))
    counts = [len(each.trades) for each in whole(RULES, bars).windows[0].result.sleeves]
    titles = [block.title for name, block in found.items() if name.startswith("price-")]
    shown = [int(title[-1]) for title in titles]
    assert len(shown) == 6
    assert sorted(shown) == shown
    hidden = [count for number, count in enumerate(counts) if number not in shown]
    assert max(hidden) <= min(counts[number] for number in shown)
    assert titles[0].startswith("Price and trades: <b>")
    assert "the table by symbol has all" in found["price-1"].about
    assert len(found["symbols"].rows) == 8
