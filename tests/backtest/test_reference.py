"""The reference kernel equals an independent plain simulator, bar by bar."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsl.analysis.check import check
from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.backtest.kernels.records import REASONS
from tests.backtest.ledger import bars_from, bars_of, free, play, scripted, trades_of
from tests.backtest.reference import Terms
from tests.backtest.scripts import (
    Outcome,
    Script,
    grid_script,
    market_of,
    prices_of,
    random_script,
    replayed,
    simulated,
)

SEEDS = 1000
GRID_SEEDS = 2500


def assert_equal(script: Script) -> Outcome:
    """Compare equity on every bar and all trades of both simulators."""
    found, expected = simulated(script), replayed(script)
    close = script.terms.capital * 1e-9
    np.testing.assert_allclose(found.equity, expected.equity, rtol=1e-9, atol=close)
    assert len(found.trades) == len(expected.trades)
    for one, other in zip(found.trades, expected.trades, strict=True):
        assert (one.side, one.entry_bar, one.exit_bar, one.reason) == (
            other.side,
            other.entry_bar,
            other.exit_bar,
            other.reason,
        )
        assert astuple(one)[3:6] == pytest.approx(astuple(other)[3:6], rel=1e-9)
        assert (one.profit, one.costs) == pytest.approx(
            (other.profit, other.costs), rel=1e-9, abs=close
        )
    return found


@pytest.mark.slow
def test_random_scripts_agree() -> None:
    reasons: Counter[str] = Counter()
    for seed in range(SEEDS):
        try:
            reasons.update(trade.reason for trade in assert_equal(random_script(seed)).trades)
        except AssertionError as error:
            raise AssertionError(f"random_script({seed}): {error}") from error
    # Each exit reason occurs often.
    assert all(reasons[reason] >= 10 for reason in REASONS), reasons


def test_long_scripts_agree() -> None:
    for seed in range(5):
        assert_equal(random_script(10_000 + seed, count=3000))


@pytest.mark.slow
def test_scripts_on_a_grid_of_prices_agree() -> None:
    """Use prices that often equal a level to the last bit."""
    ties = 0
    for seed in range(GRID_SEEDS):
        script = grid_script(seed)
        try:
            outcome = assert_equal(script)
        except AssertionError as error:
            raise AssertionError(f"grid_script({seed}): {error}") from error
        lows, highs = script.bars.low[0], script.bars.high[0]
        ties += sum(
            trade.reason in ("stop", "trail", "target")
            and trade.exit_price in (lows[trade.exit_bar], highs[trade.exit_bar])
            for trade in outcome.trades
        )
    assert ties > GRID_SEEDS / 10


# -- strategies in source form


def with_orders(script: Script) -> Bars:
    """Return the bars of a script with its orders written to the volume."""
    bars = script.bars
    return bars_from(bars.time, prices_of(bars), bars.adjustment[0], script.orders.astype(float))


@given(seed=st.integers(0, 10**6))
@example(seed=7)
@settings(max_examples=60, deadline=None)
def test_a_strategy_in_source_form_agrees(seed: int) -> None:
    """Write the script to the volume, and read it by rules and settings."""
    script = random_script(seed, count=60)
    rng = np.random.default_rng(seed)
    bars = script.bars
    written = with_orders(script)
    rules, chosen = [], {}
    if rng.random() < 0.5:
        rules.append("size 2 * (close - low) / (high - low)")
        with np.errstate(invalid="ignore", divide="ignore"):
            chosen["size"] = (2 * (bars.close - bars.low) / (bars.high - bars.low))[0]
    if rng.random() < 0.5:
        rules.append("stop 2 * (close - open)")
        chosen["stop"] = (2 * (bars.close - bars.open))[0]
    if rng.random() < 0.5:
        rules.append("target 3%")
        chosen["target"] = np.full(len(bars), 0.03)
    if script.terms.hold:
        rules.append(f"hold {script.terms.hold}")
    terms = script.with_terms(max_volume_share=None).terms
    reading = Script(
        bars,
        script.orders,
        chosen,
        Terms(**{**vars(terms), "ratios": frozenset({"size", "target"})}),
    )
    result = backtest(check(scripted("\n".join(rules))), written, market_of(terms))
    expected = replayed(reading)
    np.testing.assert_allclose(result.equity, expected.equity, rtol=1e-9, atol=1e-9 * terms.capital)
    assert [trade.reason for trade in result.trades] == [each.reason for each in expected.trades]
    assert [trade.profit for trade in result.trades] == pytest.approx(
        [each.profit for each in expected.trades], rel=1e-9, abs=1e-9 * terms.capital
    )


@pytest.mark.parametrize("start", [0, 1, 7, 40])
@pytest.mark.parametrize("stop", [41, 59, 60])
def test_a_window_trades_as_its_bars_alone(start: int, stop: int) -> None:
    """Use a strategy without lookback."""
    script = random_script(3, count=60)
    written = with_orders(script)
    program, market = check(scripted("stop 4% trail 6%")), market_of(script.terms)
    window = backtest(program, written, market, start, stop)
    alone = backtest(program, written.slice(start, stop), market)
    assert window.equity.tolist() == alone.equity.tolist()
    assert window.trades == alone.trades
    assert window.benchmark.tolist() == alone.benchmark.tolist()
    assert window.metrics == pytest.approx(alone.metrics, nan_ok=True)


def test_the_plain_simulator_reproduces_a_ledger() -> None:
    """Compare the plain simulator with figures computed by hand."""
    line = "10 buy | 10 12 10 12 | 12 14 11.5 13 short | 20 20 16 16 | 16 22 16 16 | 10"
    bars = bars_of(line)
    script = Script(bars, bars.volume[0].astype(np.uint8), {}, Terms())
    run = replayed(script)
    # 100 shares from 10 to 20, then 100 short from 20 to 10.
    assert run.equity == [1000, 1200, 1300, 2400, 2400, 3000]
    assert [each.reason for each in run.trades] == ["reverse", "end"]
    assert trades_of(play(line))[0].endswith("reverse")
    assert market_of(Terms()) == free()
