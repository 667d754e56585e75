"""When and at which price orders fill: hand-worked ledgers of six bars."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from tests.backtest.ledger import assert_ledger, bars_of, free, play, trades_of

RISE = """
    bar  open  high  low  close  says
    0    10    11    9    10     buy
    1    12.5  13    11   12     -
    2    12    15    12   14     sell
    3    15    16    13   16     -
    4    16    17    15   16     -
    5    16    16    16   16     -
"""


def test_a_signal_fills_at_the_next_open() -> None:
    # buy: 1000 / 12.5 = 80 shares at the open of 1; worth 80*12 and 80*14; out at 15 = 1200.
    assert_ledger(play(RISE), ["long 1->3 80@12.5->15 signal"], [1000, 960, 1120, 1200, 1200, 1200])


def test_fill_close_fills_at_the_close_of_the_signal_bar() -> None:
    # buy: 1000 / 10 = 100 shares at the close of 0; worth 1200; out at the close of 2 = 1400.
    assert_ledger(
        play(RISE, fill="close"),
        ["long 0->2 100@10->14 signal"],
        [1000, 1200, 1400, 1400, 1400, 1400],
    )


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_an_entry_signal_on_the_last_bar_is_ignored(fill: str) -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     -
        1    10    11    9    10     -
        2    10    11    9    10     -
        3    10    11    9    10     -
        4    10    11    9    10     -
        5    10    11    9    10     buy
    """
    assert_ledger(play(table, fill=fill, commission_bps=10.0), [], [1000.0] * 6)


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_an_exit_signal_on_the_last_bar_is_ignored_and_the_end_closes(fill: str) -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     -
        1    10    11    9    10     -
        2    10    11    9    10     -
        3    10    11    9    10     buy
        4    10    11    9    10     -
        5    10    12    9    12     sell
    """
    entry = 4 if fill == "next_open" else 3
    assert_ledger(
        play(table, fill=fill),
        [f"long {entry}->5 100@10->12 end"],
        [1000, 1000, 1000, 1000, 1000, 1200],
    )


def test_an_order_of_the_last_bar_but_one_fills_at_the_last_open() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     -
        1    10    11    9    10     -
        2    10    11    9    10     -
        3    10    11    9    10     -
        4    10    11    9    10     buy
        5    8     11    8    10     -
    """
    # 125 shares at the open of 5, sold at its close.
    assert_ledger(play(table), ["long 5->5 125@8->10 end"], [1000, 1000, 1000, 1000, 1000, 1250])


def test_an_open_position_closes_on_the_last_close_with_costs() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     buy
        1    10    11    9    11     -
        2    11    12    9    12     -
        3    12    13    9    13     -
        4    13    14    9    14     -
        5    14    15    9    15     -
    """
    # 1% commission: 1000 / 10.1 shares, cash 0; the last close pays 1% of its value.
    shares = 1000 / 10.1
    result = play(table, commission_bps=100.0)
    assert_ledger(
        result,
        ["long 1->5 99.0099@10->15 end"],
        [1000, *(shares * close for close in (11, 12, 13, 14)), shares * 15 * 0.99],
    )


def test_the_strategy_starts_flat_and_fills_nothing_on_the_first_bar() -> None:
    table = """
        bar  open  high  low  close  says
        0    5     11    5    10     buy
        1    10    11    9    10     -
        2    10    11    9    10     sell
        3    10    11    9    10     -
        4    10    11    9    10     -
        5    10    11    9    10     -
    """
    result = play(table)
    assert_ledger(result, ["long 1->3 100@10->10 signal"], [1000.0] * 6)
    assert result.held.tolist() == [0, 1, 1, 0, 0, 0]


# -- precedence


FLAT = """
    bar  open  high  low  close  says
    0    10    11    9    10     {}
    1    10    11    9    10     {}
    2    10    11    9    10     {}
    3    10    11    9    10     {}
    4    10    11    9    10     {}
    5    10    11    9    10     {}
"""


@pytest.mark.parametrize("says", ["buy+sell", "short+cover", "buy+short", "buy+sell+short+cover"])
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_what_blocks_an_entry(says: str, fill: str) -> None:
    # A true exit rule blocks its side's entry; buy and short together do nothing.
    result = play(FLAT.format(says, "-", says, "-", says, "-"), fill=fill)
    assert_ledger(result, [], [1000.0] * 6)


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_an_exit_rule_blocks_only_its_own_side(fill: str) -> None:
    result = play(FLAT.format("short+sell", "-", "cover", "buy+cover", "-", "sell"), fill=fill)
    first, second = ("1->3", "4->5") if fill == "next_open" else ("0->2", "3->5")
    assert trades_of(result) == [
        f"short {first} 100@10->10 signal",
        f"long {second} 100@10->10 end",
    ]


def test_buy_and_short_together_neither_enter_nor_leave() -> None:
    result = play(FLAT.format("buy", "-", "buy+short", "-", "-", "-"))
    assert trades_of(result) == ["long 1->5 100@10->10 end"]


def test_exit_and_entry_of_the_same_side_leave_a_position() -> None:
    result = play(FLAT.format("buy", "-", "buy+sell", "-", "-", "-"))
    assert trades_of(result) == ["long 1->3 100@10->10 signal"]


def test_a_further_entry_signal_leaves_a_position_as_it_is() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     buy
        1    10    11    9    10     buy
        2    20    21    19   20     buy
        3    20    21    19   20     sell
        4    20    21    19   20     -
        5    20    21    19   20     -
    """
    assert trades_of(play(table, "size 50%")) == ["long 1->4 50@10->20 signal"]


REVERSAL = """
    bar  open  high  low  close  says
    0    10    10    10   10     buy
    1    10    12    10   12     -
    2    12    12    12   12     short
    3    20    20    16   16     -
    4    16    16    16   16     -
    5    10    10    10   10     -
"""


def test_an_opposite_entry_reverses_and_pays_both_sides() -> None:
    # Commission 1%. Long: a = 1000/10.1 shares, cash 0. At the open of 3: sold at 20 for
    # b = a*20*0.99; then short c = b/(20*1.01) shares, cash b + c*20*0.99. Covered at 10.
    a = 1000 / 10.1
    b = a * 20 * 0.99
    c = b / 20.2
    cash = b + c * 20 * 0.99
    result = play(REVERSAL, commission_bps=100.0)
    assert_ledger(
        result,
        ["long 1->3 99.0099@10->20 reverse", f"short 3->5 {c:g}@20->10 end"],
        [1000, a * 12, a * 12, cash - c * 16, cash - c * 16, cash - c * 10 * 1.01],
    )
    paid = [trade.costs for trade in result.trades]
    assert paid == pytest.approx([a * 0.1 + a * 0.2, c * 0.2 + c * 0.1])


def test_an_opposite_entry_reverses_at_the_close() -> None:
    # Long 100 at the close of 0; at the close of 2 sold at 12 for 1200 and short 100 at 12;
    # covered at 10: 1200 + 200.
    assert_ledger(
        play(REVERSAL, fill="close"),
        ["long 0->2 100@10->12 reverse", "short 2->5 100@12->10 end"],
        [1000, 1200, 1200, 800, 800, 1400],
    )


def test_a_short_reverses_too() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     short
        1    10    10    10   10     -
        2    10    10    10   10     buy
        3    8     8     8    8      -
        4    8     8     8    8      -
        5    8     12    8    12     -
    """
    # 100 short at 10, bought back at 8: 1200, which are 150 shares at 8, sold at 12.
    assert_ledger(
        play(table),
        ["short 1->3 100@10->8 reverse", "long 3->5 150@8->12 end"],
        [1000, 1000, 1000, 1200, 1200, 1800],
    )


def test_an_opposite_entry_that_its_exit_rule_blocks_reverses_nothing() -> None:
    result = play(FLAT.format("buy", "-", "short+cover", "-", "-", "-"))
    assert trades_of(result) == ["long 1->5 100@10->10 end"]


# -- bars without prices


GAP = """
    bar  open  high  low  close  says
    0    10    11    9    10     buy
    1    .     .     .    .      -
    2    20    20    16   16     -
    3    .     .     .    .      -
    4    25    25    25   25     sell
    5    30    30    30   30     -
"""


def test_an_order_waits_for_the_next_open_and_a_missing_bar_moves_no_mark() -> None:
    # 1000/20 = 50 shares at the open of 2; 50*16 at its close, and on the bar without a price;
    # out at the open of 5.
    result = play(GAP)
    assert_ledger(result, ["long 2->5 50@20->30 signal"], [1000, 1000, 800, 800, 1250, 1500])
    assert result.held.tolist() == [0, 0, 1, 1, 1, 0]


def test_a_missing_last_bar_closes_on_the_last_bar_with_a_price() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     buy
        1    10    11    9    10     -
        2    10    13    10   13     -
        3    13    15    13   14     buy+sell
        4    .     .     .    .      -
        5    .     .     .    .      -
    """
    assert_ledger(play(table), ["long 1->3 100@10->14 end"], [1000, 1000, 1300, 1400, 1400, 1400])


def test_a_market_without_any_price_does_nothing() -> None:
    table = """
        bar  open  high  low  close  says
        0    .     .     .    .      buy
        1    .     .     .    .      buy
        2    .     .     .    .      buy
    """
    assert_ledger(play(table), [], [1000.0] * 3)


# -- the window


STEPS = """
    bar  open  high  low  close  says
    0    10    10    10   10     -
    1    10    10    10   10     buy
    2    10    10    10   10     buy
    3    20    20    20   20     -
    4    25    25    25   25     -
    5    50    50    50   50     -
"""


def test_earlier_bars_warm_the_indicators_of_a_window() -> None:
    # The mean of three closes is known on bar 3, the window's first, from bars 1 to 3: 20 > 13.3.
    # Bought at the open of 4 (1000/25 = 40), closed at the end of the window, bar 4.
    text = "strategy warm { buy when close > sma(close, 3) sell when close < sma(close, 3) }"
    result = backtest(check(text), bars_of(STEPS), free(), 3, 5)
    assert_ledger(result, ["long 1->1 40@25->25 end"], [1000, 1000])
    assert result.time[0] == np.datetime64("2024-01-04")


def test_a_window_starts_flat_whatever_was_said_before() -> None:
    result = backtest(check("strategy s { buy when volume == 1 }"), bars_of(STEPS), free(), 3, 6)
    assert_ledger(result, [], [1000.0] * 3)


def test_a_window_closes_at_its_end() -> None:
    result = backtest(check("strategy s { buy when volume == 1 }"), bars_of(STEPS), free(), 1, 5)
    assert_ledger(result, ["long 1->3 100@10->25 end"], [1000, 1000, 2000, 2500])


def test_bars_after_a_window_change_nothing_in_it() -> None:
    bars = bars_of(STEPS)
    program = check("strategy s { buy when close >= sma(close, 2) sell when close < open }")
    whole = backtest(program, bars, free(), 1, 5)
    cut = backtest(program, bars.slice(0, 5), free(), 1, 5)
    assert whole.equity.tolist() == cut.equity.tolist()
    assert whole.trades == cut.trades
    assert whole.benchmark.tolist() == cut.benchmark.tolist()


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_window_of_no_bar_or_one_or_two_is_a_run(stop: int) -> None:
    result = backtest(check("strategy s { buy when true }"), bars_of(STEPS), free(), 0, stop)
    assert result.equity.tolist() == [1000.0] * stop


# -- the benchmark


def test_the_benchmark_buys_the_first_open_and_sells_the_last_close_with_costs() -> None:
    # Commission 1%: 1000/12.625 shares; worth 10, 12, 14 ... each; 1% of the last value.
    shares = 1000 / (12.5 * 1.01)
    table = RISE.replace("0    10    11 ", "0    12.5  13 ")
    result = play(table, commission_bps=100.0)
    closes = [10, 12, 14, 16, 16]
    assert result.benchmark.tolist() == pytest.approx(
        [*(shares * close for close in closes), shares * 16 * 0.99], rel=1e-12
    )
    assert result.holding.trades.costs.sum() == pytest.approx(
        shares * 12.5 * 0.01 + shares * 16 * 0.01
    )


def test_the_benchmark_buys_the_windows_first_open() -> None:
    result = backtest(check("strategy s { buy when false }"), bars_of(STEPS), free(), 3, 6)
    assert result.benchmark.tolist() == pytest.approx([1000, 1250, 2500])


def test_the_benchmark_waits_for_the_first_open_there_is() -> None:
    # An order waits for the next valid open: 1000/20 = 50 shares at the open of 2.
    table = GAP.replace("0    10    11    9    10 ", "0    .     .     .    .  ")
    assert play(table).benchmark.tolist() == pytest.approx([1000, 1000, 800, 800, 1250, 1500])


def test_the_benchmark_of_a_symbol_that_ends_early_is_sold_on_its_last_bar() -> None:
    # Commission 1%: sold at the close of 3, and in cash from then on, as a strategy would be.
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     -
        1    10    11    9    10     -
        2    10    13    10   13     -
        3    13    15    13   14     -
        4    .     .     .    .      -
        5    .     .     .    .      -
    """
    shares = 1000 / 10.1
    end = shares * 14 * 0.99
    assert play(table, commission_bps=100.0).benchmark.tolist() == pytest.approx(
        [shares * 10, shares * 10, shares * 13, end, end, end]
    )


def test_the_benchmark_that_cannot_pay_a_commission_stays_in_cash() -> None:
    # Nothing is bought, so nothing is sold and no commission is due, as for a strategy.
    result = play(RISE, capital=5.0, commission_minimum=6.0)
    assert_ledger(result, [], [5.0] * 6)
    assert result.benchmark.tolist() == [5.0] * 6
    assert result.holding.trades.costs.sum() == 0.0
