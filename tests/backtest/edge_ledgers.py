"""Ledgers of edge cases of fills, exits, size, costs and ruin, computed by hand on six bars.

`docs/market.md` has a ledger of each rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ledger:
    """Bars, rules and market, with the expected result.

    Attributes:
        bars: bars in the format of `ledger.bars_of`.
        trades: closed trades in the format of `ledger.trades_of`.
        equity, benchmark: values at the closes; not compared if empty.
        rules: settings of the scripted strategy.
        market: costs and fill.
        paid: costs of each trade, or of the benchmark without trades; not compared if empty.
    """

    bars: str
    trades: list[str] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    rules: str = ""
    market: dict[str, Any] = field(default_factory=dict)
    paid: list[float] = field(default_factory=list)
    benchmark: list[float] = field(default_factory=list)


CLOSE: dict[str, Any] = {"fill": "close"}
SLIPPED = {"slippage_bps": 100.0}
TAXED = {"commission_bps": 100.0}
BORROWED = {"borrow_bps": 36_500.0}  # 1 % a day
FLAT = [1000.0] * 6
# Commission 1 %: 1000 buys ALL_IN shares; the reversal sells them at 20 for `b` and shorts `c`.
ALL_IN = 1000 / 10.1
b = ALL_IN * 20 * 0.99
c = b / 20.2

LAST = "10 | 10 | 10 | 10 buy | 10 | 10 12 9 12 sell"
SAME_SIDE = "10 short+sell | 10 | 10 cover | 10 buy+cover | 10 | 10 sell"
TURN = "10 buy | 10 12 10 12 | 12 short | 20 20 16 16 | 16 | 10"
FILLS_AND_PRECEDENCE = {
    "an entry signal on the last bar is ignored, at the close too": Ledger(
        "10 | 10 | 10 | 10 | 10 | 10 buy", [], FLAT, market=CLOSE | TAXED
    ),
    "an exit signal on the last bar is ignored, and the position is closed at its end": Ledger(
        LAST, ["long 4->5 100@10->12 end"], [*FLAT[1:], 1200]
    ),
    "an exit signal on the last bar is ignored at the close": Ledger(
        LAST, ["long 3->5 100@10->12 end"], [*FLAT[1:], 1200], market=CLOSE
    ),
    "an order of the second-last bar fills at the last open": Ledger(
        "10 | 10 | 10 | 10 | 10 buy | 8 11 8 10", ["long 5->5 125@8->10 end"], [*FLAT[1:], 1250]
    ),
    "an exit rule blocks only its own side": Ledger(
        SAME_SIDE, ["short 1->3 100@10->10 signal", "long 4->5 100@10->10 end"]
    ),
    "an exit rule blocks only its own side at the close": Ledger(
        SAME_SIDE, ["short 0->2 100@10->10 signal", "long 3->5 100@10->10 end"], market=CLOSE
    ),
    "exit and entry of the same side together exit the position": Ledger(
        "10 buy | 10 | 10 buy+sell | 10", ["long 1->3 100@10->10 signal"]
    ),
    "an opposite entry blocked by its exit rule reverses nothing": Ledger(
        "10 buy | 10 | 10 short+cover | 10", ["long 1->5 100@10->10 end"]
    ),
    "a further entry signal never resizes a position": Ledger(
        "10 buy | 10 buy | 20 buy | 20 sell | 20", ["long 1->4 50@10->20 signal"], rules="size 50%"
    ),
    # Sold at 12 for 1200, and short 100; covered at 10: 1200 + 200.
    "an opposite entry reverses at the close": Ledger(
        TURN,
        ["long 0->2 100@10->12 reverse", "short 2->5 100@12->10 end"],
        [1000, 1200, 1200, 800, 800, 1400],
        market=CLOSE,
    ),
    "a missing last bar closes on the last bar with a price": Ledger(
        "10 buy | 10 | 10 13 10 13 | 13 15 13 14 buy+sell | .",
        ["long 1->3 100@10->14 end"],
        [1000, 1000, 1300, 1400, 1400, 1400],
    ),
    "a market without prices trades nothing": Ledger(". buy | . buy | . buy | .", [], FLAT),
    # 1000/20 = 50 shares at the open of 2.
    "the benchmark waits for the first open": Ledger(
        ". | . | 20 20 16 16 | . | 25 | 30", benchmark=[1000, 1000, 800, 800, 1250, 1500]
    ),
    "the costs of the benchmark are those of both its sides": Ledger(
        "10 12 10 12 | 20", market=TAXED, paid=[ALL_IN * (0.1 + 0.2)],
        benchmark=[ALL_IN * 12, *[ALL_IN * 20] * 4, ALL_IN * 20 * 0.99],
    ),
    "a benchmark that cannot pay the commission stays in cash": Ledger(
        "10 | 20", [], [5] * 6, market={"capital": 5.0, "commission_minimum": 6.0},
        benchmark=[5] * 6, paid=[0.0],
    ),
}  # fmt: skip

SPAN = "10 11 9 10 buy | 20 25 19 20 | 20 30 18.5 20 | 20 20.1 18.1 20 | 20 20 17 20 | 20"
RISE = "10 10.5 9.5 10 buy | 10 12 9.5 12 | 12 14 11.5 13 | 13.5 13.5 12.9 13 | 13"
HOLD = "10 buy | 10 10 10 11 | 11 12 11 12 | 13 14 13 14 | 15 16 15 16 | 16"
EXITS = {
    "a stop fills if the low equals its level": Ledger(
        "10 buy | 10 | 9.5 10 9 9.5 | 10", ["long 1->2 100@10->9 stop"], rules="stop 10%"
    ),
    "a bar above the stop does not exit": Ledger(
        "10 buy | 10 | 9.5 10 9.01 9.5 | 10", ["long 1->5 100@10->10 end"], rules="stop 10%"
    ),
    "a short's stop fills at its level": Ledger(
        "10 short | 10 | 10.5 11 10 10", ["short 1->2 100@10->11 stop"], rules="stop 10%"
    ),
    "a target does not slip inside a bar": Ledger(
        "10 buy | 10 | 10.5 13 10 12", ["long 1->2 99.0099@10.1->12 target"],
        rules="stop 10% target 20%", market=SLIPPED,
    ),
    "a stop filled at a gap slips": Ledger(
        "10 buy | 10 | 7 8 6 7", ["long 1->2 99.0099@10.1->6.93 stop"],
        rules="stop 10%", market=SLIPPED,
    ),
    "a short's stop slips": Ledger(
        "10 short | 10 | 10.5 12 10 12", ["short 1->2 101.01@9.9->11.11 stop"],
        rules="stop 10%", market=SLIPPED,
    ),
    "a short's stop comes before its target in one bar": Ledger(
        "10 short | 10 | 10 12 8 10", ["short 1->2 100@10->11 stop"], rules="stop 10% target 10%"
    ),
    "the entry bar is exposed to the target": Ledger(
        "10 buy | 10 13 10 10 | 10", ["long 1->1 100@10->12 target"], rules="target 20%"
    ),
    "at the close a stop comes before an exit signal": Ledger(
        "10 buy | 10 | 10 10 8 9.5 sell | 10", ["long 0->2 100@10->9 stop"],
        rules="stop 10%", market=CLOSE,
    ),
    # The range of the signal bar is 20% of its close: the stop of the fill at 20 is 16, not 8.
    "a ratio is fixed on the signal bar and applied to the fill": Ledger(
        SPAN.replace("17", "15"), ["long 1->4 50@20->16 stop"], rules="stop (high - low) / close"
    ),
    "a target is fixed on the signal bar": Ledger(
        SPAN, ["long 1->1 50@20->24 target"], rules="target 2 * (high - low)"
    ),
    "a trail is fixed on the signal bar": Ledger(
        SPAN, ["long 1->3 50@20->20 trail"], rules="trail 4 * (high - low)"
    ),
    "a price distance is measured before slippage": Ledger(
        SPAN, ["long 1->4 49.505@20.2->17.82 stop"], rules="stop high - low", market=SLIPPED
    ),
    # On bars 2 and 3 the stop distance is 0: no short; the exit rule of bar 3 closes the long.
    "a refused opposite entry does not exit the position": Ledger(
        "10 10 9 9.5 buy | 10 | 10 short | 10 short+sell | 10", ["long 1->4 100@10->10 signal"],
        rules="stop 3 * (high - low)",
    ),
    "an opposite entry without a size does not exit the position": Ledger(
        "10 11 10 10 buy | 10 | 10 short | 10", ["long 1->5 50@10->10 end"],
        rules="size 5 * (high - low) / open",
    ),
    # Bar 1: level 9, not hit though 20-1 is. Bar 2: level 19, above its open of 12: out at 12.
    "the high of the entry bar does not raise the trail on that bar": Ledger(
        RISE.replace("10 12 9.5", "10 20 9.5"), ["long 1->2 100@10->12 trail"],
        rules="trail high - low",
    ),
    # Bar 1 has the level 10-1 = 9, not 10.5-1 = 9.5, which is its low.
    "with a close fill the trail starts at the fill, not at the high of the entry bar": Ledger(
        RISE, ["long 0->3 100@10->13 trail"], rules="trail high - low", market=CLOSE
    ),
    "a missing bar neither moves a trail nor fills a stop": Ledger(
        "10 buy | 10 12 10 12 | . | 12 12 10.9 12 | 12", ["long 1->3 100@10->11 trail"],
        rules="trail 10%",
    ),
    "hold 1 exits at the next open": Ledger(
        HOLD, ["long 1->2 100@10->11 hold"], rules="hold 1"
    ),
    "hold 4 exits at the last open": Ledger(
        HOLD, ["long 1->5 100@10->16 hold"], rules="hold 4"
    ),
    "hold 5 is longer than the window": Ledger(
        HOLD, ["long 1->5 100@10->16 end"], rules="hold 5"
    ),
    "hold 1 exits at the next close": Ledger(
        HOLD, ["long 0->1 100@10->11 hold"], rules="hold 1", market=CLOSE
    ),
    "hold 4 exits at the fourth close": Ledger(
        HOLD, ["long 0->4 100@10->16 hold"], rules="hold 4", market=CLOSE
    ),
    # Bar 3 opens at 10, where the hold ends, and falls through the stop later.
    "hold ends before the stop of its bar": Ledger(
        "10 buy | 10 | 10 | 10 10 5 10 | 10", ["long 1->3 100@10->10 hold"], rules="stop 10% hold 2"
    ),
    "a hold that ends on a missing bar exits at the next open": Ledger(
        HOLD.replace("13 14 13 14", "."), ["long 1->4 100@10->15 hold"], rules="hold 2"
    ),
    "a new position counts bars from its fill": Ledger(
        "10 buy | 10 10 8 9 buy | 9", ["long 1->1 100@10->9 stop", "long 2->4 100@9->9 hold"],
        rules="stop 10% hold 2",
    ),
    "a position is reversed when its time is up": Ledger(
        HOLD.replace("11 12 11 12", "11 12 11 12 short"),
        ["long 1->3 100@10->13 reverse", "short 3->5 100@13->16 hold"], rules="hold 2",
    ),
}  # fmt: skip

DOUBLE = "10 11 9 10 buy | 10 11 9 10 | 10 20 10 20 sell | 20 21 19 20 | 20"
MONEY = {
    # 50 shares make 500; then 50% of 1500 at 25 is 30 shares.
    "size applies to the equity at the fill, not to the capital": Ledger(
        "10 buy | 10 20 10 20 sell | 20 buy | 25",
        ["long 1->2 50@10->20 signal", "long 3->5 30@25->25 end"], rules="size 50%",
    ),
    "size is capped at the equity by default": Ledger(
        DOUBLE, ["long 1->3 100@10->20 signal"], rules="size 3"
    ),
    "leverage is not used without a size above 1": Ledger(
        DOUBLE, ["long 1->3 100@10->20 signal"], market={"max_leverage": 2.0}
    ),
    "commission is paid on both sides": Ledger(
        DOUBLE, ["long 1->3 99.0099@10->20 signal"],
        [1000, ALL_IN * 10, ALL_IN * 20, *[ALL_IN * 20 * 0.99] * 3],
        market=TAXED, paid=[ALL_IN * (0.1 + 0.2)],
    ),
    "slippage is paid on both sides": Ledger(
        DOUBLE, ["long 1->3 99.0099@10.1->19.8 signal"],
        [1000, ALL_IN * 10, ALL_IN * 20, *[ALL_IN * 19.8] * 3],
        market=SLIPPED, paid=[ALL_IN * (0.1 + 0.2)],
    ),
    "a reversal pays twice": Ledger(
        TURN, ["long 1->3 99.0099@10->20 reverse", f"short 3->5 {c:g}@20->10 end"],
        market=TAXED, paid=[ALL_IN * (0.1 + 0.2), c * (0.2 + 0.1)],
    ),
    "the minimum commission is paid on both sides": Ledger(
        DOUBLE, ["long 1->3 97.5@10->20 signal"], [1000, 975, 1950, 1925, 1925, 1925],
        market=TAXED | {"commission_minimum": 25.0}, paid=[50.0],
    ),
    "a budget below the minimum commission buys nothing": Ledger(
        DOUBLE, [], FLAT, rules="size 1%", market={"commission_minimum": 10.0}
    ),
    # 10% of a range of 2 on bar 0, of 10 on bar 2.
    "slippage of a close fill is a fraction of the range of the signal bar": Ledger(
        DOUBLE, ["long 0->2 98.0392@10.2->19 signal"], market={"slippage_range": 0.1} | CLOSE
    ),
    "slippage is against the trader on a short entry": Ledger(
        "10 short | 10 | 20 cover | 20", ["short 1->3 25.2525@9.9->20.2 signal"],
        rules="size 25%", market=SLIPPED,
    ),
    # 1% a day: 10 on a value of 1000, then 9 on one of 900.
    "the borrowing fee is a cost of the trade": Ledger(
        "10 short | 10 | 9 cover | 8", ["short 1->3 100@10->8 signal"],
        [1000, 1000, 1090, 1181, 1181, 1181], market=BORROWED, paid=[19.0],
    ),
    "a long position pays no borrowing fee": Ledger(
        "10 buy | 10 | 9 sell | 8", ["long 1->3 100@10->8 signal"],
        [1000, 1000, 900, 800, 800, 800], market=BORROWED, paid=[0.0],
    ),
    # On bar 3 two days of 100*10 are due at once, on bar 4 a day of 100*8.
    "the borrowing fee accrues over missing bars": Ledger(
        "10 short | 10 | . | 8 cover | 8", ["short 1->4 100@10->8 signal"],
        [1000, 1000, 1000, 1180, 1172, 1172], market=BORROWED,
    ),
    # 100 shares are covered at 25 with 2000: -500. The later close at 5 does not matter.
    "a stop that costs more than the equity ends flat at 0": Ledger(
        "10 short | 10 | 25 25 5 5 buy | 5", ["short 1->2 100@10->25 stop"],
        [1000, 1000, 0, 0, 0, 0], rules="stop 10%",
    ),
    "equity of exactly 0 is ruin": Ledger(
        "10 short | 10 | 20 cover | 8", ["short 1->2 100@10->20 ruin"], [1000, 1000, 0, 0, 0, 0]
    ),
    "ruin on the last bar": Ledger(
        "10 short | 10 | 9 | 8 | 8 | 30", ["short 1->5 100@10->30 end"],
        [1000, 1000, 1100, 1200, 1200, 0],
    ),
    # 200 at 10, cash -1000: at 5 the position is worth the debt.
    "a leveraged long is ruined too": Ledger(
        "10 buy | 10 | 5 | 8", ["long 1->2 200@10->5 ruin"], [1000, 1000, 0, 0, 0, 0],
        rules="size 2", market={"max_leverage": 2.0},
    ),
}  # fmt: skip
LEDGERS = FILLS_AND_PRECEDENCE | EXITS | MONEY
