"""Whoever reads the future is found and named; whoever does not is proved."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Signals, evaluate
from evolve.analysis.lookahead import CUTS, look_ahead
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import FILLS, Market, market
from evolve.data.generators import random_walk
from evolve.search.grow import grow_rules
from evolve.search.space import build_space
from tests.backtest.test_sleeves import panel_of

BARS = random_walk(400, seed=4)
CROSS = check("strategy s { buy when close > sma(close, 20) sell when close < sma(close, 20) }")
STOPPED = check("strategy s { buy when rsi(close, 5) < 40 stop 2 * atr(10) hold 9 }")


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("panel", [False, True], ids=["one", "three"])
def test_random_strategies_do_not_read_the_future(fill: str, panel: bool) -> None:
    space, rng = build_space(directions=("long", "short")), Random(fill)
    bars = panel_of(7) if panel else BARS
    costs = market(fill=fill, borrow_bps=200, cash_rate=0.02, max_volume_share=1e-5)  # type: ignore[arg-type]
    for _ in range(4 if panel else 10):
        found = look_ahead(Program("p", grow_rules(space, rng)), bars, costs)
        assert found.seen == ()
        assert found.cuts == CUTS


def turned(signals: tuple[Signals, ...], shift: int) -> tuple[Signals, ...]:
    """Signals that come some bars too early."""
    return tuple(replace(each, orders=np.roll(each.orders, -shift, axis=1)) for each in signals)


def peeks_a_bar(program: Program, bars: Bars) -> tuple[Signals, ...]:
    return turned(evaluate(program, bars), 1)


def knows_the_mean(program: Program, bars: Bars) -> tuple[Signals, ...]:
    said = evaluate(program, bars)
    above = (bars.close > np.nanmean(bars.close)).astype(np.uint8)
    return tuple(replace(each, orders=above[[i]]) for i, each in enumerate(said))


def knows_the_last(program: Program, bars: Bars) -> tuple[Signals, ...]:
    said = evaluate(program, bars)
    rising = bars.close[:, -1:] > bars.close
    return tuple(replace(each, orders=rising[[i]].astype(np.uint8)) for i, each in enumerate(said))


def scales_by_the_whole(program: Program, bars: Bars) -> tuple[Signals, ...]:
    return tuple(
        replace(each, settings=each.settings / np.nanmax(bars.high))
        for each in evaluate(program, bars)
    )


@pytest.mark.parametrize("cheat", [peeks_a_bar, knows_the_mean, knows_the_last])
def test_a_reader_of_the_future_is_found(cheat: object) -> None:
    found = look_ahead(CROSS, BARS, market(), read=cheat)  # type: ignore[arg-type]
    assert found.seen
    assert {each.what for each in found.seen} <= {"buy", "sell"}
    assert all(0 <= each.bar < len(BARS) for each in found.seen)
    assert all("the future was" in each.because for each in found.seen)
    assert found.seen[0].symbol == BARS.symbols[0]


def test_a_setting_that_reads_the_future_is_found() -> None:
    found = look_ahead(STOPPED, BARS, market(), read=scales_by_the_whole)
    assert {each.what for each in found.seen} == {"size, stop, trail or target"}


def test_equity_that_reads_the_future_is_found() -> None:
    def trade(program: Program, bars: Bars, costs: Market) -> Backtest:
        made = backtest(program, bars, costs)
        lucky = replace(made.performance, equity=made.equity * (1 + bars.close[0, -1] / 1e6))
        return replace(made, performance=lucky)

    found = look_ahead(CROSS, BARS, market(), trade=trade)
    assert {each.what for each in found.seen} == {"equity"}


def test_the_first_bar_that_differs_is_named() -> None:
    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        (said,) = evaluate(program, bars)
        orders = said.orders.copy()
        orders[0, 17] = 1 if len(bars) == len(BARS) else 0
        return (replace(said, orders=orders),)

    cut_off = [each for each in look_ahead(CROSS, BARS, market(), read=read).seen
               if "cut off" in each.because]  # fmt: skip
    assert {(each.what, each.bar) for each in cut_off} == {("buy", 17)}


@pytest.mark.parametrize(
    ("rules", "least", "most"),
    [
        ("buy when close > open", 0, 0),
        ("buy when close > sma(close, 50)", 40, 49),
        ("buy when close > ema(close, 50)", 50, 190),
    ],
)
def test_how_much_past_it_leans_on(rules: str, least: int, most: int) -> None:
    settled = look_ahead(check(f"strategy s {{ {rules} }}"), BARS, market()).settled
    assert settled is not None
    assert least <= settled <= most


def test_what_never_settles_is_said() -> None:
    program = check("strategy s { buy when cumulate(volume) > 300 * sma(volume, 5) }")
    assert look_ahead(program, BARS, market()).settled is None


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        look_ahead(CROSS, BARS.slice(0, 20), market())
