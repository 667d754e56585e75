"""The next orders are those that a longer backtest fills on the next bar."""

from __future__ import annotations

import pytest

from evolve.analysis.next_orders import list_next_orders
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of
from tests.programs import random_programs

ORDERED = ("signal", "reverse", "hold")


@pytest.mark.parametrize("fill", ["next_open", "next_close"])
def test_next_orders_fill_on_the_next_bar(fill: str) -> None:
    bars, seen = random_walk(220, 4), 0
    terms = market(fill=fill)  # type: ignore[arg-type]
    for program in random_programs(25, 5):
        trades = backtest(program, bars, terms).trades
        for last in range(150, 200):
            (found,) = list_next_orders(program, bars.slice(0, last + 1), terms)
            following = bars.time[last + 1]
            stopped = any(t.exit_time == following and t.reason not in ORDERED for t in trades)
            if stopped:  # by a price that is unknown before
                continue
            entered = ["buy" if t.side == "long" else "short" for t in trades
                       if t.entry_time == following]  # fmt: skip
            left = ["sell" if t.side == "long" else "cover" for t in trades
                    if t.exit_time == following]  # fmt: skip
            orders = [order.removesuffix(" (hold)") for order in found.orders]
            orders = [order for order in orders if "(" not in order]  # exits at an unchanged price
            assert orders == [*left, *entered]
            held = [t for t in trades if t.entry_time <= bars.time[last] < t.exit_time]
            assert found.side == (held[0].side if held else "flat")
            assert found.since == (held[0].entry_time if held else None)
            seen += len(orders)
    assert seen > 40


def test_each_symbol_has_its_own_last_bar() -> None:
    panel = panel_of(4)
    (program,) = random_programs(1, 1, ["long"])
    found = list_next_orders(program, panel, market())
    lasts = [panel.time[panel.priced_indices(symbol)[-1]] for symbol in range(len(panel.symbols))]
    assert [each.time for each in found] == lasts
    assert [each.symbol for each in found] == list(panel.symbols)
    none = panel.slice(0, int(panel.priced_indices(1)[0]))
    assert len(list_next_orders(program, none, market())) < len(panel.symbols)


def test_bars_before_the_start_only_warm_the_indicators() -> None:
    """Compare positions with a backtest from the same bar."""
    panel, held = panel_of(4), 0
    for program in random_programs(12, 2):
        for start in (60, 260):
            found = list_next_orders(program, panel.slice(0, 330), market(), start)
            run = backtest(program, panel.slice(0, 340), market(), start)
            for each in found:
                sleeve = run.sleeves[panel.symbols.index(each.symbol)]
                open_trades = [
                    one for one in sleeve.trades if one.entry_time <= each.time < one.exit_time
                ]
                assert each.side == (open_trades[0].side if open_trades else "flat")
                assert each.since == (open_trades[0].entry_time if open_trades else None)
                held += bool(open_trades)
    assert held > 10
    early = panel.priced_indices(2)[-1]
    names = [each.symbol for each in list_next_orders(program, panel, market(), int(early) + 1)]
    assert names == ["AAA", "BBB"]
