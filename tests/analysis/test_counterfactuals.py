"""Counterfactuals equal backtests of strategies that are written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.check import check
from dsl.bars import Bars
from dsl.evaluate import SignalBuffers
from dsl.evaluate.signals import unpack_signals
from dsl.syntax.vocabulary import ORDERS
from evolve.analysis.counterfactuals import Counterfactuals, measure_counterfactuals
from evolve.backtest.backtest import Backtest, Backtester
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of
from tests.samples import closing_at

BARS = random_walk(700, 21)
RUN = Backtester(BARS, market(), 60)
BOTH = (
    "buy when rsi(close, 3) < 30 and close > sma(close, 40) sell when rsi(close, 3) > 60 "
    "short when rsi(close, 3) > 80 cover when rsi(close, 3) < 50 or close > open stop 4%"
)
BOTH_CHANGED = {
    "`buy` on every bar and without `short`":
        "buy when true sell when rsi(close, 3) > 60 "
        "cover when rsi(close, 3) < 50 or close > open stop 4%",
    "`short` on every bar and without `buy`":
        "short when true sell when rsi(close, 3) > 60 "
        "cover when rsi(close, 3) < 50 or close > open stop 4%",
    "without `buy`": BOTH[BOTH.index("sell") :],
    "without `sell`": BOTH.replace("sell when rsi(close, 3) > 60 ", ""),
    "without `short`": BOTH.replace("short when rsi(close, 3) > 80 ", ""),
    "without `cover`": BOTH.replace("cover when rsi(close, 3) < 50 or close > open ", ""),
    "without `stop`": BOTH.replace(" stop 4%", ""),
    "`buy` without `rsi(close, 3) < 30`": BOTH.replace("rsi(close, 3) < 30 and ", ""),
    "`buy` with `rsi(close, 3) < 30` negated":
        BOTH.replace("rsi(close, 3) < 30", "not (rsi(close, 3) < 30)"),
    "`buy` without `close > sma(close, 40)`": BOTH.replace(" and close > sma(close, 40)", ""),
    "`buy` with `close > sma(close, 40)` negated":
        BOTH.replace("close > sma(close, 40)", "close <= sma(close, 40)"),
    "`sell` with `rsi(close, 3) > 60` negated":
        BOTH.replace("rsi(close, 3) > 60", "rsi(close, 3) <= 60"),
    "`short` with `rsi(close, 3) > 80` negated":
        BOTH.replace("rsi(close, 3) > 80", "rsi(close, 3) <= 80"),
    "`cover` with `rsi(close, 3) < 50 or close > open` negated":
        BOTH.replace("rsi(close, 3) < 50 or close > open",
                     "rsi(close, 3) >= 50 and close <= open"),
}  # fmt: skip


class Spy(Backtester):
    """Backtester that records the orders and the results of the signals that it trades."""

    def __init__(self, bars: Bars, start: int) -> None:
        super().__init__(bars, market(), start)
        self.orders: list[list[NDArray[np.uint8]]] = []
        self.results: list[Backtest] = []

    def trade(self, signals: Iterable[SignalBuffers]) -> Backtest:
        buffers = list(signals) if len(self.sleeves) == 1 else signals
        recorded: list[NDArray[np.uint8]] = []

        def read() -> Iterable[SignalBuffers]:
            for each, sleeve in zip(buffers, self.sleeves, strict=True):
                recorded.append(unpack_signals(each, len(sleeve.bars)).orders[0])
                yield each

        self.results.append(super().trade(read()))
        self.orders.append(recorded)
        return self.results[-1]


def measure(
    rules: str, run: Backtester = RUN, seed: int = 1, draws: int = 5, **more: str
) -> Counterfactuals:
    program = check(f"strategy s {{ {rules} }}")
    rng = np.random.default_rng(seed)
    return measure_counterfactuals(program, run, rng, draws=draws, **more)


@pytest.mark.parametrize("metric", ["appraisal_ratio", "sharpe"])
def test_each_row_is_the_backtest_of_the_changed_text(metric: str) -> None:
    found = measure(BOTH, metric=metric)
    assert [row.change for row in found.rows] == list(BOTH_CHANGED)
    own = RUN(check(f"strategy s {{ {BOTH} }}")).metrics
    assert found.metric == metric
    assert found.strategy == (own[metric], own["total_return"], own["num_trades"])
    for row, rules in zip(found.rows, BOTH_CHANGED.values(), strict=True):
        expected = RUN(check(f"strategy s {{ {rules} }}")).metrics
        figures = (expected[metric], expected["total_return"], expected["num_trades"])
        assert row.figures == figures, row.change
        assert row.difference == expected[metric] - own[metric]
    assert len({row.figures for row in found.rows}) > 8


def test_the_only_entry_is_not_left_out() -> None:
    changes = [row.change for row in measure("buy when close > open hold 3").rows]
    assert changes == ["`buy` on every bar", "without `hold`", "`buy` with `close > open` negated"]


def test_nested_ands_are_split_into_all_operands() -> None:
    found = measure("buy when (close > open and high > 0) and (low > 0 and volume > 0) hold 3")
    left_out = [row.change for row in found.rows if "without `" in row.change]
    assert left_out == ["without `hold`"] + [
        f"`buy` without `{text}`" for text in ("close > open", "high > 0", "low > 0", "volume > 0")
    ]


@pytest.mark.parametrize("kind", ["one symbol", "three symbols"])
def test_random_entries_are_the_same_signals_on_other_bars_of_the_window(kind: str) -> None:
    spy = Spy(BARS if kind == "one symbol" else panel_of(6), 60)
    program = check(f"strategy s {{ {BOTH} }}")
    signals = [each.orders[0] for each in spy.evaluate(program)]
    measure_counterfactuals(program, spy, np.random.default_rng(2), draws=12)
    entries = np.uint8(1 << ORDERS.index("buy") | 1 << ORDERS.index("short"))
    drawn = spy.orders[-12:]
    for symbol, (orders, sleeve) in enumerate(zip(signals, spy.sleeves, strict=True)):
        first, last = sleeve.arrays.start, sleeve.arrays.stop
        rows = np.array([each[symbol] for each in drawn])
        assert last == len(orders)
        assert (rows[:, :first] == orders[:first]).all()
        assert ((rows & ~entries) == (orders & ~entries)).all()
        expected = np.bincount(orders[first:] & entries, minlength=16)
        for row in rows:
            assert (np.bincount(row[first:] & entries, minlength=16) == expected).all()
        assert len({row.tobytes() for row in rows}) == 12
        reached = ((rows & entries)[:, first:] > 0).any(axis=0)
        assert reached.mean() > 2 * ((orders[first:] & entries) > 0).mean()


def test_the_summary_of_random_entries_is_that_of_their_backtests() -> None:
    spy, draws = Spy(BARS, 60), 40
    found = measure(BOTH, spy, draws=draws)
    metrics = [each.metrics for each in spy.results[-draws:]]
    values = [each["appraisal_ratio"] for each in metrics]
    drawn = found.random_entries
    assert drawn.draws == draws
    assert drawn.mean.metric == pytest.approx(sum(values) / draws)
    assert drawn.deviation == pytest.approx(np.std(values, ddof=1))
    assert drawn.difference == pytest.approx(drawn.mean.metric - found.strategy.metric)
    for name, mean in (
        ("total_return", drawn.mean.total_return),
        ("num_trades", drawn.mean.trades),
    ):
        assert mean == pytest.approx(sum(each[name] for each in metrics) / draws)
    at_least = [value for value in values if value >= found.strategy.metric]
    assert drawn.share == pytest.approx(len(at_least) / draws)
    assert 0 < drawn.share < 1


def test_the_draws_depend_on_the_generator_alone() -> None:
    assert measure(BOTH) == measure(BOTH, Backtester(BARS, market(), 60))
    assert measure(BOTH).random_entries != measure(BOTH, seed=2).random_entries
    assert measure(BOTH).rows == measure(BOTH, seed=2).rows


def test_entries_on_every_bar_are_the_same_on_random_bars() -> None:
    drawn = measure("buy when true sell when rsi(close, 3) > 60").random_entries
    assert (drawn.share, drawn.difference, drawn.deviation) == (1.0, 0.0, 0.0)


def test_a_metric_without_a_value_is_nan_and_never_as_good() -> None:
    """Use the win rate of a strategy that never trades, and of random entries that do not."""
    found = measure("buy when close < 0 * close hold 3", metric="win_rate")
    assert math.isnan(found.strategy.metric)
    drawn = found.random_entries
    assert math.isnan(drawn.mean.metric)
    assert math.isnan(drawn.deviation)
    assert drawn.share == 0.0
    (drift, *_) = found.rows
    assert math.isnan(drift.difference)
    assert 0 < drift.figures.metric < 1


def test_a_change_whose_equity_overflows_has_no_figures() -> None:
    rising = closing_at(np.geomspace(100.0, 1e14, 600))
    run = Backtester(rising, market(capital=1e245))
    found = measure("buy when close < 0 * close hold 3", run)
    rows = {row.change: row for row in found.rows}
    assert all(map(math.isnan, rows["`buy` on every bar"].figures))
    assert rows["without `hold`"].figures == (0.0, 0.0, 0.0)


TIED = "buy while rsi(close, 3) > 60 and close > sma(close, 40) stop 9%"
TIED_CHANGED = {
    "`buy` on every bar": "buy while true stop 9%",
    "without `sell`": TIED.replace("while", "when"),
    "without `stop`": TIED.replace(" stop 9%", ""),
    "`buy` without `rsi(close, 3) > 60`": TIED.replace("rsi(close, 3) > 60 and ", ""),
    "`buy` with `rsi(close, 3) > 60` negated":
        TIED.replace("rsi(close, 3) > 60", "rsi(close, 3) <= 60"),
    "`buy` without `close > sma(close, 40)`": TIED.replace(" and close > sma(close, 40)", ""),
    "`buy` with `close > sma(close, 40)` negated":
        TIED.replace("close > sma(close, 40)", "close <= sma(close, 40)"),
}  # fmt: skip


def test_a_change_of_a_tied_condition_changes_entry_and_exit() -> None:
    found = measure(TIED)
    assert [row.change for row in found.rows] == list(TIED_CHANGED)
    for row, rules in zip(found.rows, TIED_CHANGED.values(), strict=True):
        expected = RUN(check(f"strategy s {{ {rules} }}")).metrics
        assert row.figures.metric == expected["appraisal_ratio"], row.change


def test_the_orders_of_a_tied_side_are_shifted_together() -> None:
    spy = Spy(BARS, 60)
    rules = f"{TIED} short when rsi(close, 3) < 20 cover when rsi(close, 3) > 40"
    program = check(f"strategy s {{ {rules} }}")
    (signals,) = spy.evaluate(program)
    measure_counterfactuals(program, spy, np.random.default_rng(3), draws=8)
    own = signals.orders[0, 60:]
    buy, sell, short, cover = (np.uint8(1 << index) for index in range(len(ORDERS)))
    for (drawn,) in spy.orders[-8:]:
        tied = drawn[60:] & (buy | sell)
        shifts = [np.roll(own & (buy | sell), bars) for bars in range(len(own))]
        assert any((tied == each).all() for each in shifts)
        assert ((drawn[60:] & cover) == (own & cover)).all()
        assert (drawn[60:] & short).sum() == (own & short).sum()
    assert len({drawn.tobytes() for (drawn,) in spy.orders[-8:]}) == 8
