"""Tables of a backtest, cell by cell against its result."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from dsl.analysis.check import check
from dsl.bars import PANELS, Bars
from evolve.analysis.periods import largest_drawdowns, yearly_returns
from evolve.backtest.activity import Activity, measure_activity
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.drawdowns import list_drawdowns
from evolve.backtest.market import market
from evolve.backtest.metrics import METRICS
from evolve.data.generators import random_walk
from evolve.report.formats import format_time, format_value
from evolve.report.page.no_trades import explain_no_trades
from evolve.report.terminal import data_tables, trading
from evolve.report.terminal.tables import metrics_table
from tests.backtest.test_sleeves import panel_of

RULES = "strategy s { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 }"
WALK = random_walk(900, 3)
ONE = backtest(check(RULES), WALK, market())
TWO = backtest(check(RULES), panel_of(4), market())
BARE = backtest(check("strategy s { buy when close < 0 * close }"), random_walk(20, 3), market())
LONG = (
    "strategy s { buy when close > open and rsi(close, 3) > 3 * atr(14) / atr(13) + sma(high, 30) "
    "/ lowest(low, 100) + stdev(close, 7) / close short when close < open and close > open }"
)


def activity_of(result: Backtest) -> Activity:
    bars = random_walk(20, 3) if result is BARE else panel_of(4) if result is TWO else WALK
    return measure_activity(check(LONG), bars, market(), has_traded=result is not BARE)


TABLES: dict[str, Callable[[Backtest], Table]] = {
    "metrics": lambda result: metrics_table(
        {"strategy": result.metrics, "buy and hold": result.benchmark_metrics}, list(METRICS)
    ),
    "symbols": trading.symbols_table,
    "years": trading.years_table,
    "drawdowns": trading.drawdowns_table,
    "stress": lambda result: trading.stress_table({1.0: result.metrics, 2.5: result.metrics}),
    "rules": lambda result: trading.rules_table(activity_of(result)),
    "trades": lambda result: trading.trades_table(result.trades),
}


def render(table: Table, width: int = 80) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(table)
    return file.getvalue()


def read_cells(table: Table) -> list[list[str]]:
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("result", [ONE, TWO, BARE], ids=["one", "panel", "no trade"])
def test_tables_fit_80_columns_without_truncation(name: str, result: Backtest) -> None:
    text = render(TABLES[name](result))
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "nan" not in text
    assert "inf" not in text.replace("information", "")


def test_every_metric_has_a_row_in_its_unit() -> None:
    rows = read_cells(TABLES["metrics"](ONE))
    assert [row[0].replace(" ", "_") for row in rows] == list(METRICS)
    for label, strategy, benchmark in rows:
        name = label.replace(" ", "_")
        assert strategy == format_value(ONE.metrics[name], METRICS[name].unit)
        assert benchmark == format_value(ONE.benchmark_metrics[name], METRICS[name].unit)
        if METRICS[name].unit == "percent":
            assert re.fullmatch(r"-?[\d,]+\.\d%|–", strategy)


def test_years_have_the_returns_of_both_equities() -> None:
    rows, capital = read_cells(trading.years_table(ONE)), ONE.performance.capital
    strategy, benchmark = (
        yearly_returns(ONE.time, each, capital) for each in (ONE.equity, ONE.benchmark)
    )
    assert [row[0] for row in rows] == [str(year) for year in strategy]
    for year, *shown in rows:
        assert shown == [f"{strategy[int(year)]:.1%}", f"{benchmark[int(year)]:.1%}"]


def test_drawdowns_have_their_dates_and_lengths() -> None:
    rows = read_cells(trading.drawdowns_table(ONE))
    found = largest_drawdowns(ONE.equity, ONE.performance.capital)
    assert len(rows) == len(found) <= 10
    for (depth, first, lowest, recovered, bars), each in zip(rows, found, strict=True):
        assert depth == f"{each.depth:.1%}"
        assert each.peak is not None
        end = len(ONE.time) - 1 if each.recovery is None else each.recovery
        assert first == format_time(ONE.time[each.peak])
        assert lowest == format_time(ONE.time[each.trough])
        assert recovered == ("not yet" if each.recovery is None else format_time(ONE.time[end]))
        assert int(bars.replace(",", "")) == end - each.peak


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_the_longest_drawdown_of_the_table_is_the_metric(steps: list[int]) -> None:
    capital = ONE.performance.capital
    equity = capital * (0.9 + np.array(steps) / 100)
    run = replace(ONE.performance, equity=equity)
    time = ONE.time[: len(equity)]
    rows = read_cells(trading.drawdowns_table(replace(ONE, time=time, performance=run)))
    all_drawdowns = list_drawdowns(equity, capital)
    assert len(rows) == min(len(all_drawdowns), 10)
    longest = METRICS["max_drawdown_bars"].compute(run)
    assert longest == max([each.bars for each in all_drawdowns], default=0)
    shown = max([int(row[-1].replace(",", "")) for row in rows], default=0)
    assert shown == longest if len(all_drawdowns) <= 10 else shown <= longest
    # The capital is the first peak, so one more bar of it changes no length.
    later = replace(run, equity=np.concatenate([[capital], equity]))
    assert METRICS["max_drawdown_bars"].compute(later) == longest


def test_symbols_have_the_metrics_of_their_sleeves() -> None:
    rows = read_cells(trading.symbols_table(TWO))
    assert [row[0] for row in rows] == list(TWO.symbols)
    for row, sleeve in zip(rows, TWO.sleeves, strict=True):
        assert row[1] == f"{sleeve.metrics['total_return']:.1%}"
        assert row[5] == str(len(sleeve.trades))
        assert row[-1] == f"{sleeve.benchmark_metrics['total_return']:.1%}"


def test_the_last_twenty_trades_are_shown_and_counted() -> None:
    assert len(ONE.trades) > 20
    rows = read_cells(trading.trades_table(ONE.trades))
    assert len(rows) == 20
    assert f"trades ({len(ONE.trades)}, the last 20)" in render(trading.trades_table(ONE.trades))
    for row, trade in zip(rows, ONE.trades[-20:], strict=True):
        assert row[:3] == [format_time(trade.entry_time), format_time(trade.exit_time), trade.side]
        assert row[-1] == trade.reason
    assert "trades (20)" in render(trading.trades_table(ONE.trades[:20]))


def test_a_rule_that_was_never_true_is_split_into_its_parts() -> None:
    rows = read_cells(trading.rules_table(activity_of(ONE)))
    assert [row[0] for row in rows] == ["buy", "short", "  close < open", "  close > open"]
    found = activity_of(ONE)
    for row, tally in zip(rows, [found.rules[0].whole, found.rules[1].whole, *found.rules[1].parts],
                          strict=True):  # fmt: skip
        assert row[1:4] == [f"{tally.true:,}", f"{tally.known:,}", "900"]
    assert [row[4] for row in rows] == ["", "never together", "", ""]
    marks = [row[4] for row in read_cells(trading.rules_table(activity_of(BARE)))]
    assert marks == ["", "", "never known", "never together", "", ""]
    assert explain_no_trades(found).startswith("never traded: `buy` or `short` was true on")
    assert explain_no_trades(activity_of(BARE)) == (
        "never traded: neither `buy` nor `short` was ever true"
    )


def test_higher_costs_have_one_column_per_factor() -> None:
    assert re.search(r"\b1x +2\.5x", render(TABLES["stress"](ONE)))


@pytest.mark.parametrize("name", ["[/x]", "[red]X[/red]", "BRK[b]", "a[1]", "\\[x]"])
def test_markup_in_the_name_of_a_symbol_is_not_interpreted(name: str) -> None:
    bars = random_walk(400, 3)
    panels: dict[str, Any] = {each: np.concatenate([getattr(bars, each)] * 2) for each in PANELS}
    pair = Bars((name, "other"), bars.time, **panels)
    result = backtest(check(RULES), pair, market())
    for table in (
        trading.symbols_table(result), trading.trades_table(result.trades, is_panel=True),
        data_tables.bars_table(pair),
    ):  # fmt: skip
        assert name in render(table, 120)


def test_a_symbol_without_bars_has_a_row() -> None:
    panel = panel_of(4)
    first = int(panel.priced_indices(1)[0])
    bars = panel.slice(0, first)
    assert read_cells(data_tables.bars_table(bars))[1] == [
        "BBB",
        "–",
        "–",
        "0",
        f"{first:,}",
        *"–––",
    ]
    data_tables.issues_table(bars)
