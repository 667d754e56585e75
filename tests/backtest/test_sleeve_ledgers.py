"""Ledgers of two symbols with missing, late, last or single bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import PANELS, Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.sleeve import build_sleeves
from tests.backtest.ledger import bars_of, free, scripted, trades_of

DAYS = 7


def pair(line: str) -> Bars:
    """Return a symbol of a line of bars and a second symbol at 50 on all bars."""
    end = " | ." * (line.count("|") < DAYS - 1)
    first, flat = bars_of(line + end, DAYS), bars_of("50", DAYS)
    panels: dict[str, Any] = {
        name: np.vstack([getattr(first, name), getattr(flat, name)]) for name in PANELS
    }
    panels["volume"][0, np.isnan(first.open[0])] = np.nan
    return Bars(("FIRST", "FLAT"), flat.time, **panels)


def play(
    line: str, settings: str = "", start: int = 0, stop: int | None = None, **costs: float | str
) -> Backtest:
    """Backtest a pair from 1000 per symbol, with no costs but those named."""
    return backtest(check(scripted(settings)), pair(line), free(2000.0, **costs), start, stop)


def ledger(result: Backtest) -> list[str]:
    """Return the trades of the first symbol, in bars of the panel."""
    return trades_of(result.sleeves[0], result.time)


def test_an_order_waits_for_the_next_bar_of_its_symbol() -> None:
    line = "10 buy | . | . | 20 | 20 25 20 25 sell | . | 30"
    result = play(line)
    assert ledger(result) == ["long 3->6 50@20->30 signal"]
    assert result.sleeves[0].equity.tolist() == [1000, 1000, 1000, 1000, 1250, 1250, 1500]
    assert result.equity.tolist() == [2000, 2000, 2000, 2000, 2250, 2250, 2500]
    assert result.held.tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert result.metrics["exposure"] == 3 / 14
    assert result.trades[0].bars == 2, "bars of the symbol"


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("next_open", "long 3->6 50@20->32 end"),
        ("next_close", "long 3->6 40@25->32 end"),
        ("close", "long 0->6 100@10->32 end"),
    ],
)
def test_fills_of_each_mode_skip_missing_bars(fill: str, expected: str) -> None:
    line = "10 buy | . | . | 20 25 20 25 | . | . | 30 32 30 32 buy"
    assert ledger(play(line, fill=fill)) == [expected]


def test_stops_and_holds_skip_missing_bars() -> None:
    line = "10 buy | 10 | . | . | 6 7 5 7 | 7 | 7"
    assert ledger(play(line, "stop 10%")) == ["long 1->4 100@10->6 stop"]
    assert ledger(play(line, "hold 2")) == ["long 1->5 100@10->7 hold"]
    result = play(line, "stop 10%")
    assert result.sleeves[0].equity.tolist() == [1000, 1000, 1000, 1000, 600, 600, 600]
    assert result.metrics["max_drawdown"] == pytest.approx(-0.2)


def test_a_symbol_that_ends_early_is_closed_on_its_last_bar() -> None:
    line = "10 buy | 10 10 10 12 | 12 16 12 16 sell+short"
    result = play(line, commission_bps=100, slippage_bps=0)
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


def test_a_symbol_that_starts_late_is_in_cash_until_its_warm_up_ends() -> None:
    bars = pair(". | . | . | 10 | 10 | 10 11 10 11 | 12")
    program = check("strategy s { buy when close > sma(close, 3) }")
    result = backtest(program, bars, free(2000.0, cash_rate=0.365))
    first = result.sleeves[0]
    grown = [1000 * (1 + 0.001 * day) for day in range(4)]
    assert first.equity[:4] == pytest.approx(grown)
    assert first.equity[5] == pytest.approx(grown[3] * 1.001**2)
    assert first.trades[0].entry_time == bars.time[6]
    assert first.equity[6] == pytest.approx(grown[3] * 1.001**3)
    assert first.benchmark[3:] == pytest.approx([grown[3] * x for x in (1.0, 1.0, 1.1, 1.2)])
    assert result.equity[3] == pytest.approx(grown[3] + 1000 * 1.001**3)


def test_cash_earns_interest_after_the_last_bar() -> None:
    line = "10 | 10"
    result = play(line, cash_rate=0.365)
    later = [1001 * (1 + 0.001 * day) for day in range(6)]
    assert result.sleeves[0].equity == pytest.approx([1000, *later])
    assert result.sleeves[0].benchmark == pytest.approx(
        [1000, *(later[0] / 1.001 * (1 + 0.001 * d) for d in range(6))]
    )


@pytest.mark.parametrize("rate", [0.0, 0.365])
def test_a_symbol_without_a_bar_in_the_window_stays_in_cash(rate: float) -> None:
    line = "10 buy | 10 buy | . | . | . | . | 10 buy"
    result = play(line, start=2, stop=6, cash_rate=rate)
    first = result.sleeves[0]
    assert first.equity == pytest.approx([1000 * (1 + rate * day / 365) for day in range(4)])
    assert first.benchmark.tolist() == first.equity.tolist()
    assert (first.trades, first.metrics["exposure"], first.metrics["num_trades"]) == ((), 0, 0)
    assert first.benchmark_metrics["costs_paid"] == 0
    assert len(result.time) == 4


def test_a_symbol_of_one_bar_trades_nothing_but_its_benchmark_does() -> None:
    line = ". | . | 10 13 9 12 buy"
    for fill in ("next_open", "next_close", "close"):
        result = play(line, fill=fill)
        assert result.trades == ()
        assert result.equity.tolist() == [2000.0] * DAYS
    assert result.sleeves[0].benchmark.tolist() == [1000, 1000, *[1200] * 5]


def test_a_window_starts_flat_and_its_first_bar_earns_no_interest() -> None:
    line = "10 buy | 10 | . | . | 20 buy | . | 30"
    result = play(line, start=2, cash_rate=0.365)
    first = result.sleeves[0]
    assert first.equity[:3] == pytest.approx([1000, 1001, 1002]), "it waits for bar 4 of the panel"
    assert ledger(result) == ["long 4->4 33.4668@30->30 end"]
    assert first.equity[-1] == pytest.approx(1002 * (1 + 0.002))


def test_ruin_of_one_sleeve_does_not_affect_the_other() -> None:
    line = " | ".join(f"{10 * 3**bar} short" for bar in range(DAYS))
    result = play(line)
    assert result.sleeves[0].trades[0].reason == "ruin"
    assert result.sleeves[0].equity[-1] == 0
    assert result.equity.tolist()[-1] == 1000
    assert result.metrics["total_return"] == -0.5


def test_an_empty_window_and_edges_of_folds() -> None:
    line = ". | . | 10 | . | . | 10"
    assert play(line, start=3, stop=3).equity.tolist() == []
    first, flat = build_sleeves(pair(line), 1, 7)
    assert first.edges(np.array([0, 1, 2, 4, 5])).tolist() == [0, 0, 1, 1, 2]
    assert flat.edges(np.array([0, 1, 2, 4, 5])).tolist() == [1, 2, 3, 5, 6]
    assert (first.indices.tolist(), first.latest.tolist()) == ([1, 4], [0, 1, 1, 1, 2, 2])
