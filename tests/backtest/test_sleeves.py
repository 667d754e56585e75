"""Properties of sleeves on ragged panels: a sleeve depends on its bars and its capital alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.bars import FIELDS, Bars
from dsl.evaluate import evaluate, values
from evolve.backtest.backtest import Backtest, Trade, backtest
from evolve.backtest.market import CLOSE, Market
from evolve.backtest.metrics import METRICS
from evolve.data.align import align
from evolve.errors import EvolveError
from tests.backtest.panels import (
    in_order,
    only,
    own_market,
    panel_of,
    programs,
    ragged,
    terms,
    whole,
    without,
)
from tests.programs import random_programs

__all__ = ["panel_of"]

SEEDS = st.integers(0, 10**6)
DAY = np.timedelta64(1, "D")
some = settings(max_examples=60)


def window_of(bars: Bars, seed: int) -> tuple[int, int]:
    """Return a random window, sometimes all bars."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.4:
        return 0, len(bars)
    first, last = np.sort(rng.integers(0, len(bars), 2))
    return int(first), int(last) + 1


def alone(bars: Bars, symbol: int, costs: Market, seed: int, start: int, stop: int) -> Backtest:
    """Backtest the bars of one symbol with its share, which earns interest until the first."""
    indices = bars.priced_indices(symbol)
    first, last = (int(each) for each in np.searchsorted(indices, [start, stop]))
    share = costs.capital / len(bars.symbols)
    idle = (bars.time[indices[first]] - bars.time[start]) / DAY
    grown = costs._replace(capital=share + share * costs.cash_rate * idle / 365.0)
    (program,) = programs(seed, 1, with_orders=seed % 3 > 0)
    return backtest(program, bars.select_symbol(symbol).slice(0, last), grown, first)


@given(seed=SEEDS)
@some
def test_a_sleeve_is_its_symbol_alone_in_any_window(seed: int) -> None:
    bars, costs = ragged(seed, with_orders=seed % 3 > 0), terms(seed)
    costs = costs._replace(max_volume_share=0.4 if seed % 2 else np.inf)
    start, stop = window_of(bars, seed)
    (program,) = programs(seed, 1, with_orders=seed % 3 > 0)
    result = backtest(program, bars, costs, start, stop)
    assert result.symbols == tuple(sleeve.symbols[0] for sleeve in result.sleeves) == bars.symbols
    for symbol, sleeve in enumerate(result.sleeves):
        indices = bars.priced_indices(symbol)
        own = indices[(indices >= start) & (indices < stop)] - start
        if not len(own):
            assert sleeve.trades == ()
            continue
        found = alone(bars, symbol, costs, seed, start, stop)
        assert sleeve.trades == found.trades
        assert sleeve.held[own].tolist() == found.held.tolist()
        near = 1e-12 if costs.cash_rate else 0.0
        assert sleeve.equity[own] == pytest.approx(found.equity, rel=near, abs=0.0)
        assert sleeve.benchmark[own] == pytest.approx(found.benchmark, rel=near, abs=0.0)


@given(seed=SEEDS)
@some
def test_a_sleeve_is_constant_between_its_bars_and_earns_interest_outside(seed: int) -> None:
    bars, costs = ragged(seed), terms(seed)
    start, stop = window_of(bars, seed)
    result = backtest(programs(seed, 1)[0], bars, costs, start, stop)
    share, time = costs.capital / len(bars.symbols), bars.time[start:stop]
    for symbol, sleeve in enumerate(result.sleeves):
        indices = bars.priced_indices(symbol)
        own = indices[(indices >= start) & (indices < stop)] - start
        first, last = (own[0], own[-1]) if len(own) else (len(time), len(time))
        before = np.arange(len(time)) < first
        earned = share * (1 + costs.cash_rate * ((time - time[0]) / DAY) / 365)
        for series in (sleeve.equity, sleeve.benchmark):
            assert series[before] == pytest.approx(earned[before], rel=1e-12)
            if len(own):
                since = (time[last:] - time[last]) / DAY
                grown = series[last] * (1 + costs.cash_rate * since / 365)
                assert series[last:] == pytest.approx(grown, rel=1e-12)
        missing = ~np.isin(np.arange(len(time)), own)
        within = np.flatnonzero(missing & ~before & (np.arange(len(time)) < last))
        for series_ in (sleeve.equity, sleeve.benchmark, sleeve.held):
            assert series_[within].tolist() == series_[within - 1].tolist()
        assert not sleeve.held[before].any()
        assert not sleeve.held[last:].any()


@given(seed=SEEDS)
@some
def test_a_portfolio_is_the_sum_of_its_sleeves(seed: int) -> None:
    bars, costs = ragged(seed), terms(seed)
    start, stop = window_of(bars, seed)
    result = backtest(programs(seed, 1)[0], bars, costs, start, stop)
    sleeves = result.sleeves
    assert result.equity == pytest.approx(sum(each.equity for each in sleeves), rel=1e-12)
    assert result.benchmark == pytest.approx(sum(each.benchmark for each in sleeves), rel=1e-12)
    assert result.held.tolist() == np.sum([each.held for each in sleeves], axis=0).tolist()
    trades = [trade for each in sleeves for trade in each.trades]
    order = sorted(trades, key=lambda each: (each.exit_time, each.symbol))
    assert [(t.exit_time, t.symbol) for t in result.trades] == [
        (t.exit_time, t.symbol) for t in order
    ]
    assert set(result.metrics) == set(METRICS)
    assert result.metrics["num_trades"] == len(trades)
    assert result.metrics["costs_paid"] == pytest.approx(sum(each.costs for each in trades))
    held = np.array([each.held != 0 for each in sleeves])
    assert result.metrics["exposure"] == pytest.approx(held.mean())
    turned = in_order(bars, list(range(len(bars.symbols)))[::-1])
    other = backtest(programs(seed, 1)[0], turned, costs, start, stop)
    assert other.trades == result.trades
    for name, value in result.metrics.items():
        assert other.metrics[name] == pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True), name


@given(seed=SEEDS)
@some
def test_a_sleeve_does_not_depend_on_other_symbols(seed: int) -> None:
    """Change the prices of other symbols and remove half of their bars."""
    bars, costs = whole(seed, 3, 120, with_orders=True), terms(seed)
    rng = np.random.default_rng(seed)
    absent = rng.random((3, 120)) < 0.3
    absent[1] = False  # has every time
    one = without(bars, absent)
    absent[2] = rng.random(120) < 0.6
    absent[0] = one.open[0] != one.open[0]
    other = without(bars, absent)
    factor = np.where(np.arange(3)[:, None] == 0, 1.0, np.exp(rng.normal(0, 0.3, (3, 120))))
    other = replace(other, **{name: getattr(other, name) * factor for name in FIELDS[:4]})
    (program,) = programs(seed, 1)
    first, second = (backtest(program, each, costs).sleeves[0] for each in (one, other))
    assert first.trades == second.trades
    assert first.equity.tolist() == second.equity.tolist()
    assert first.benchmark.tolist() == second.benchmark.tolist()


@given(seed=SEEDS, cut=st.integers(5, 110))
@some
def test_later_bars_do_not_change_earlier_results(seed: int, cut: int) -> None:
    """Change later bars and the symbols that have them, except the last bar of each."""
    bars, costs = whole(seed, 3, 120, with_orders=True), terms(seed)
    rng = np.random.default_rng(seed)
    absent = rng.random((3, 120)) < 0.25
    absent[0], absent[:, -1] = False, False
    one = without(bars, absent)
    absent[1:, cut:-1] = rng.random((2, 119 - cut)) < 0.5
    panels = {name: getattr(bars, name).copy() for name in FIELDS}
    for name in FIELDS[:4]:
        panels[name][:, cut:] *= 3.0
    panels["volume"][:, cut:] = rng.integers(0, 16, (3, 120 - cut))
    other = without(replace(bars, **panels), absent)
    (program,) = programs(seed, 1)
    first, second = backtest(program, one, costs), backtest(program, other, costs)
    assert first.equity[:cut].tolist() == second.equity[:cut].tolist()
    assert first.benchmark[:cut].tolist() == second.benchmark[:cut].tolist()
    known = [
        [trade for trade in run.trades if trade.exit_time < bars.time[cut]]
        for run in (first, second)
    ]
    assert known[0] == known[1]


@pytest.mark.slow
@given(seed=SEEDS)
@some
def test_signals_and_values_are_those_of_the_symbol_alone(seed: int) -> None:
    bars = ragged(seed, with_orders=False)
    for program in programs(seed, 3, with_orders=False):
        found_signals = evaluate(program, bars)
        rules = [term for term in program.canonical[:8] if term is not None]
        found = [values(term, bars) for term in rules]
        for symbol in range(len(bars.symbols)):
            indices, own = bars.priced_indices(symbol), bars.select_symbol(symbol)
            (expected,) = evaluate(program, own)
            assert found_signals[symbol].orders[:, indices].tolist() == expected.orders.tolist()
            assert not np.delete(found_signals[symbol].orders, indices, axis=1).any()
            np.testing.assert_array_equal(
                found_signals[symbol].settings[:, indices], expected.settings
            )
            assert np.isnan(np.delete(found_signals[symbol].settings, indices, axis=1)).all()
            for term, rows in zip(rules, found, strict=True):
                np.testing.assert_array_equal(rows[symbol, indices], values(term, own)[0])
                left = np.delete(rows[symbol], indices).astype(float)
                assert np.all(np.isnan(left) | (left == 0))


@given(seed=SEEDS)
@some
def test_equity_is_the_cash_and_the_shares_at_their_last_price(seed: int) -> None:
    """Compute equity from trades and closes, with commissions as the only cost."""
    bars = ragged(seed)
    costs = terms(
        seed, cash_rate=0, borrow_bps=0, commission_bps=10, commission_minimum=0,
        commission_per_share=0, max_leverage=1,
    )  # fmt: skip
    result = backtest(programs(seed, 1)[0], bars, costs)
    for symbol, sleeve in enumerate(result.sleeves):
        if sleeve.equity.min() <= 0:
            continue
        close = filled_forward(bars.close[symbol])
        worth = np.full(len(bars), costs.capital / len(bars.symbols))
        for trade in sleeve.trades:
            worth += moved_by(trade, bars, close)
        assert sleeve.equity == pytest.approx(worth, rel=1e-9)


def moved_by(trade: Trade, bars: Bars, close: np.ndarray) -> np.ndarray:
    """Return float64[bar], the contribution of a trade to equity."""
    entry, leave = (int(np.searchsorted(bars.time, t)) for t in (trade.entry_time, trade.exit_time))
    side = 1.0 if trade.side == "long" else -1.0
    moved = np.zeros(len(bars))
    fee = trade.shares * trade.entry_price * 10e-4
    open_for = slice(entry, leave)
    moved[open_for] = side * trade.shares * (close[open_for] - trade.entry_price) - fee
    moved[leave:] = trade.profit
    gross = side * trade.shares * (trade.exit_price - trade.entry_price)
    assert trade.profit == pytest.approx(
        gross - fee - trade.shares * trade.exit_price * 10e-4, rel=1e-9, abs=1e-9
    )
    return moved


def filled_forward(row: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(~np.isnan(row))
    if not len(known):
        return row
    latest = np.searchsorted(known, np.arange(len(row)), "right") - 1
    return np.where(latest < 0, np.nan, row[known[np.maximum(latest, 0)]])


@given(seed=SEEDS)
@some
def test_nothing_fills_on_a_missing_bar_nor_enters_on_the_last(seed: int) -> None:
    bars, costs = ragged(seed), terms(seed)
    result = backtest(programs(seed, 1)[0], bars, costs)
    for trade in result.trades:
        own = bars.select_symbol(bars.symbols.index(trade.symbol)).time.tolist()
        entry, leave = own.index(trade.entry_time.item()), own.index(trade.exit_time.item())
        assert trade.bars == leave - entry
        assert entry >= (0 if costs.fill == CLOSE else 1)
        assert trade.reason != "end" or leave == len(own) - 1
        assert entry < len(own) - 1 or costs.fill != CLOSE


@pytest.mark.parametrize("seed", range(4))
def test_bars_after_a_window_of_a_panel_have_no_effect(seed: int) -> None:
    bars, costs = panel_of(seed), terms(seed)
    for program in random_programs(5, seed + 70):
        window = backtest(program, bars, costs, 120, 300)
        cut = backtest(program, bars.slice(0, 300), costs, 120)
        assert window.equity.tolist() == cut.equity.tolist()
        assert window.benchmark.tolist() == cut.benchmark.tolist()
        assert window.trades == cut.trades
        assert len(window.time) == 180


def test_symbols_that_cannot_be_aligned_are_rejected() -> None:
    one = own_market("AAA", 1)
    with pytest.raises(EvolveError, match="duplicate symbol `AAA`"):
        align([one, own_market("AAA", 2)])
    weekly = only(own_market("BBB", 2), np.arange(0, 400, 5))
    with pytest.raises(EvolveError, match=r"bars of one length.*AAA.*BBB"):
        align([one, weekly])
