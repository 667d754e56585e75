"""Stabilization bars of strategies, for rules with a known number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Signals, evaluate
from evolve.analysis.lookahead import find_lookahead
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of
from tests.samples import random_bars

BARS = random_walk(400, seed=2)
STARTS = (1, 7, 23, 50, 80, 120, 160)


def strategy(rules: str) -> Program:
    return check(f"strategy s {{ {rules} }}")


def stabilization_bars(rules: str, bars: Bars = BARS) -> int | None:
    found = find_lookahead(strategy(rules), bars, market())
    assert found.violations == ()
    return found.stabilization_bars


def bars_until_alike(rules: str, start: int) -> int:
    """Return the bars after which a later start gives the orders of the whole window."""
    (whole,) = evaluate(strategy(rules), BARS)
    (later,) = evaluate(strategy(rules), BARS.slice(start, len(BARS)))
    differ = np.flatnonzero(whole.orders[0, start:] != later.orders[0])
    return int(differ[-1]) + 1 if len(differ) else 0


@pytest.mark.parametrize(
    ("rules", "maximum"),
    [
        ("buy when close > open", 0),
        ("buy when close > close[1]", 1),
        ("buy when close > sma(close, 50)", 49),
        ("buy when close > highest(high, 30)[1]", 30),
        ("buy when stdev(returns(), 20) > 1%", 20),
        ("buy when count(close > open, 10) > 6", 9),
        ("buy when weekday == 1", 0),
        ("buy when close > sma(close, 10) sell when close < sma(close, 80)", 79),
    ],
)
def test_a_window_stabilizes_once_it_is_full(rules: str, maximum: int) -> None:
    found = stabilization_bars(rules)
    assert found is not None
    assert found <= maximum
    assert max(bars_until_alike(rules, start) for start in STARTS) <= maximum


def test_a_mean_of_fifty_bars_needs_49_earlier_bars() -> None:
    assert stabilization_bars("buy when sma(close, 50) > 0 * close") == 49


def test_an_exponential_mean_stabilizes_later_than_a_simple_one() -> None:
    simple = stabilization_bars("buy when close > sma(close, 50)")
    exponential = stabilization_bars("buy when close > ema(close, 50)")
    assert simple is not None
    assert exponential is not None
    assert simple < exponential <= 190


def test_of_several_symbols_the_slowest_counts() -> None:
    program = "buy when close > sma(close, 40)"
    assert stabilization_bars(program, random_bars(4, 400, 3)) == 39
    assert stabilization_bars(program, panel_of(3)) is not None


def test_a_strategy_without_signals_needs_no_bars() -> None:
    assert stabilization_bars("buy when close < 0 * close") == 0


def test_a_running_total_never_stabilizes() -> None:
    assert stabilization_bars("buy when cumulate(volume) > 300 * sma(volume, 5)") is None


def test_a_difference_on_the_last_bar_means_not_stable() -> None:
    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        (signals,) = evaluate(program, bars)
        orders = signals.orders.copy()
        orders[:, -1] = 1 if len(bars) == len(BARS) else 2
        return (replace(signals, orders=orders),)

    program = strategy("buy when close > sma(close, 5)")
    assert find_lookahead(program, BARS, market(), read=read).stabilization_bars is None


def test_an_unknown_stop_delays_stabilization() -> None:
    """Use a stop that is unknown, and refuses entries, for 99 bars."""
    rules = "buy when close > open sell when close < open stop 3 * atr(100)"
    whole = backtest(strategy(rules), BARS, market())
    later = backtest(strategy(rules), BARS.slice(100, 400), market())
    since = [trade for trade in whole.trades if trade.entry_time > BARS.time[101]]
    missed = sum(trade.entry_time < later.trades[0].entry_time for trade in since)
    assert missed > 5
    found = stabilization_bars(rules)
    assert found is None or found >= 99
