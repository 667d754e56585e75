"""Pruning drops what changes nothing on the bars, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.printing.decompile import format_program
from dsl.terms.terms import Term, call
from evolve.analysis.prune import Pruned, prune
from evolve.backtest.backtest import Backtester
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from evolve.errors import EvolveError
from tests.backtest.panels import panel_of, terms
from tests.programs import random_programs
from tests.samples import closing_at

BARS = random_walk(600, 11)
RUN = Backtester(BARS, market())
DIP = "rsi(close, 2) < 20"
RISE = "rsi(close, 2) > 70"
ENTRY, LEAVE = f"buy when {DIP}", f"sell when {RISE}"


def prune_text(rules: str, run: Backtester = RUN) -> Pruned:
    return prune(check(f"strategy s {{ {rules} }}"), run)


USELESS = {
    "a condition that is always true": (
        f"buy when {DIP} and close > 0 {LEAVE}",
        ("`close > 0` in `buy` is always true",),
    ),
    "a condition that is never true": (
        f"{ENTRY} sell when {RISE} or rsi(close, 2) > 100",
        ("`rsi(close, 2) > 100` in `sell` is never true",),
    ),
    "an operand of an `and` of three": (
        f"buy when close > 0 and {DIP} and volume >= 0 {LEAVE}",
        ("`close > 0` in `buy` is always true", "`volume >= 0` in `buy` is always true"),
    ),
    "an `or` inside an `and`": (
        f"buy when {DIP} and (high < low or close > 0) {LEAVE}",
        ("`high < low or close > 0` in `buy` is always true",),
    ),
    "an operand that another implies": (
        f"buy when {DIP} and rsi(close, 2) < 30 {LEAVE}",
        ("`rsi(close, 2) < 30` in `buy` changes no trade",),
    ),
    "an exit without an entry": (
        f"{ENTRY} {LEAVE} cover when close > open",
        ("`cover when close > open` never closes a position",),
    ),
    "an exit that an earlier one hides": (
        f"{ENTRY} sell when open < 0 * open hold 3",
        ("`sell when open < 0 * open` never closes a position",),
    ),
    "an entry that never enters": (
        f"{ENTRY} {LEAVE} short when open < 0 * open",
        ("`short when open < 0 * open` never enters a position",),
    ),
    "a stop, a trail and a target out of reach": (
        f"{ENTRY} {LEAVE} stop 90% trail 95% target 300%",
        (
            "`stop 90%` is never reached",
            "`trail 95%` is never reached",
            "`target 300%` is never reached",
        ),
    ),
    "a hold that is never reached": (
        f"{ENTRY} {LEAVE} hold 500",
        ("`hold 500` is never reached",),
    ),
    "the default size": (f"{ENTRY} {LEAVE} size 100%", ("`size 100%` changes no trade",)),
    "a size above the leverage": (f"{ENTRY} {LEAVE} size 2", ("`size 2` changes no trade",)),
}


@pytest.mark.parametrize("name", USELESS)
def test_what_changes_nothing_is_dropped_and_named(name: str) -> None:
    rules, dropped = USELESS[name]
    pruned = prune_text(rules)
    assert sorted(pruned.dropped) == sorted(dropped)
    left = "hold 3" if "hold 3" in rules else LEAVE
    assert pruned.program.rules == check(f"strategy s {{ {ENTRY} {left} }}").rules


TIED = {
    "a condition that is always true": (
        f"buy while {DIP} and close > 0",
        f"buy while {DIP}",
        ["`close > 0` in `buy` is always true"],
    ),
    "a number that equals its argument": (
        "buy while rsi(close, 2) < 20 and volume > min(volume[1], volume[1])",
        "buy while rsi(close, 2) < 20 and volume > volume[1]",
        ["`min(volume[1], volume[1])` in `buy` equals `volume[1]` on every bar"],
    ),
    "a tied side that never enters": (
        f"buy while {DIP} short while open < 0 * open",
        f"buy while {DIP}",
        ["`short while open < 0 * open` never enters a position"],
    ),
    "a condition that always holds": (
        "buy while close > 0",
        "buy while true",
        ["`close > 0` in `buy` is always true"],
    ),
    "nothing": (f"buy while {DIP}", f"buy while {DIP}", []),
}


@pytest.mark.parametrize("name", TIED)
def test_a_tied_side_remains_tied(name: str) -> None:
    rules, left, dropped = TIED[name]
    pruned = prune_text(rules)
    assert pruned.program.rules == check(f"strategy s {{ {left} }}").rules
    assert list(pruned.dropped) == dropped


EQUAL = {
    "min(volume, volume)": "volume",
    "min(volume, 2 * volume, volume)": "volume",
    "max(volume, volume[0], 0 * volume)": "volume",
    "where(close > 0, volume, open * volume / open)": "volume",
    "sma(volume, 1)": "volume",
    "abs(volume)": "volume",
    "min(volume, sma(volume, 3), volume)": "min(sma(volume, 3), volume)",
}


@pytest.mark.parametrize("text", EQUAL)
def test_a_number_that_equals_its_argument_is_replaced_by_it(text: str) -> None:
    condition = "{} > sma(volume, 20)"
    pruned = prune_text(f"buy when {condition.format(text)} {LEAVE}")
    expected = check(f"strategy s {{ buy when {condition.format(EQUAL[text])} {LEAVE} }}")
    assert pruned.program.rules == expected.rules
    assert any("on every bar" in each for each in pruned.dropped)


def test_a_number_that_differs_on_one_bar_is_retained() -> None:
    """Use a series that equals its argument except on the bar of the largest volume."""
    text = f"buy when min(volume, {BARS.volume.max() - 1:.0f}) > sma(volume, 20) {LEAVE}"
    pruned = prune_text(text)
    assert pruned.dropped == ()


@pytest.mark.parametrize(
    "rules",
    [
        f"{ENTRY} {LEAVE}",
        f"{ENTRY} hold 3",
        f"buy when {DIP} and close > sma(close, 50) {LEAVE} stop 2% size 50%",
        f"{ENTRY} sell when {RISE} or close < lowest(low, 5)[1]",
        f"{ENTRY} {LEAVE} short when {RISE} and close < sma(close, 50) cover when close < low[1]",
    ],
)
def test_a_strategy_whose_parts_all_matter_is_unchanged(rules: str) -> None:
    pruned = prune_text(rules)
    assert pruned.dropped == ()
    assert pruned.program == pruned.original
    assert pruned.nodes_before == pruned.nodes_after


def test_a_parameter_used_twice_stays_one_parameter() -> None:
    pruned = prune_text(
        "param n = 2 in 2..14 param m = 5 in 2..20 "
        "buy when rsi(close, n) < 20 and sma(volume, m) >= 0 sell when rsi(close, n) > 70"
    )
    assert [each.name for each in pruned.program.parameters] == ["n"]
    assert pruned.program.parameters[0] == pruned.original.parameters[0]
    assert format_program(pruned.program).count("in 2..14") == 1


def test_a_rule_that_is_always_true_becomes_true() -> None:
    pruned = prune_text("buy when close > 0 or open > close hold 5")
    assert pruned.program.rules == check("strategy s { buy when true hold 5 }").rules
    assert pruned.dropped == ("`close > 0 or open > close` in `buy` is always true",)


def test_name_and_description_are_retained() -> None:
    text = f'strategy dips {{ about "Dips revert." buy when {DIP} and close > 0 {LEAVE} }}'
    pruned = prune(check(text), RUN)
    assert (pruned.program.name, pruned.program.about) == ("dips", "Dips revert.")
    assert pruned.nodes_before - pruned.nodes_after == 4  # and, >, close, 0


def test_an_entry_always_remains() -> None:
    pruned = prune_text(f"buy when open < 0 * open {LEAVE} stop 5%")
    assert pruned.program.rules.named()[0][0] == "buy"
    assert len(pruned.program.rules.named()) == 1


@pytest.mark.parametrize("pair", ["close > open and {}", "{} and close > open"])
def test_the_smaller_of_two_equal_conditions_remains(pair: str) -> None:
    pruned = prune_text(f"buy when {pair.format('close - open > 0 * volume')} hold 3")
    assert pruned.program.rules == check("strategy s { buy when close > open hold 3 }").rules


def test_a_setting_that_changes_the_reason_of_an_exit_is_retained() -> None:
    """Use a stop at the distance of the trail: without it, equity is equal."""
    rules, stop = f"{ENTRY} trail 1%", " stop 1%"
    with_stop, without = (RUN(check(f"strategy s {{ {each} }}")) for each in (rules + stop, rules))
    assert with_stop.equity.tobytes() == without.equity.tobytes()
    assert with_stop.trades != without.trades
    assert prune_text(rules + stop).dropped == ()


def test_only_the_window_counts() -> None:
    """Use a condition that is false before the window only."""
    volume = np.where(np.arange(len(BARS)) < 200, 0.0, BARS.volume)
    bars, rules = replace(BARS, volume=volume), f"buy when {DIP} and volume > 0 {LEAVE}"
    assert prune_text(rules, Backtester(bars, market())).dropped == ()
    inside = Backtester(bars, market(), 200)
    assert prune_text(rules, inside).dropped == ("`volume > 0` in `buy` is always true",)
    text = f"buy when {DIP} and max(volume, 1) > volume[1] {LEAVE}"
    assert prune_text(text, Backtester(bars, market())).dropped == ()
    assert prune_text(text, inside).dropped == (
        "`max(volume, 1)` in `buy` equals `volume` on every bar",
    )


def test_a_change_whose_equity_overflows_is_refused() -> None:
    """Use a condition without which equity exceeds the largest amount."""
    rising = closing_at(np.geomspace(100.0, 1e14, 600))
    run, rule = Backtester(rising, market(capital=1e245)), "buy when close < 0 * close"
    with pytest.raises(EvolveError):
        run(check("strategy s { buy when close > 0 }"))
    pruned = prune_text(f"{rule} and close > 0", run)
    assert pruned.program.rules == check(f"strategy s {{ {rule} }}").rules


@pytest.mark.parametrize("kind", ["one symbol", "three symbols"])
def test_any_pruned_strategy_is_smaller_and_trades_equally(kind: str) -> None:
    bars = random_walk(300, 5) if kind == "one symbol" else panel_of(6)
    changed = 0
    for seed, program in enumerate(random_programs(25, f"prune {kind}")):
        run = Backtester(bars, terms(seed), 40)
        pruned = prune(program, run)
        one, other = run(program), run(pruned.program)
        assert one.trades == other.trades
        assert one.equity.tobytes() == other.equity.tobytes()
        assert (pruned.nodes_after < pruned.nodes_before) == bool(pruned.dropped)
        assert is_valid(pruned.program)
        assert prune(pruned.program, run).dropped == ()
        assert prune(program, Backtester(bars, terms(seed), 40)) == pruned
        changed += bool(pruned.dropped)
    assert changed > 5


def is_valid(program: Program) -> bool:
    """Return whether the text of a program checks to the same meaning."""
    return check(format_program(program)).key == program.key


def test_no_single_part_of_a_pruned_strategy_can_be_left_out() -> None:
    """Leave out each rule and each operand of each pruned strategy: a trade changes each time."""
    count = 0
    for program in random_programs(20, "minimal"):
        pruned = prune(program, RUN).program
        expected = RUN(pruned).trades
        for name, term in pruned.rules.written.named():
            for left in (None, *leave_out_operand(term)):
                rules = pruned.rules.replace_rule(name, left)
                if rules.buy is not None or rules.short is not None:
                    assert RUN(replace(pruned, rules=rules)).trades != expected, (name, left)
                    count += 1
    assert count > 20


def leave_out_operand(term: Term) -> Iterator[Term]:
    """Yield a term without each operand of each `and` and `or` in it."""
    if term.operator is None:
        return
    for slot, arg in enumerate(term.args):
        before, after = term.args[:slot], term.args[slot + 1 :]
        if term.head in ("and", "or"):
            others = (*before, *after)
            yield call(term.operator, *others) if len(others) > 1 else others[0]
        for smaller in leave_out_operand(arg):
            yield call(term.operator, *before, smaller, *after)
