"""Stops, trails, targets and time exits: hand-worked ledgers of six bars."""

from __future__ import annotations

import pytest

from dsl.analysis.check import check
from dsl.diagnostics import LanguageError
from evolve.backtest.backtest import backtest
from tests.backtest.ledger import assert_ledger, bars_of, free, play, trades_of

STILL = """
    bar  open  high  low  close  says
    0    10    10    10   10     {says}
    1    10    10    10   10     -
    {two}
    3    10    10    10   10     -
    4    10    10    10   10     -
    5    10    10    10   10     -
"""


def third(two: str, says: str = "buy") -> str:
    """A still market at 10, entered on bar 1, but for its bar 2."""
    return STILL.format(says=says, two=f"2    {two}     -")


# -- stop and target


def test_a_stop_fills_at_its_level() -> None:
    # Long 100 at 10; the level is 10 - 10% = 9; bar 2 opens at 9.5 and falls to 8.
    assert_ledger(
        play(third("9.5   10    8    9.5"), "stop 10%"),
        ["long 1->2 100@10->9 stop"],
        [1000, 1000, 900, 900, 900, 900],
    )


def test_a_stop_is_hit_at_its_very_level() -> None:
    result = play(third("9.5   10    9    9.5"), "stop 10%")
    assert trades_of(result) == ["long 1->2 100@10->9 stop"]


def test_a_bar_that_stays_above_the_stop_leaves_the_position() -> None:
    result = play(third("9.5   10    9.01 9.5"), "stop 10%")
    assert trades_of(result) == ["long 1->5 100@10->10 end"]


def test_a_gap_through_a_stop_fills_at_the_open() -> None:
    assert_ledger(
        play(third("7     8     6    7"), "stop 10%"),
        ["long 1->2 100@10->7 stop"],
        [1000, 1000, 700, 700, 700, 700],
    )


def test_a_short_stop_mirrors_and_fills_at_the_worse_of_open_and_level() -> None:
    assert trades_of(play(third("10.5  11    10   10", "short"), "stop 10%")) == [
        "short 1->2 100@10->11 stop"
    ]
    assert_ledger(
        play(third("13    14    12   12", "short"), "stop 10%"),
        ["short 1->2 100@10->13 stop"],
        [1000, 1000, 700, 700, 700, 700],
    )


def test_a_target_fills_at_its_level_or_a_better_open() -> None:
    assert trades_of(play(third("10.5  12    10   10"), "target 10%")) == [
        "long 1->2 100@10->11 target"
    ]
    assert trades_of(play(third("13    14    12   13"), "target 10%")) == [
        "long 1->2 100@10->13 target"
    ]
    assert trades_of(play(third("9.5   10    8    9", "short"), "target 10%")) == [
        "short 1->2 100@10->9 target"
    ]
    assert trades_of(play(third("7     8     6    7", "short"), "target 10%")) == [
        "short 1->2 100@10->7 target"
    ]


def test_a_stop_slips_and_a_target_does_not() -> None:
    # Slippage 1%: bought at 10.1; the distances count from 10, before slippage.
    stopped = play(third("9.5   10    8    9.5"), "stop 10% target 20%", slippage_bps=100.0)
    assert trades_of(stopped) == ["long 1->2 99.0099@10.1->8.91 stop"]
    reached = play(third("10.5  13    10   12"), "stop 10% target 20%", slippage_bps=100.0)
    assert trades_of(reached) == ["long 1->2 99.0099@10.1->12 target"]
    gapped = play(third("7     8     6    7"), "stop 10%", slippage_bps=100.0)
    assert trades_of(gapped) == ["long 1->2 99.0099@10.1->6.93 stop"]
    covered = play(third("10.5  12    10   12", "short"), "stop 10%", slippage_bps=100.0)
    assert trades_of(covered) == ["short 1->2 101.01@9.9->11.11 stop"]


@pytest.mark.parametrize(("says", "level"), [("buy", "9"), ("short", "11")])
def test_the_stop_comes_before_the_target_in_one_bar(says: str, level: str) -> None:
    side = "long" if says == "buy" else "short"
    result = play(third("10    12    8    10", says), "stop 10% target 10%")
    assert trades_of(result) == [f"{side} 1->2 100@10->{level} stop"]


def test_the_entry_bar_is_exposed_whole_when_filled_at_the_open() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    10    8    10     -
        2    10    10    10   10     buy
        3    10    13    10   10     -
        4    10    10    10   10     -
        5    10    10    10   10     -
    """
    # Stopped at 9 on bar 1; then 90 shares at 10 and the target of 12 on bar 3.
    assert_ledger(
        play(table, "stop 10% target 20%"),
        ["long 1->1 100@10->9 stop", "long 3->3 90@10->12 target"],
        [1000, 900, 900, 1080, 1080, 1080],
    )


def test_the_entry_bar_is_not_exposed_when_filled_at_the_close() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    15    5    10     buy
        1    10    10    10   10     -
        2    10    10    8    8      -
        3    8     8     8    8      -
        4    8     8     8    8      -
        5    8     8     8    8      -
    """
    assert_ledger(
        play(table, "stop 10% target 20%", fill="close"),
        ["long 0->2 100@10->9 stop"],
        [1000, 1000, 900, 900, 900, 900],
    )


def test_at_the_close_a_stop_comes_before_an_exit_signal() -> None:
    table = third("10    10    8    9.5").replace("9.5     -", "9.5     sell")
    assert trades_of(play(table, "stop 10%", fill="close")) == ["long 0->2 100@10->9 stop"]


def test_no_entry_in_the_bar_of_a_stop_when_filled_at_the_close() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    10    8    10     buy
        2    10    10    10   10     -
        3    10    10    10   10     buy
        4    10    10    10   10     -
        5    10    10    10   10     -
    """
    # The entry said on bar 1, in which the stop filled, comes too late and is gone.
    assert_ledger(
        play(table, "stop 10%", fill="close"),
        ["long 0->1 100@10->9 stop", "long 3->5 90@10->10 end"],
        [1000, 900, 900, 900, 900, 900],
    )


def test_after_a_stop_the_next_open_is_the_earliest_entry() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    10    8    10     buy
        2    9     9     9    9      -
        3    9     9     9    9      -
        4    9     9     9    9      -
        5    9     9     9    9      -
    """
    assert trades_of(play(table, "stop 10%")) == [
        "long 1->1 100@10->9 stop",
        "long 2->5 100@9->9 end",
    ]


# -- distances


FROZEN = """
    bar  open  high  low  close  says
    0    10    11    9    10     buy
    1    20    25    19   20     -
    2    20    30    18.5 20     -
    3    20    20.1  18.1 20     -
    4    20    20    17   20     -
    5    20    20    20   20     -
"""


def test_a_price_distance_is_frozen_on_the_signal_bar() -> None:
    # The signal bar's range is 2, so the stop of the fill at 20 is 18, whatever ranges follow.
    assert_ledger(
        play(FROZEN, "stop high - low"),
        ["long 1->4 50@20->18 stop"],
        [1000, 1000, 1000, 1000, 900, 900],
    )


def test_a_ratio_is_frozen_and_taken_of_the_fill() -> None:
    # The signal bar's range over its close is 20%: the stop of the fill at 20 is 16, not 8.
    table = FROZEN.replace("4    20    20    17 ", "4    20    20    15 ")
    assert trades_of(play(table, "stop (high - low) / close")) == ["long 1->4 50@20->16 stop"]


def test_a_target_and_a_trail_are_frozen_on_the_signal_bar() -> None:
    assert trades_of(play(FROZEN, "target 2 * (high - low)")) == ["long 1->1 50@20->24 target"]
    assert trades_of(play(FROZEN, "trail 4 * (high - low)")) == ["long 1->3 50@20->20 trail"]


def test_a_distance_is_measured_before_slippage() -> None:
    # Slippage 1%: bought at 20.2; the stop of a range of 2 is at 18, filled at 17.82.
    assert trades_of(play(FROZEN, "stop high - low", slippage_bps=100.0)) == [
        "long 1->4 49.505@20.2->17.82 stop"
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "stop open - close",  # negative on bar 0
        "stop high - high",  # 0
        "stop close - close[3]",  # unknown
        "stop (open - close) / close",
        "trail open - close",
        "trail close - close[3]",
        "target open - close",
        "target close - close[3]",
        "stop 10% target open - close",  # one refusal is enough
    ],
)
@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("says", ["buy", "short"])
def test_a_distance_that_is_unknown_or_not_above_0_refuses_the_entry(
    setting: str, fill: str, says: str
) -> None:
    table = """
        bar  open  high  low  close  says
        0    10    12    9    11     {says}
        1    10    12    9    11     -
        2    10    12    9    11     -
        3    10    12    9    11     -
        4    10    12    9    11     -
        5    10    12    9    11     -
    """
    assert_ledger(play(table.format(says=says), setting, fill=fill), [], [1000.0] * 6)


def test_a_refused_opposite_entry_leaves_the_position() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    9    9.5    buy
        1    10    10    10   10     -
        2    10    10    10   10     short
        3    10    10    10   10     short+sell
        4    10    10    10   10     -
        5    10    10    10   10     -
    """
    # On bars 2 and 3 the stop's distance is 0: no short; only the exit rule of bar 3 leaves.
    assert trades_of(play(table, "stop 3 * (high - low)")) == ["long 1->4 100@10->10 signal"]


@pytest.mark.parametrize("setting", ["stop", "trail", "target"])
def test_a_level_is_no_distance(setting: str) -> None:
    with pytest.raises(LanguageError, match="close - "):
        check(f"strategy s {{ buy when close > open {setting} sma(close, 20) }}")


# -- trail


TRAIL = """
    bar  open  high  low  close  says
    0    10    10.5  9.5  10     buy
    1    10    12    9.5  12     -
    2    12    14    11.5 13     -
    3    13.5  13.5  12.9 13     -
    4    13    13    13   13     -
    5    13    13    13   13     -
"""


def test_a_trail_hangs_from_the_extreme_through_the_bar_before() -> None:
    # The distance is 1. Bar 1: level 10-1 = 9. Bar 2: 12-1 = 11; its own high of 14 would make
    # it 13, above its low, but raises it for bar 3 only: out at 13.
    assert_ledger(
        play(TRAIL, "trail high - low"),
        ["long 1->3 100@10->13 trail"],
        [1000, 1200, 1300, 1300, 1300, 1300],
    )


def test_the_entry_bars_own_high_does_not_raise_the_trail_it_may_hit() -> None:
    table = TRAIL.replace("1    10    12    9.5  12 ", "1    10    20    9.5  12 ")
    # Bar 1: level 9, not hit though 20-1 is. Bar 2: level 19, above its open of 12: out at 12.
    assert trades_of(play(table, "trail high - low")) == ["long 1->2 100@10->12 trail"]


def test_a_trail_at_the_close_starts_from_the_fill_not_the_entry_bars_high() -> None:
    # Filled at the close of 0, 10: bar 1 has the level 9, not 10.5-1 = 9.5 which is its low.
    # Bar 2 has 11, and bar 3 has 13.
    assert trades_of(play(TRAIL, "trail high - low", fill="close")) == [
        "long 0->3 100@10->13 trail"
    ]


def test_a_short_trail_mirrors() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10.5  9.5  10     short
        1    10    10.5  8    8      -
        2    8     8.5   6    7      -
        3    6.5   7.1   6.5  7      -
        4    7     7     7    7      -
        5    7     7     7    7      -
    """
    # Levels: 11 on bar 1, 9 on bar 2, 7 on bar 3. 100 shares short at 10, covered at 7.
    assert_ledger(
        play(table, "trail high - low"),
        ["short 1->3 100@10->7 trail"],
        [1000, 1200, 1300, 1300, 1300, 1300],
    )


def test_a_ratio_trail_keeps_the_distance_of_the_fill() -> None:
    # 10% of the fill of 10 is 1, and stays 1 when the price has doubled: 20 - 1 = 19.
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    20    10   20     -
        2    20    20    19.1 20     -
        3    20    20    18.5 20     -
        4    20    20    20   20     -
        5    20    20    20   20     -
    """
    assert trades_of(play(table, "trail 10%")) == ["long 1->3 100@10->19 trail"]


def test_the_tighter_of_stop_and_trail_counts() -> None:
    # Stop at 9. The trail of 2 starts at 8 and passes it when the high of 12 makes it 10.
    early = third("9.5   10    8    9.5")
    assert trades_of(play(early, "stop 10% trail 20%")) == ["long 1->2 100@10->9 stop"]
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    12    10   12     -
        2    12    12    8    9      -
        3    9     9     9    9      -
        4    9     9     9    9      -
        5    9     9     9    9      -
    """
    assert trades_of(play(table, "stop 10% trail 20%")) == ["long 1->2 100@10->10 trail"]


def test_a_missing_bar_moves_no_trail_and_hits_no_stop() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    12    10   12     -
        2    .     .     .    .      -
        3    12    12    10.9 12     -
        4    12    12    12   12     -
        5    12    12    12   12     -
    """
    assert trades_of(play(table, "trail 10%")) == ["long 1->3 100@10->11 trail"]


# -- hold


HOLD = """
    bar  open  high  low  close  says
    0    10    10    10   10     buy
    1    10    10    10   11     -
    2    11    12    11   12     -
    3    13    14    13   14     -
    4    15    16    15   16     -
    5    16    16    16   16     -
"""


@pytest.mark.parametrize(
    ("bars", "trade"),
    [
        (1, "long 1->2 100@10->11 hold"),
        (2, "long 1->3 100@10->13 hold"),
        (4, "long 1->5 100@10->16 hold"),
        (5, "long 1->5 100@10->16 end"),
    ],
)
def test_hold_leaves_at_the_open_that_many_bars_after_the_fill(bars: int, trade: str) -> None:
    assert trades_of(play(HOLD, f"hold {bars}")) == [trade]


@pytest.mark.parametrize(
    ("bars", "trade"),
    [
        (1, "long 0->1 100@10->11 hold"),
        (2, "long 0->2 100@10->12 hold"),
        (4, "long 0->4 100@10->16 hold"),
    ],
)
def test_hold_at_the_close_leaves_at_the_close(bars: int, trade: str) -> None:
    assert trades_of(play(HOLD, f"hold {bars}", fill="close")) == [trade]


def test_hold_ends_before_the_stop_of_its_bar() -> None:
    # Bar 3 opens at 10, where the time is up, and only then falls through the stop.
    table = third("10    10    10   10").replace("3    10    10    10 ", "3    10    10    5  ")
    assert trades_of(play(table, "stop 10% hold 2")) == ["long 1->3 100@10->10 hold"]


def test_hold_that_ends_on_a_missing_bar_leaves_at_the_next_open() -> None:
    table = HOLD.replace("3    13    14    13   14 ", "3    .     .     .    .  ")
    assert trades_of(play(table, "hold 2")) == ["long 1->4 100@10->15 hold"]


def test_a_stop_before_the_time_is_up_and_a_new_clock_for_the_next_position() -> None:
    table = """
        bar  open  high  low  close  says
        0    10    10    10   10     buy
        1    10    10    8    9      buy
        2    9     9     9    9      -
        3    9     9     9    9      -
        4    9     9     9    9      -
        5    9     9     9    9      -
    """
    assert trades_of(play(table, "stop 10% hold 2")) == [
        "long 1->1 100@10->9 stop",
        "long 2->4 100@9->9 hold",
    ]


def test_a_reversal_when_the_time_is_up() -> None:
    table = HOLD.replace("2    11    12    11   12     -", "2    11    12    11   12     short")
    assert trades_of(play(table, "hold 2"))[1] == "short 3->5 100@13->16 hold"


def test_natural_strategy_with_an_atr_stop() -> None:
    # atr(3) of constant ranges of 2 without gaps is 2; the stop of 1.5 * 2 is 3 under the fill.
    table = """
        bar  open  high  low  close  says
        0    10    11    9    10     -
        1    10    11    9    10     -
        2    10    11    9    10     -
        3    10    11    9    10     buy
        4    10    11    9    10     -
        5    10    11    6.5  10     -
    """
    text = "strategy natural { buy when close >= open and volume > 0 stop 1.5 * atr(3) }"
    result = backtest(check(text), bars_of(table), free())
    assert trades_of(result) == ["long 4->5 100@10->7 stop"]
