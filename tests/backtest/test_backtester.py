"""Backtests that share a window equal separate ones, and may start from given signals."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from dsl.bars import Bars
from dsl.evaluate import Signals, evaluate, pack_signals
from evolve.backtest.backtest import Backtest, Backtester, backtest
from evolve.backtest.metrics import METRICS, measure
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of, terms
from tests.programs import random_programs

BARS = {"one symbol": random_walk(300, 5), "three symbols": panel_of(6)}


def assert_equal(one: Backtest, other: Backtest) -> None:
    assert one.trades == other.trades
    assert one.equity.tobytes() == other.equity.tobytes()
    assert one.benchmark.tobytes() == other.benchmark.tobytes()
    assert one.held.tobytes() == other.held.tobytes()


@pytest.mark.parametrize("start", [0, 77])
@pytest.mark.parametrize("kind", BARS)
def test_a_shared_window_changes_no_backtest(kind: str, start: int) -> None:
    bars, market = BARS[kind], terms(start + len(kind))
    run = Backtester(bars, market, start, 290)
    results = [(each, run(each)) for each in random_programs(12, f"{kind} {start}")]
    assert any(result.trades for _, result in results)
    for program, result in results:
        assert_equal(result, backtest(program, bars, market, start, 290))


@pytest.mark.parametrize("kind", BARS)
def test_packed_signals_trade_like_their_program(kind: str) -> None:
    for seed, program in enumerate(random_programs(40, f"packed {kind}")):
        run = Backtester(BARS[kind], terms(seed), 50)
        packed = map(pack_signals, run.evaluate(program))
        assert_equal(run.trade(packed), run(program))


def test_signals_are_read_on_the_bars_of_the_window() -> None:
    """Trade a random order on every bar, and drop those outside the window."""
    bars, rng, program = random_walk(200, 3), Random(4), random_programs(1, 8)[0]
    (signals,) = evaluate(program, bars)
    orders = np.array([[rng.randrange(16) for _ in range(200)]], np.uint8)
    inside = orders.copy()
    inside[0, :60] = 0
    inside[0, 150:] = 0
    run = Backtester(bars, terms(2), 60, 150)

    def trade(changed: np.ndarray) -> Backtest:
        each = Signals(
            changed[:, :150].copy(), np.zeros((0, 150)), np.full((1, 4), -1), signals.is_ratio,
            np.zeros(1, np.int64),
        )  # fmt: skip
        return run.trade([pack_signals(each)])

    assert trade(orders).trades
    assert_equal(trade(orders), trade(inside))
    assert trade(np.zeros_like(orders)).trades == ()


def test_chosen_metrics_equal_those_of_all() -> None:
    result = backtest(random_programs(1, 8)[0], BARS["one symbol"], terms(1))
    everything = measure(result.performance)
    assert list(everything) == list(METRICS)
    chosen = measure(replace(result.performance), ("sharpe", "total_return"))
    assert chosen == {name: everything[name] for name in ("sharpe", "total_return")}


def test_a_panel_must_have_signals_for_each_symbol() -> None:
    bars: Bars = BARS["three symbols"]
    run = Backtester(bars, terms(1))
    signals = run.evaluate(random_programs(1, 8)[0])
    with pytest.raises(ValueError, match="longer"):
        run.trade(map(pack_signals, signals[:2]))
