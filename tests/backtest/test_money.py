"""Size, costs, shorts, interest and ruin: hand-worked ledgers of six bars."""

from __future__ import annotations

import pytest

from tests.backtest.ledger import assert_ledger, play, trades_of

DOUBLE = """
    bar  open  high  low  close  says
    0    10    11    9    10     buy
    1    10    11    9    10     -
    2    10    20    10   20     sell
    3    20    21    19   20     -
    4    20    20    20   20     -
    5    20    20    20   20     -
"""


# -- size


def test_size_is_a_fraction_of_equity_at_the_fill() -> None:
    # 25% of 1000 at 10: 25 shares, cash 750.
    assert_ledger(
        play(DOUBLE, "size 25%"),
        ["long 1->3 25@10->20 signal"],
        [1000, 1000, 1250, 1250, 1250, 1250],
    )


def test_size_is_of_the_equity_of_the_fill_not_of_the_start() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    20    10   20     sell
        2    20    20    20   20     buy
        3    25    25    25   25     -
        4    25    25    25   25     -
        5    25    25    25   25     -
    """
    # 50 shares make 500; then 50% of 1500 at 25 is 30 shares.
    assert trades_of(play(table, "size 50%")) == [
        "long 1->2 50@10->20 signal",
        "long 3->5 30@25->25 end",
    ]


def test_size_is_read_on_the_signal_bar() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    12    10   11     buy
        1    10    19    10   10     -
        2    10    10    10   10     -
        3    10    10    10   10     -
        4    10    10    10   10     -
        5    10    10    10   10     -
    """
    # (high - low) / open is 20% on bar 0 and 90% on bar 1.
    assert trades_of(play(table, "size (high - low) / open")) == ["long 1->5 20@10->10 end"]


def test_size_is_capped_at_the_most_leverage() -> None:
    assert trades_of(play(DOUBLE, "size 3")) == ["long 1->3 100@10->20 signal"]
    # With leverage 2: 200 shares, cash -1000, worth 200*20 - 1000 = 3000.
    assert_ledger(
        play(DOUBLE, "size 3", max_leverage=2.0),
        ["long 1->3 200@10->20 signal"],
        [1000, 1000, 3000, 3000, 3000, 3000],
    )
    # Leverage that nobody asked for is not used.
    assert trades_of(play(DOUBLE, max_leverage=2.0)) == ["long 1->3 100@10->20 signal"]


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("says", ["buy", "short"])
@pytest.mark.parametrize(
    "size", ["0", "-50%", "(close - open) / open", "close / close[3]", "(high - high) / open"]
)
def test_a_size_that_is_unknown_or_not_above_0_means_no_order(
    size: str, says: str, fill: str
) -> None:
    result = play(DOUBLE.replace("buy", says), f"size {size}", fill=fill)
    assert_ledger(result, [], [1000.0] * 6)


def test_an_unsized_opposite_entry_leaves_the_position() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    11    10   10     buy
        1    10    10    10   10     -
        2    10    10    10   10     short
        3    10    10    10   10     -
        4    10    10    10   10     -
        5    10    10    10   10     -
    """
    assert trades_of(play(table, "size 5 * (high - low) / open")) == ["long 1->5 50@10->10 end"]


def test_a_position_is_never_resized() -> None:
    table = DOUBLE.replace("20     sell", "20     buy")
    assert trades_of(play(table, "size 25%")) == ["long 1->5 25@10->20 end"]


# -- commission and slippage


def test_commission_in_basis_points_a_side() -> None:
    # 1%: 1000/(10*1.01) shares and no cash left; sold for 20 less 1%.
    shares = 1000 / 10.1
    result = play(DOUBLE, commission_bps=100.0)
    end = shares * 20 * 0.99
    assert_ledger(
        result,
        ["long 1->3 99.0099@10->20 signal"],
        [1000, shares * 10, shares * 20, end, end, end],
    )
    assert result.trades[0].costs == pytest.approx(shares * 0.1 + shares * 0.2)
    assert result.trades[0].profit == pytest.approx(end - 1000)


def test_commission_a_share() -> None:
    # 0.5 a share: 1000/10.5 shares; sold for 19.5 each.
    shares = 1000 / 10.5
    end = shares * 19.5
    assert_ledger(
        play(DOUBLE, commission_per_share=0.5),
        ["long 1->3 95.2381@10->20 signal"],
        [1000, shares * 10, shares * 20, end, end, end],
    )


def test_commission_a_share_counts_raw_shares() -> None:
    # Adjusted prices are half the raw ones: an adjusted share is half a raw one, fee 0.25.
    table = DOUBLE.replace("says", "says   adjustment")
    head, *rows = table.strip("\n").splitlines()
    adjusted = "\n".join([head, *[f"{row}  0.5" for row in rows if row.strip()]])
    shares = 1000 / 10.25
    result = play(adjusted, commission_per_share=0.5)
    assert result.equity[-1] == pytest.approx(shares * 19.75)


def test_least_commission_of_an_order() -> None:
    # 1% of 990 is 9.90, below 10: 99 shares and a fee of 10; sold at 20 the 1% counts: 19.80.
    assert_ledger(
        play(DOUBLE, commission_bps=100.0, commission_minimum=10.0),
        ["long 1->3 99@10->20 signal"],
        [1000, 990, 1980, 1960.2, 1960.2, 1960.2],
    )
    # 25 at least: 97.5 shares, and 25 again.
    assert_ledger(
        play(DOUBLE, commission_bps=100.0, commission_minimum=25.0),
        ["long 1->3 97.5@10->20 signal"],
        [1000, 975, 1950, 1925, 1925, 1925],
    )


def test_a_budget_below_the_least_commission_buys_nothing() -> None:
    assert_ledger(play(DOUBLE, "size 1%", commission_minimum=10.0), [], [1000.0] * 6)


@pytest.mark.parametrize(
    "costs",
    [
        {"commission_bps": 150.0},
        {"commission_per_share": 0.7},
        {"commission_minimum": 40.0},
        {"slippage_bps": 200.0},
        {"slippage_range": 0.3},
        {
            "commission_bps": 50.0,
            "commission_per_share": 0.1,
            "commission_minimum": 30.0,
            "slippage_bps": 75.0,
            "slippage_range": 0.2,
        },
    ],
)
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_all_in_never_overdraws(costs: dict[str, float], fill: str) -> None:
    # Shares times the fill and the commission are the whole capital, no more.
    trade = play(DOUBLE, fill=fill, **costs).trades[0]
    traded = trade.shares * trade.entry_price
    fee = traded * costs.get("commission_bps", 0.0) * 1e-4
    fee += trade.shares * costs.get("commission_per_share", 0.0)
    assert traded + max(fee, costs.get("commission_minimum", 0.0)) == pytest.approx(1000)


def test_slippage_in_basis_points() -> None:
    # 1%: bought at 10.1, sold at 19.8.
    shares = 1000 / 10.1
    result = play(DOUBLE, slippage_bps=100.0)
    assert_ledger(
        result,
        ["long 1->3 99.0099@10.1->19.8 signal"],
        [1000, shares * 10, shares * 20, *[shares * 19.8] * 3],
    )
    assert result.trades[0].costs == pytest.approx(shares * 0.1 + shares * 0.2)


def test_slippage_as_a_fraction_of_the_bars_range() -> None:
    # 10% of the ranges of bars 1 and 3, both 2: bought at 10.2, sold at 19.8.
    assert trades_of(play(DOUBLE, slippage_range=0.1)) == ["long 1->3 98.0392@10.2->19.8 signal"]
    # At the close: 10% of 2 on bar 0, of 10 on bar 2.
    assert trades_of(play(DOUBLE, slippage_range=0.1, fill="close")) == [
        "long 0->2 98.0392@10.2->19 signal"
    ]


def test_slippage_is_against_the_one_who_shorts() -> None:
    # 1%: a quarter of 1000 sold at 9.9, bought back at 20.2.
    table = DOUBLE.replace("buy", "short").replace("sell", "cover")
    assert trades_of(play(table, "size 25%", slippage_bps=100.0)) == [
        "short 1->3 25.2525@9.9->20.2 signal"
    ]


# -- shorts


SHORT = """
    bar  open  high  low  close  says   date
    0    10    10    10   10     short  2024-01-04
    1    10    10    10   10     -      2024-01-05
    2    9     9     9    9      cover  2024-01-08
    3    8     8     8    8      -      2024-01-09
    4    8     8     8    8      -      2024-01-10
    5    8     8     8    8      -      2024-01-11
"""


def test_a_short_is_cash_less_shares_at_their_price() -> None:
    # 100 sold at 10: cash 2000. 2000 - 100*9 = 1100; bought back at 8: 1200.
    result = play(SHORT)
    assert_ledger(result, ["short 1->3 100@10->8 signal"], [1000, 1000, 1100, 1200, 1200, 1200])
    assert result.held.tolist() == [0, -1, -1, 0, 0, 0]


def test_borrowing_costs_accrue_by_calendar_days_on_the_prior_close() -> None:
    # 365% a year is 1% a day. Over the weekend 3 days of 100*10 = 30; to Tuesday a day of 100*9.
    result = play(SHORT, borrow_bps=36_500.0)
    assert_ledger(
        result,
        ["short 1->3 100@10->8 signal"],
        [1000, 1000, 1070, 1161, 1161, 1161],
    )
    assert result.trades[0].costs == pytest.approx(39)
    assert result.trades[0].profit == pytest.approx(161)


def test_a_long_position_pays_no_borrowing() -> None:
    table = SHORT.replace("short", "buy").replace("cover", "sell")
    assert play(table, borrow_bps=36_500.0).equity[-1] == pytest.approx(800)


def test_borrowing_costs_accrue_over_missing_bars() -> None:
    # Bar 2, Monday, has no price: on Tuesday 4 days of 100*10 are due at once.
    table = SHORT.replace("2    9     9     9    9 ", "2    .     .     .    . ").replace(
        "3    8     8     8    8      - ", "3    8     8     8    8      cover"
    )
    assert_ledger(
        play(table, borrow_bps=36_500.0),
        ["short 1->4 100@10->8 signal"],
        [1000, 1000, 1000, 1160, 1152, 1152],
    )


# -- interest


def test_cash_earns_by_calendar_days() -> None:
    # 365% a year is 1% a day: Thursday to Friday 1, over the weekend 3, then 1 a day.
    table = SHORT.replace("short", "-").replace("cover", "-")
    equity = [1000, 1010, 1010 * 1.03]
    for _ in range(3):
        equity.append(equity[-1] * 1.01)
    assert_ledger(play(table, cash_rate=3.65), [], equity)


def test_interest_is_there_before_an_order_fills() -> None:
    # 1010 at Friday's open: 101 shares, no cash, so nothing is earned until Tuesday's sale.
    table = SHORT.replace("short", "buy").replace("cover", "sell")
    assert_ledger(
        play(table, cash_rate=3.65),
        ["long 1->3 101@10->8 signal"],
        [1000, 1010, 909, 808, 808 * 1.01, 808 * 1.01**2],
    )


def test_debt_earns_and_pays_no_interest() -> None:
    # Leverage 2, bought with Friday's 1010: 202 shares, cash -1010.
    table = SHORT.replace("short", "buy").replace("cover", "-")
    assert_ledger(
        play(table, "size 2", cash_rate=3.65, max_leverage=2.0),
        ["long 1->5 202@10->8 end"],
        [1000, 1010, 202 * 9 - 1010, 202 * 8 - 1010, 202 * 8 - 1010, 202 * 8 - 1010],
    )


# -- ruin


def test_equity_of_0_or_less_ends_flat_at_0() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     short
        1    10    10    10   10     -
        2    25    25    25   25     buy
        3    5     5     5    5      buy
        4    5     5     5    5      short
        5    5     5     5    5      -
    """
    # 100 short at 10: 2000 - 100*25 = -500, which is 0 and the end.
    result = play(table, cash_rate=3.65)
    assert [trade.split()[-1] for trade in trades_of(result)] == ["ruin"]
    assert result.equity.tolist()[2:] == [0, 0, 0, 0]
    assert result.held.tolist() == [0, -1, 0, 0, 0, 0]
    assert result.metrics["total_return"] == -1.0
    assert result.metrics["max_drawdown"] == -1.0


def test_a_stop_that_costs_more_than_there_is_ends_flat_at_0() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     short
        1    10    10    10   10     -
        2    25    25    5    5      buy
        3    5     5     5    5      -
        4    5     5     5    5      -
        5    5     5     5    5      -
    """
    # The gap covers 100 shares at 25 with 2000: -500. That the price closes at 5 is no help.
    assert_ledger(play(table, "stop 10%"), ["short 1->2 100@10->25 stop"], [1000, 1000, 0, 0, 0, 0])


def test_equity_of_exactly_0_is_the_end() -> None:
    table = SHORT.replace("2    9     9     9    9 ", "2    20    20    20   20")
    result = play(table)
    assert result.equity.tolist() == [1000, 1000, 0, 0, 0, 0]
    assert trades_of(result) == ["short 1->2 100@10->20 ruin"]


def test_ruin_on_the_last_bar() -> None:
    table = SHORT.replace("cover", "-").replace(
        "5    8     8     8    8 ", "5    30    30    30   30"
    )
    result = play(table)
    assert result.equity.tolist() == [1000, 1000, 1100, 1200, 1200, 0]
    assert len(result.trades) == 1


def test_a_leveraged_long_is_ruined_too() -> None:
    # 200 at 10, cash -1000; at 5 the position is worth what is owed.
    table = (
        SHORT.replace("short", "buy")
        .replace("cover", "-")
        .replace("2    9     9     9    9 ", "2    5     5     5    5 ")
    )
    result = play(table, "size 2", max_leverage=2.0)
    assert result.equity.tolist() == [1000, 1000, 0, 0, 0, 0]
