"""`evolve signals` and `evolve eval`, on every bar and after the last one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import Bars
from dsl.evaluate import evaluate
from evolve.backtest.backtest import backtest
from evolve.backtest.market import FILLS, market
from evolve.data import load
from tests.cli.conftest import WriteStrategy
from tests.command_line import csv_rows, invoke, refuse
from tests.data.tables import csv, hourly_csv

BOTH = (
    "strategy both { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 "
    "short when rsi(close, 3) > 80 cover when rsi(close, 3) < 40 stop 3 * atr(14) hold 5 }"
)
SPEC = "synthetic:regime?seed=3&bars=400"
OTHER = "synthetic:garch?seed=4&bars=250"
LAST = re.compile(
    r"^(?:(\S+) )?(\d{4}-\d\d-\d\d[ T\d:]*): (flat|long since [\d:T -]+|short since [\d:T -]+)\b"
    r".* (the next open|the next close|now)\b"
)
COSTS = (
    (), ("--slippage-bps", "20", "--commission-minimum", "3", "--borrow-bps", "90"),
    ("--max-volume-share", "0.00001"), ("--capital", "77", "--max-leverage", "2"),
)  # fmt: skip


@pytest.fixture
def both(evo: WriteStrategy) -> str:
    return evo(BOTH)


def load_bars(spec: str = SPEC) -> Bars:
    return load(spec).bars


def last_line(*args: str) -> str:
    (line,) = invoke("signals", *args, "--last").out.splitlines()
    return line


@pytest.mark.parametrize("fill", FILLS)
def test_last_has_one_line_per_symbol(fill: str, both: str) -> None:
    when = {"next_open": "the next open", "close": "now", "next_close": "the next close"}[fill]
    for costs in COSTS:
        line = LAST.match(last_line(both, "--data", SPEC, "--fill", fill, *costs))
        assert line is not None
        assert line.group(1) is None
        assert line.group(4) == when
    args = ("--data", SPEC, "--data", OTHER, "--last", "--fill", fill)
    found = [LAST.match(line) for line in invoke("signals", both, *args).out.splitlines()]
    assert [each.group(1) for each in found if each] == ["REGIME3", "GARCH4"]
    ends = [str(load_bars(spec).time[-1])[:10] for spec in (SPEC, OTHER)]
    assert [each.group(2) for each in found if each] == ends


@pytest.mark.parametrize("fill", ["next_open", "next_close"])
def test_the_last_position_is_that_of_a_run_with_later_bars(fill: str, both: str) -> None:
    """Compare after the close, when the orders of the bar before are filled."""
    bars = load_bars()
    terms = market(fill=fill)  # type: ignore[arg-type]
    held = backtest(check(BOTH), bars, terms).held
    wrong = []
    for bar in range(90, 130):
        day = str(bars.time[bar])[:10]
        line = last_line(both, "--data", SPEC, "--end", day, "--fill", fill)
        side = {"flat": 0, "long": 1, "short": -1}[line.split(": ")[1].split(";")[0].split()[0]]
        if side != held[bar]:
            wrong.append(f"{line} (held: {held[bar]})")
    assert wrong == []


@pytest.mark.parametrize("fill", ["next_open", "next_close"])
def test_a_position_at_its_hold_limit_has_an_exit_order(fill: str, evo: WriteStrategy) -> None:
    text, bars = "strategy held { buy when rsi(close, 3) < 25 hold 5 }", load_bars()
    path = evo(text)
    trades = backtest(check(text), bars, market(fill=fill)).trades  # type: ignore[arg-type]
    due = [trade.exit_time for trade in trades if trade.reason == "hold"]
    assert len(due) > 5
    missing = []
    for moment in due[:5]:
        before = str(bars.time[np.searchsorted(bars.time, moment) - 1])[:10]
        line = last_line(path, "--data", SPEC, "--end", before, "--fill", fill)
        if not re.search("sell|hold|leave|exit|close it", line):
            missing.append(line)
    assert missing == []


def test_a_blocked_entry_is_no_order(evo: WriteStrategy) -> None:
    path = evo("strategy s { buy when close > open[300] * 0 sell when close > low * 0 }")
    assert "buy" not in last_line(path, "--data", SPEC).split("flat")[1]


def test_intraday_bars_have_their_time_of_day(both: str, tmp_path: Path) -> None:
    spec = hourly_csv(tmp_path / "hours.csv")
    assert csv_rows("signals", both, "--data", spec)[1][0] == "2024-01-02T10:30"
    assert re.match(r"2024-01-19[ T]16:30", last_line(both, "--data", spec))


def test_every_bar_of_one_symbol_has_a_row(both: str) -> None:
    header, *rows = csv_rows("signals", both, "--data", SPEC)
    assert header == ["time", "buy", "sell", "short", "cover"]
    assert len(rows) == 400
    assert {cell for row in rows[3:] for cell in row[1:]} == {"0", "1"}
    assert [row[0] for row in rows] == [str(moment)[:10] for moment in load_bars().time]


def test_an_unknown_rule_has_an_empty_cell(both: str, evo: WriteStrategy) -> None:
    rows = csv_rows("signals", both, "--data", SPEC)[1:]
    (signals,) = evaluate(check(BOTH), load_bars())
    assert {cell for row in rows[:3] for cell in row[1:]} == {""}  # three bars of warm-up
    for column, order in enumerate(("buy", "sell", "short", "cover")):
        found = [row[column + 1] for row in rows[3:]]
        assert found == [str(int(each)) for each in signals.order(order)[3:]]
    path = evo("strategy s { buy when sma(close, 99) > 2 * close and low < close[2] * 2 "
               "sell when close > low[2] / 2 or sma(close, 9) < open }")  # fmt: skip
    cells = [row[1:] for row in csv_rows("signals", path, "--data", SPEC)[1:]]
    assert cells[0] == ["", "", "0", "0"]
    assert cells[50] == ["", "1", "0", "0"]  # one known operand decides an `or`
    assert cells[150] == ["0", "1", "0", "0"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("close > close[2]", ["", "", "0", "1", "1"]),
        ("close < 0 * close and close > close[2]", ["0"] * 5),
        ("close > 0 * close and close > close[2]", ["", "", "0", "1", "1"]),
        ("close > 0 * close or close > close[2]", ["1"] * 5),
        ("not (close > close[2])", ["", "", "1", "0", "0"]),
        ("1 / (close - open) > 0", [""] * 5),
    ],
)
def test_an_unknown_condition_has_an_empty_cell(
    expression: str, expected: list[str], tmp_path: Path
) -> None:
    rows = [f"2024-01-0{day + 1},{c},{c},{c},{c},1000" for day, c in enumerate((5, 6, 4, 7, 8))]
    spec = csv(tmp_path / "five.csv", *rows)
    assert [value for _, value in csv_rows("eval", expression, "--data", spec)[1:]] == expected


def test_every_bar_of_each_symbol_has_a_row(both: str) -> None:
    header, *rows = csv_rows("signals", both, "--data", SPEC, "--data", OTHER)
    assert header == ["time", "symbol", "buy", "sell", "short", "cover"]
    assert {len(row) for row in rows} == {6}
    for name, spec, count in (("REGIME3", SPEC, 400), ("GARCH4", OTHER, 250)):
        selected = [[row[0], *row[2:]] for row in rows if row[1] == name]
        assert len(selected) == count
        assert selected == csv_rows("signals", both, "--data", spec)[1:]


def test_costs_do_not_change_the_signals(both: str) -> None:
    args = ("signals", both, "--data", SPEC)
    assert csv_rows(*args, "--slippage-bps", "99") == csv_rows(*args)


@pytest.mark.parametrize(
    ("args", "status", "part"),
    [
        (("--fill", "soon"), 2, "'soon' is not one of"),
        (("--slippage-bps", "-1"), 2, "--slippage-bps"),
        (("--name", "boht"), 1, "did you mean `both`"),
        (("--lats",), 2, "--last"),
        (("--start", "2050-01-01"), 1, "has no bars"),
    ],
)
def test_a_usage_error_names_its_cause(
    args: tuple[str, ...], status: int, part: str, both: str
) -> None:
    assert part in refuse("signals", both, "--data", SPEC, *args, status=status)


# -- eval --plot


@pytest.mark.parametrize("specs", [(SPEC,), (SPEC, OTHER)], ids=["one", "two"])
def test_expressions_are_drawn(specs: tuple[str, ...]) -> None:
    data = [part for spec in specs for part in ("--data", spec)]
    for expression in (
        "close", "rsi(close, 2)", "close > open", "close > 2 * high", "close * 0",
        "log(close / close[1])", "bars_since(close > open)",
    ):  # fmt: skip
        lines = invoke("eval", expression, *data, "--plot").out.splitlines()
        assert len(lines) > 15
        assert max(map(len, lines)) <= 100
        assert not any("\x1b" in line for line in lines)
    for expression in ("1 / (close - close)", "sma(close, 4000)"):
        assert "no values to draw" in invoke("eval", expression, *data, "--plot").out


def test_a_symbol_without_bars_in_the_range_has_a_row() -> None:
    out = invoke("data", SPEC, OTHER, "--start", "2001-05-01", "--plot").out
    assert re.search(r"GARCH4 .* 0 ", out)
