"""Two symbols by hand: what a bar that is missing, late, last or alone does to orders and money."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import PANELS, Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.sleeve import sleeves_of
from tests.backtest.ledger import bars_of, free, scripted

FLAT = """
    bar  open  high  low  close  says
    0    50    50    50   50     -
    1    50    50    50   50     -
    2    50    50    50   50     -
    3    50    50    50   50     -
    4    50    50    50   50     -
    5    50    50    50   50     -
    6    50    50    50   50     -
"""
HEAD = "bar  open  high  low  close  says\n"
DAYS = 7


def pair(*rows: str) -> Bars:
    """A symbol of such rows, one `.` where it has no bar, beside one that is always there."""
    written = {int(row.split()[0]): row for row in rows}
    lines = [written.get(bar, f"{bar} . . . . -") for bar in range(DAYS)]
    own, flat = bars_of(HEAD + "\n".join(lines)), bars_of(FLAT)
    panels: dict[str, Any] = {
        name: np.vstack([getattr(own, name), getattr(flat, name)]) for name in PANELS
    }
    panels["volume"][0, np.isnan(own.open[0])] = np.nan
    return Bars(("OWN", "FLAT"), flat.time, **panels)


def play(
    bars: Bars, settings: str = "", start: int = 0, stop: int | None = None, **costs: float | str
) -> Backtest:
    """Trade it from 1000 for each of the two, without costs but those named."""
    return backtest(check(scripted(settings)), bars, free(2000.0, **costs), start, stop)


def ledger(result: Backtest) -> list[str]:
    """The first symbol's trades: `side entry->exit shares@from->to reason`, in the panel's bars."""
    own, first = result.sleeves[0], int(np.searchsorted(result.sleeves[0].time, result.time[0]))
    place = {time.item(): bar for bar, time in enumerate(own.time)}
    return [
        f"{t.side} {place[t.entry_time.item()] - first}->{place[t.exit_time.item()] - first} "
        f"{t.shares:g}@{t.entry_price:g}->{t.exit_price:g} {t.reason}"
        for t in own.trades
    ]


def test_an_order_waits_for_the_next_bar_there_is() -> None:
    bars = pair(
        "0 10 10 10 10 buy", "3 20 20 20 20 -", "4 20 25 20 25 sell", "6 30 30 30 30 -",
    )  # fmt: skip
    result = play(bars)
    assert ledger(result) == ["long 3->6 50@20->30 signal"]
    assert result.sleeves[0].equity.tolist() == [1000, 1000, 1000, 1000, 1250, 1250, 1500]
    assert result.equity.tolist() == [2000, 2000, 2000, 2000, 2250, 2250, 2500]
    assert result.held.tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert result.metrics["exposure"] == 3 / 14
    assert result.trades[0].bars == 2, "its own bars"


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("next_open", ["long 3->6 50@20->30 end"]),
        ("next_close", ["long 3->6 40@25->32 end"]),
        ("close", ["long 0->6 100@10->32 end"]),
    ],
)
def test_fills_of_each_kind_on_bars_with_holes(fill: str, expected: list[str]) -> None:
    bars = pair("0 10 10 10 10 buy", "3 20 25 20 25 -", "6 30 32 30 32 buy")
    found = play(bars, fill=fill)
    assert ledger(found) == [each.replace("30 end", "32 end") for each in expected]


def test_a_stop_and_a_hold_sleep_while_there_is_no_bar() -> None:
    bars = pair(
        "0 10 10 10 10 buy", "1 10 10 10 10 -", "4 6 7 5 7 -", "5 7 7 7 7 -", "6 7 7 7 7 -",
    )  # fmt: skip
    assert ledger(play(bars, "stop 10%")) == ["long 1->4 100@10->6 stop"]
    assert ledger(play(bars, "hold 2")) == ["long 1->5 100@10->7 hold"]
    result = play(bars, "stop 10%")
    assert result.sleeves[0].equity.tolist() == [1000, 1000, 1000, 1000, 600, 600, 600]
    assert result.metrics["max_drawdown"] == pytest.approx(-0.2)


def test_one_that_ends_early_is_closed_on_its_last_bar_whose_signals_are_ignored() -> None:
    bars = pair("0 10 10 10 10 buy", "1 10 10 10 12 -", "2 12 16 12 16 sell+short")
    result = play(bars, commission_bps=100, slippage_bps=0)
    (trade,) = result.trades
    assert (trade.reason, trade.exit_price) == ("end", 16.0)
    shares = 1000 / 10.1
    assert result.sleeves[0].equity[2:] == pytest.approx([shares * 16 * 0.99] * 5)
    assert result.held.tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert result.sleeves[1].equity.tolist() == [1000.0] * DAYS
    held = result.sleeves[0].benchmark
    assert held == pytest.approx([shares * 10, shares * 12, *[shares * 16 * 0.99] * 5])
    flat = 1000 / 50.5 * 50
    assert result.sleeves[1].benchmark == pytest.approx([flat] * 6 + [flat * 0.99])


def test_one_that_starts_late_is_cash_until_its_bars_and_their_warm_up() -> None:
    bars = pair("3 10 10 10 10 -", "4 10 10 10 10 -", "5 10 11 10 11 -", "6 12 12 12 12 -")
    program = check("strategy s { buy when close > sma(close, 3) }")
    result = backtest(program, bars, free(2000.0, cash_rate=0.365))
    own = result.sleeves[0]
    grown = [1000 * (1 + 0.001 * day) for day in range(4)]
    assert own.equity[:4] == pytest.approx(grown)
    assert own.equity[5] == pytest.approx(grown[3] * 1.001**2)
    assert own.trades[0].entry_time == bars.time[6]
    assert own.equity[6] == pytest.approx(grown[3] * 1.001**3)
    assert own.benchmark[3:] == pytest.approx([grown[3] * x for x in (1.0, 1.0, 1.1, 1.2)])
    assert result.equity[3] == pytest.approx(grown[3] + 1000 * 1.001**3)


def test_cash_earns_on_after_the_last_bar() -> None:
    bars = pair("0 10 10 10 10 -", "1 10 10 10 10 -")
    result = play(bars, cash_rate=0.365)
    later = [1001 * (1 + 0.001 * day) for day in range(6)]
    assert result.sleeves[0].equity == pytest.approx([1000, *later])
    assert result.sleeves[0].benchmark == pytest.approx(
        [1000, *(later[0] / 1.001 * (1 + 0.001 * d) for d in range(6))]
    )


@pytest.mark.parametrize("rate", [0.0, 0.365])
def test_one_without_a_bar_in_the_window_keeps_its_cash(rate: float) -> None:
    bars = pair("0 10 10 10 10 buy", "1 10 10 10 10 buy", "6 10 10 10 10 buy")
    result = play(bars, start=2, stop=6, cash_rate=rate)
    own = result.sleeves[0]
    assert own.equity == pytest.approx([1000 * (1 + rate * day / 365) for day in range(4)])
    assert own.benchmark.tolist() == own.equity.tolist()
    assert (own.trades, own.metrics["exposure"], own.metrics["num_trades"]) == ((), 0, 0)
    assert own.benchmark_metrics["costs_paid"] == 0
    assert len(result.time) == 4


def test_a_symbol_of_one_bar_trades_nothing_and_its_benchmark_is_a_day_trade() -> None:
    bars = pair("2 10 13 9 12 buy")
    for fill in ("next_open", "next_close", "close"):
        result = play(bars, fill=fill)
        assert result.trades == ()
        assert result.equity.tolist() == [2000.0] * DAYS
    assert result.sleeves[0].benchmark.tolist() == [1000, 1000, *[1200] * 5]


def test_a_window_begins_flat_and_its_first_bar_earns_nothing() -> None:
    bars = pair("0 10 10 10 10 buy", "1 10 10 10 10 -", "4 20 20 20 20 buy", "6 30 30 30 30 -")
    result = play(bars, start=2, cash_rate=0.365)
    own = result.sleeves[0]
    assert own.equity[:3] == pytest.approx([1000, 1001, 1002]), "it waits for bar 4 of the panel"
    assert [t.entry_time for t in own.trades] == [bars.time[6]]
    assert own.equity[-1] == pytest.approx(1002 * (1 + 0.002))


def test_ruin_of_one_sleeve_leaves_the_other_whole() -> None:
    bars = pair(
        *[
            f"{bar} {10 * 3**bar} {10 * 3**bar} {10 * 3**bar} {10 * 3**bar} short"
            for bar in range(DAYS)
        ]
    )
    result = play(bars)
    assert result.sleeves[0].trades[0].reason == "ruin"
    assert result.sleeves[0].equity[-1] == 0
    assert result.equity.tolist()[-1] == 1000
    assert result.metrics["total_return"] == -0.5


def test_an_empty_window_and_edges_of_folds() -> None:
    bars = pair("2 10 10 10 10 -", "5 10 10 10 10 -")
    assert play(bars, start=3, stop=3).equity.tolist() == []
    own, flat = sleeves_of(bars, 1, 7)
    assert own.edges(np.array([0, 1, 2, 4, 5])).tolist() == [0, 0, 1, 1, 2]
    assert flat.edges(np.array([0, 1, 2, 4, 5])).tolist() == [1, 2, 3, 5, 6]
    assert (own.places.tolist(), own.latest.tolist()) == ([1, 4], [0, 1, 1, 1, 2, 2])
