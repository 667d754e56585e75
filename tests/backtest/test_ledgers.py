"""Ledgers of edge cases, and settings and orders that enter nothing."""

from __future__ import annotations

import pytest

from dsl.analysis.check import check
from dsl.diagnostics import LanguageError
from evolve.backtest.backtest import backtest
from evolve.backtest.market import FILLS
from tests.backtest.edge_ledgers import (
    DOUBLE,
    EXITS,
    FILLS_AND_PRECEDENCE,
    FLAT,
    LEDGERS,
    MONEY,
)
from tests.backtest.ledger import assert_consistent, bars_of, free, play, trades_of


@pytest.mark.parametrize("name", LEDGERS)
def test_the_backtest_reproduces_a_ledger(name: str) -> None:
    each = LEDGERS[name]
    result = play(each.bars, each.rules, **each.market)
    assert trades_of(result) == each.trades
    assert_consistent(result)
    if each.equity:
        assert result.equity.tolist() == pytest.approx(each.equity, rel=1e-12)
    if each.benchmark:
        assert result.benchmark.tolist() == pytest.approx(each.benchmark, rel=1e-12)
    if each.paid:
        paid = [trade.costs for trade in result.trades] or result.holding.trades.costs.tolist()
        assert paid == pytest.approx(each.paid, rel=1e-12)


def test_ledgers_are_unique() -> None:
    assert len(LEDGERS) == len(FILLS_AND_PRECEDENCE) + len(EXITS) + len(MONEY)
    given = {(each.bars, each.rules, str(each.market)) for each in LEDGERS.values()}
    assert len(given) == len(LEDGERS)


@pytest.mark.parametrize("orders", ["buy+sell", "short+cover", "buy+short", "buy+sell+short+cover"])
@pytest.mark.parametrize("fill", FILLS)
def test_a_true_exit_or_the_opposite_entry_blocks_an_entry(orders: str, fill: str) -> None:
    result = play(f"10 {orders} | 10 | 10 {orders} | 10 | 10 {orders} | 10", fill=fill)
    assert (result.trades, result.equity.tolist()) == ((), FLAT)


@pytest.mark.parametrize(
    "setting",
    [
        "size 0",
        "size -50%",
        "size (open - close) / open",
        "size close / close[3]",  # unknown on bar 0
        "size (high - high) / open",
        "stop open - close",
        "stop high - high",
        "stop close - close[3]",
        "stop (open - close) / close",
        "trail open - close",
        "trail close - close[3]",
        "target open - close",
        "target close - close[3]",
        "stop 10% target open - close",
    ],
)
@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("order", ["buy", "short"])
def test_a_setting_that_is_unknown_or_not_above_0_refuses_the_entry(
    setting: str, fill: str, order: str
) -> None:
    result = play(f"10 12 9 11 {order} | 10 12 9 11", setting, fill=fill)
    assert (result.trades, result.equity.tolist()) == ((), FLAT)
    assert play(f"10 12 9 11 {order} | 10 12 9 11", fill=fill).trades


@pytest.mark.parametrize("setting", ["stop", "trail", "target"])
def test_a_price_level_is_not_a_distance(setting: str) -> None:
    with pytest.raises(LanguageError, match="close - "):
        check(f"strategy s {{ buy when close > open {setting} sma(close, 20) }}")


@pytest.mark.parametrize("bars", [0, 1, 2])
def test_a_window_of_at_most_two_bars_has_constant_equity(bars: int) -> None:
    result = backtest(check("strategy s { buy when true }"), bars_of("10"), free(), 0, bars)
    assert result.equity.tolist() == [1000.0] * bars


def test_a_written_strategy_with_an_atr_stop() -> None:
    # atr(3) of constant ranges of 2 without gaps is 2; the stop of 1.5 * 2 is 3 under the fill.
    calm = "10 11 9 10"
    bars = bars_of(f"{calm} | {calm} | {calm} | {calm} buy | {calm} | 10 11 6.5 10")
    text = "strategy written { buy when close >= open and volume > 0 stop 1.5 * atr(3) }"
    assert trades_of(backtest(check(text), bars, free())) == ["long 4->5 100@10->7 stop"]


COSTS: list[dict[str, float]] = [
    {"commission_bps": 150.0},
    {"commission_per_share": 0.7},
    {"commission_minimum": 40.0},
    {"slippage_bps": 200.0},
    {"slippage_range": 0.3},
    {"commission_bps": 50.0, "commission_per_share": 0.1, "commission_minimum": 30.0,
     "slippage_bps": 75.0, "slippage_range": 0.2},
]  # fmt: skip


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_all_in_never_overdraws(costs: dict[str, float], fill: str) -> None:
    """Compare the money spent on shares and commission with the capital."""
    trade = play(DOUBLE, fill=fill, **costs).trades[0]
    traded = trade.shares * trade.entry_price
    fee = traded * costs.get("commission_bps", 0.0) * 1e-4
    fee += trade.shares * costs.get("commission_per_share", 0.0)
    assert traded + max(fee, costs.get("commission_minimum", 0.0)) == pytest.approx(1000)
