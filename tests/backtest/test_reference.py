"""The compiled simulation equals a slow and plain one of the same rules, bar by bar."""

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
    """Both simulators give the same equity at every bar and the same trades."""
    found, expected = simulated(script), replayed(script)
    close = script.terms.capital * 1e-9
    np.testing.assert_allclose(found.equity, expected.equity, rtol=1e-9, atol=close)
    assert len(found.trades) == len(expected.trades)
    for own, other in zip(found.trades, expected.trades, strict=True):
        assert (own.side, own.entry_bar, own.exit_bar, own.reason) == (
            other.side,
            other.entry_bar,
            other.exit_bar,
            other.reason,
        )
        assert astuple(own)[3:6] == pytest.approx(astuple(other)[3:6], rel=1e-9)
        assert (own.profit, own.costs) == pytest.approx(
            (other.profit, other.costs), rel=1e-9, abs=close
        )
    return found


def test_random_scripts_in_random_markets() -> None:
    reasons: Counter[str] = Counter()
    for seed in range(SEEDS):
        try:
            reasons.update(trade.reason for trade in assert_equal(random_script(seed)).trades)
        except AssertionError as error:
            raise AssertionError(f"random_script({seed}): {error}") from error
    # Every way out was taken, again and again.
    assert all(reasons[reason] >= 10 for reason in REASONS), reasons


def test_long_scripts() -> None:
    for seed in range(5):
        assert_equal(random_script(10_000 + seed, count=3000))


def test_scripts_on_a_grid_of_prices() -> None:
    """Where a price often equals a level to the last bit."""
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


# -- the same through the text of a strategy


def with_orders(script: Script) -> Bars:
    """A script's bars with its orders written into the volume."""
    bars = script.bars
    return bars_from(bars.time, prices_of(bars), bars.adjustment[0], script.orders.astype(float))


@given(seed=st.integers(0, 10**6))
@example(seed=7)
@settings(max_examples=60, deadline=None)
def test_a_written_strategy_trades_what_it_says(seed: int) -> None:
    """The script is written into the volume and read back by rules and by `size` and `stop`."""
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
def test_a_window_is_a_run_of_its_own(start: int, stop: int) -> None:
    """A window trades as its bars would alone, when the strategy looks at no earlier bar."""
    script = random_script(3, count=60)
    written = with_orders(script)
    program, market = check(scripted("stop 4% trail 6%")), market_of(script.terms)
    window = backtest(program, written, market, start, stop)
    alone = backtest(program, written.slice(start, stop), market)
    assert window.equity.tolist() == alone.equity.tolist()
    assert window.trades == alone.trades
    assert window.benchmark.tolist() == alone.benchmark.tolist()
    assert window.metrics == pytest.approx(alone.metrics, nan_ok=True)


def test_the_plain_simulator_agrees_with_a_hand_worked_ledger() -> None:
    """The reference is itself held to a ledger, so that both cannot be wrong alike here."""
    line = "10 buy | 10 12 10 12 | 12 14 11.5 13 short | 20 20 16 16 | 16 22 16 16 | 10"
    bars = bars_of(line)
    script = Script(bars, bars.volume[0].astype(np.uint8), {}, Terms())
    run = replayed(script)
    # 100 shares from 10 to 20, then 100 short from 20 to 10.
    assert run.equity == [1000, 1200, 1300, 2400, 2400, 3000]
    assert [each.reason for each in run.trades] == ["reverse", "end"]
    assert trades_of(play(line))[0].endswith("reverse")
    assert market_of(Terms()) == free()
