"""Invariants of every simulation: sums, scales and symmetries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dsl.bars import Bars
from evolve.backtest.market import FILLS
from tests.backtest.ledger import bars_from
from tests.backtest.reference import Terms
from tests.backtest.scripts import (
    Outcome,
    Script,
    prices_of,
    random_script,
    simulated,
)

seeds = st.integers(0, 10**9)
modest = settings(max_examples=80, deadline=None)


def was_ruined(outcome: Outcome) -> bool:
    return bool(np.any(outcome.equity <= 0))


@given(seed=seeds)
@modest
def test_profits_add_up_to_the_change_of_equity(seed: int) -> None:
    script = random_script(seed, 120).with_terms(cash_rate=0.0)
    outcome = simulated(script)
    assume(not was_ruined(outcome))
    profit = sum(trade.profit for trade in outcome.trades)
    capital = script.terms.capital
    assert outcome.equity[-1] - capital == pytest.approx(profit, rel=1e-9, abs=1e-9 * capital)


@given(seed=seeds)
@modest
def test_the_profit_of_a_trade_follows_from_its_fills(seed: int) -> None:
    """Compare with shares times the difference of fills, less commissions."""
    script = random_script(seed, 120).with_terms(
        cash_rate=0.0, borrow=0.0, commission_per_share=0.0, commission_minimum=0.0
    )
    for trade in simulated(script).trades:
        side = 1 if trade.side == "long" else -1
        fees = trade.shares * (trade.entry_price + trade.exit_price) * script.terms.commission
        profit = side * trade.shares * (trade.exit_price - trade.entry_price) - fees
        assert trade.profit == pytest.approx(profit, rel=1e-9, abs=1e-9 * script.terms.capital)


@given(seed=seeds)
@modest
def test_trades_follow_each_other(seed: int) -> None:
    script = random_script(seed, 120)
    outcome = simulated(script)
    for trade in outcome.trades:
        assert 0 <= trade.entry_bar <= trade.exit_bar
        assert trade.shares > 0
        assert trade.costs >= 0
    for earlier, later in zip(outcome.trades, outcome.trades[1:], strict=False):
        assert later.entry_bar >= earlier.exit_bar
    held = np.zeros(len(script.bars), np.int8)
    for trade in outcome.trades:  # held at the closes from the entry's to before the exit's
        held[trade.entry_bar : trade.exit_bar] = 1 if trade.side == "long" else -1
    assert outcome.held.tolist() == held.tolist()


@given(seed=seeds)
@modest
def test_twice_the_capital_gives_twice_the_equity(seed: int) -> None:
    script = random_script(seed, 120).with_terms(commission_minimum=0.0, max_volume_share=None)
    double = script.with_terms(capital=script.terms.capital * 2)
    once, twice = simulated(script), simulated(double)
    np.testing.assert_allclose(twice.equity, once.equity * 2, rtol=1e-9)
    assert [each.profit for each in twice.trades] == pytest.approx(
        [2 * each.profit for each in once.trades], rel=1e-9
    )


@given(seed=seeds)
@modest
def test_costs_never_increase_equity(seed: int) -> None:
    """Compare equity without leverage, interest and minimum commission."""
    script = random_script(seed, 120).with_terms(
        cash_rate=0.0, max_leverage=1.0, commission_minimum=0.0
    )
    without = script.with_terms(
        commission=0.0,
        commission_per_share=0.0,
        slippage=0.0,
        slippage_range=0.0,
        borrow=0.0,
    )
    paying, not_paying = simulated(script), simulated(without)
    assume(not was_ruined(not_paying))
    assert np.all(paying.equity <= not_paying.equity * (1 + 1e-9))
    assert all(trade.costs == 0 for trade in not_paying.trades)


@given(seed=seeds, scale=st.sampled_from([2.0**-20, 0.5, 1024.0, 3.7, 0.013]))
@modest
def test_the_scale_of_prices_changes_nothing(seed: int, scale: float) -> None:
    """Use ratios alone, as per-share fees and price distances depend on the scale."""
    script = random_script(seed, 120).with_terms(commission_per_share=0.0)
    ratios = frozenset(script.settings)
    settings = {
        rule: values if rule in script.terms.ratios else values / 100
        for rule, values in script.settings.items()
    }
    script = replace(script, settings=settings, terms=replace(script.terms, ratios=ratios))
    before, after = simulated(script), simulated(replace(script, bars=scaled(script.bars, scale)))
    np.testing.assert_allclose(after.equity, before.equity, rtol=1e-8)
    assert [(each.entry_bar, each.exit_bar, each.reason) for each in after.trades] == [
        (each.entry_bar, each.exit_bar, each.reason) for each in before.trades
    ]


def scaled(bars: Bars, scale: float) -> Bars:
    return bars_from(
        bars.time,
        [each * scale for each in prices_of(bars)],
        bars.adjustment[0],
        bars.volume[0] / scale,
    )


@given(
    seed=seeds,
    names=st.sets(st.sampled_from(["stop", "trail", "target"])),
    hold=st.sampled_from([0, 3, 9]),
    fill=st.sampled_from(FILLS),
)
@modest
def test_a_short_on_mirrored_prices_earns_as_much_as_a_long(
    seed: int, names: set[str], hold: int, fill: str
) -> None:
    """Compare exactly one position, entered at the mirror, with dyadic prices and distances."""
    rng = np.random.default_rng(seed)
    count, mirror = 24, 64.0
    open_, close = (mirror + rng.integers(-160, 160, count) / 16 for _ in range(2))
    time = np.busday_offset(np.datetime64("2024-01-01"), np.arange(count))
    open_[1] = close[0] = close[1] = mirror  # the entry fill in each market
    high = np.maximum(open_, close) + rng.integers(0, 32, count) / 16
    low = np.minimum(open_, close) - rng.integers(0, 32, count) / 16
    settings = {name: np.full(count, float(rng.integers(1, 160)) / 16) for name in sorted(names)}
    terms = Terms(capital=1024.0, fill=fill, hold=hold)
    outcomes = []
    for entry, exit_, panels in (
        (1, 2, [open_, high, low, close]),
        (4, 8, [2 * mirror - each for each in (open_, low, high, close)]),
    ):
        orders = np.zeros(count, np.uint8)
        orders[0], orders[15] = entry, exit_
        outcomes.append(simulated(Script(bars_from(time, panels), orders, settings, terms)))
    long, short = outcomes
    assert long.equity.tolist() == short.equity.tolist()
    assert long.held.tolist() == [-each for each in short.held]
    (bought,), (sold,) = long.trades, short.trades
    assert (bought.exit_bar, bought.reason) == (sold.exit_bar, sold.reason)
    assert bought.profit == sold.profit
    assert bought.exit_price == 2 * mirror - sold.exit_price


@given(seed=seeds)
@modest
def test_a_program_has_one_result_at_every_position_of_a_batch(seed: int) -> None:
    """Compare bit for bit, after another program has used the account."""
    script = random_script(seed, 60)
    edges, benchmark = [0, 20, 40], np.zeros(60)
    first, again, second = (simulated(script, edges, benchmark, program) for program in (0, 0, 1))
    assert first.trades == again.trades
    for other in (again, second):
        assert first.equity.tolist() == other.equity.tolist()
        assert first.held.tolist() == other.held.tolist()
        assert first.folds.tolist() == other.folds.tolist()


@given(seed=seeds, cut=st.integers(1, 119))
@modest
def test_later_bars_never_change_earlier_equity(seed: int, cut: int) -> None:
    """Compare up to the cut."""
    script = random_script(seed, 120)
    whole = simulated(script)
    rng = np.random.default_rng(seed + 1)
    later = script.orders.copy()
    later[cut:] = rng.integers(0, 16, len(later) - cut)
    prices = [np.concatenate([each[:cut], each[cut:] * 1.5]) for each in prices_of(script.bars)]
    bars = bars_from(script.bars.time, prices, script.bars.adjustment[0], script.bars.volume[0])
    # The last priced bar closes the position: in both it must be after the cut.
    assume(not np.all(np.isnan(bars.close[0, cut:])))
    other = simulated(replace(script, bars=bars, orders=later))
    assert other.equity[:cut].tolist() == whole.equity[:cut].tolist()
