"""Counts of true rules, and each reason why a strategy never trades."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import PANELS, Bars
from dsl.evaluate import evaluate
from evolve.backtest.activity import (
    LAST,
    NO_MONEY,
    NO_VOLUME,
    TOGETHER,
    Activity,
    Tally,
    measure_activity,
)
from evolve.backtest.backtest import backtest
from evolve.backtest.market import FILLS, Market, market
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of
from tests.programs import random_programs

WALK = random_walk(300, 3)


def activity_of(rules: str, bars: Bars = WALK, costs: Market | None = None) -> Activity:
    """Return the activity of a strategy that never trades."""
    program, costs = check(f"strategy s {{ {rules} }}"), costs or market()
    assert backtest(program, bars, costs).trades == ()
    return measure_activity(program, bars, costs, has_traded=False)


def parts_of(found: Activity, rule: str = "buy") -> list[tuple[str, int, int]]:
    (each,) = [each for each in found.rules if each.name == rule]
    return [(part.text, part.true, part.known) for part in each.parts]


def test_the_operand_that_is_never_true_is_counted() -> None:
    found = activity_of("buy when close > highest(high, 20) and close > open")
    up = int((WALK.close > WALK.open).sum())
    assert found.rules[0].whole == Tally(
        "close > highest(high, 20) and close > open", 0, 281 + int(
            (WALK.close <= WALK.open)[:, :19].sum()), 300,
    )  # fmt: skip
    assert parts_of(found) == [("close > highest(high, 20)", 0, 281), ("close > open", up, 300)]
    assert (found.entries, found.blocked, found.capped) == (0, {}, 0)


def test_operands_that_are_never_true_together_are_each_counted() -> None:
    found = activity_of("buy when close > open and (rsi(close, 5) > 1 and close < open)")
    up, down = ((WALK.close > WALK.open).sum(), (WALK.close < WALK.open).sum())
    assert found.rules[0].whole.true == 0
    texts = ["close > open", "rsi(close, 5) > 1", "close < open"]
    assert [part[0] for part in parts_of(found)] == texts
    assert [part[1] for part in parts_of(found)][::2] == [up, down]


def test_constant_rules_and_unknown_rules_are_counted() -> None:
    found = activity_of("buy when 1 > 2 short when close > sma(close, 400) and 1 < 2")
    assert parts_of(found) == [("1 > 2", 0, 300)]
    assert parts_of(found, "short") == [("close > sma(close, 400)", 0, 0), ("1 < 2", 300, 300)]


def test_params_and_defines_are_counted_as_written() -> None:
    text = (
        'define dip(n: window = 3) -> bool about "x" = close < close[n]\n'
        "strategy s { param n = 7 in 2..9 buy when dip(n) and close > 2 * high }"
    )
    program = check(text)
    found = measure_activity(program, WALK, market(), has_traded=False)
    true = int((WALK.close[0, 7:] < WALK.close[0, :-7]).sum())
    assert parts_of(found) == [("dip(n)", true, 293), ("close > 2 * high", 0, 300)]


SIGNAL = "close > close[1]"
RISES = int((WALK.close[0, 1:] > WALK.close[0, :-1]).sum())
BLOCKED = {
    "together": (f"buy when {SIGNAL} short when {SIGNAL}", {}, TOGETHER),
    "sell": (f"buy when {SIGNAL} sell when {SIGNAL}", {}, "`sell` is true with `buy` and blocks"),
    "cover": (f"short when {SIGNAL} cover when 1 < 2", {}, "`cover` is true with `short` and"),
    "size unknown": (f"buy when {SIGNAL} size sma(close, 400) / close", {}, "`size` is unk"),
    "size below 0": (f"buy when {SIGNAL} size close[1] / close - 1", {}, "`size` is not above 0"),
    "stop unknown": (f"buy when {SIGNAL} stop atr(400)", {}, "`stop` is unknown"),
    "trail": (f"buy when {SIGNAL} trail close[1] - close", {}, "`trail` is not above 0"),
    "target": (f"buy when {SIGNAL} target (close - high) - (close - high)", {}, "`target` is not"),
    "no money": (f"buy when {SIGNAL} size 10%", {"commission_minimum": 1000.0}, NO_MONEY),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_each_reason_for_no_entry_is_named(name: str) -> None:
    rules, costs, reason = BLOCKED[name]
    found = activity_of(rules, costs=market(**costs))  # type: ignore[arg-type]
    assert found.entries == sum(found.blocked.values()) == RISES
    ((first, count), *rest) = found.blocked.items()
    assert first.startswith(reason)
    assert count >= RISES - 2
    assert all(each.startswith(("`size` is", LAST)) for each, _ in rest)


@pytest.mark.parametrize(("fill", "early"), [("next_open", 1), ("close", 1), ("next_close", 2)])
def test_a_signal_without_a_bar_to_fill_on_is_blocked(fill: str, early: int) -> None:
    day = str(WALK.time[-early])[:10]
    month, of_month = int(day[5:7]), int(day[8:])
    rules = (
        f"buy when month == {month} and day_of_month == {of_month} and bars_since(month < 13) < 1"
    )
    bars = WALK.slice(100, 300)
    found = activity_of(rules, bars, market(fill=fill))  # type: ignore[arg-type]
    assert found.blocked == {LAST: 1}
    program = check(f"strategy s {{ {rules} }}")
    one_bar_more = random_walk(301, 3).slice(100, 301)
    costs = market(fill=fill)  # type: ignore[arg-type]
    assert len(backtest(program, one_bar_more, costs).trades) == 1


def test_a_bar_without_volume_fills_nothing() -> None:
    panels = {name: getattr(WALK, name) for name in PANELS} | {"volume": np.zeros((1, 300))}
    dry = Bars(WALK.symbols, WALK.time, **panels)
    for fill in FILLS:
        found = activity_of(f"buy when {SIGNAL}", dry, market(fill=fill, max_volume_share=0.1))
        assert set(found.blocked) <= {NO_VOLUME, LAST}
        assert sum(found.blocked.values()) == RISES


def test_sizes_above_the_leverage_are_counted() -> None:
    text = f"strategy s {{ buy when {SIGNAL} sell when close < close[1] size 3 }}"
    for leverage, capped in ((1.0, RISES), (3.0, 0)):
        found = measure_activity(check(text), WALK, market(max_leverage=leverage))
        assert (found.entries, found.capped) == (RISES, capped)
        assert [each.parts for each in found.rules] == [(), ()]


def test_counts_are_summed_over_the_priced_bars_of_the_window() -> None:
    panel, (program,) = panel_of(4), random_programs(1, 9)
    for start in (0, 200):
        found = measure_activity(program, panel, market(), start)
        signals = evaluate(program, panel)
        for each in found.rules:
            true = sum(int(one.order(each.name)[start:].sum()) for one in signals)
            assert each.whole.true == true
            assert each.whole.bars == int(panel.priced[:, start:].sum())
            assert true <= each.whole.known <= each.whole.bars


def test_every_entry_has_a_reason_if_and_only_if_nothing_trades() -> None:
    rng, without = Random(11), 0
    for _ in range(250):
        (program,), fill = random_programs(1, rng), rng.choice(FILLS)
        terms = market(fill=fill, commission_minimum=rng.choice([0.0, 0.0, 9000.0]))
        bars = WALK.slice(0, rng.choice([12, 60, 300]))
        start = rng.choice([0, 5])
        trades = backtest(program, bars, terms, start).trades
        found = measure_activity(program, bars, terms, start, bool(trades))
        assert (found.entries == sum(found.blocked.values())) == (not trades)
        without += not trades and found.entries > 0
    assert without > 5
