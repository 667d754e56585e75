"""Prices, volumes and capital at their limits give finite figures; beyond them, errors."""

from __future__ import annotations

import math
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsl.analysis.check import check
from dsl.bars import MAX_PRICE, MAX_VOLUME, MIN_PRICE
from evolve.api import evaluate
from evolve.backtest.market import market
from evolve.data import load
from evolve.data.tables.frames import bars_to_frame
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.report.export import write_table
from tests.command_line import document, invoke, refuse
from tests.data.tables import csv, refusal

COUNT = 40
LOW, HIGH = MIN_PRICE, MAX_PRICE
IS_EVEN = np.arange(COUNT) % 2 == 0
CLOSES = {
    "the minimum price": np.full(COUNT, LOW),
    "the maximum price": np.full(COUNT, HIGH),
    "from minimum to maximum": np.geomspace(LOW, HIGH, COUNT),
    "from maximum to minimum": np.geomspace(HIGH, LOW, COUNT),
    "one jump": np.where(np.arange(COUNT) < COUNT // 2, LOW, HIGH),
    "a jump at each bar": np.where(IS_EVEN, LOW, HIGH),
    "near the minimum": LOW * (1 + IS_EVEN + np.arange(COUNT) % 3),
}
STRATEGIES = {
    "always": "buy when true",
    "both": "buy when close < close[1] short when close > close[1]",
    "dip": "buy when close <= open sell when close > open",
    "exits": "buy when true stop 5% target 3 * atr(2) trail 10% hold 3",
    "short": "short when close >= close[1] cover when close < close[1]",
}
COSTS: dict[str, dict[str, Any]] = {
    "default": {},
    "maximum capital": {"capital": 1e15},
    "minimum capital": {"capital": 1e-12},
    "maximum costs": {
        "commission_bps": 1000, "slippage_bps": 1000, "slippage_range": 1, "borrow_bps": 10_000,
        "cash_rate": 1, "max_leverage": 100,
    },
    "fees": {"commission_per_share": 1e6, "commission_minimum": 1e6, "capital": 1e15},
    "capped": {"max_volume_share": 1e-12, "capital": 1e15},
    "leverage": {"capital": 1e15, "max_leverage": 100, "fill": "close"},
}  # fmt: skip
NOT_FINITE = re.compile(
    r"(?<![A-Za-z_])(inf|infinity|nan|RuntimeWarning)(?![A-Za-z_])", re.IGNORECASE
)
TOO_MUCH = "check the prices before"


def write_bars(path: Path, name: str) -> str:
    """Write bars whose volume alternates between 0 and the maximum; return the path."""
    close = CLOSES[name]
    before = np.concatenate([close[:1], close[:-1]])
    frame = pd.DataFrame({"Date": pd.bdate_range("2024-01-01", periods=COUNT), "Open": before})
    frame = frame.assign(
        High=np.maximum(before, close), Low=np.minimum(before, close), Close=close,
        Volume=np.where(IS_EVEN, 0.0, MAX_VOLUME),
    )  # fmt: skip
    frame.to_csv(path, index=False)
    return str(path)


def run_verb(*args: str) -> str:
    """Return the output of a verb; it is finite, or empty if the equity exceeds its limit."""
    output = invoke(*args, status=None)
    assert not NOT_FINITE.search(output.out), (args, output.out)
    assert not NOT_FINITE.search(output.err), (args, output.err)
    if output.status:
        assert output.status == 1 and TOO_MUCH in output.err, (args, output.err)
    return output.out


# -- beyond the limits


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Open", "9.9e-13", "expected a number from 1e-12 to 1e+15, found 9.9e-13"),
        ("High", "1.1e15", "expected a number from 1e-12 to 1e+15, found 1.1e+15"),
        ("Low", "1e-300", "expected a number from 1e-12 to 1e+15, found 1e-300"),
        ("Close", "1e300", "expected a number from 1e-12 to 1e+15, found 1e+300"),
        ("Volume", "1.1e21", "expected a number from 0 to 1e+21, found 1.1e+21"),
    ],
)
def test_a_number_beyond_its_limits_is_an_error_with_its_location(
    column: str, value: str, message: str, tmp_path: Path
) -> None:
    head = ["Date", "Open", "High", "Low", "Close", "Volume"]
    cells = dict(zip(head, ["2024-01-03", "10", "12", "9", "11", "5"], strict=True))
    row = ",".join((cells | {column: value}).values())
    spec = csv(tmp_path / "a.csv", "2024-01-02,10,12,9,11,5", row)
    error = refusal(spec)
    assert f"line 3, column `{column.lower()}`: {message}" in error.message
    assert "another unit" in error.hint


@pytest.mark.parametrize(("close", "adjusted"), [("1e10", "1e-5"), ("1e-5", "1e11")])
def test_an_adjustment_beyond_its_limits_is_an_error(
    close: str, adjusted: str, tmp_path: Path
) -> None:
    rows = [f"2024-01-0{day},{close},{close},{close},{close},{adjusted}" for day in (2, 3)]
    error = refusal(csv(tmp_path / "a.csv", *rows, head="Date,Open,High,Low,Close,Adj Close"))
    assert "line 2" in error.message and "`adj close` / `close`" in error.message


@pytest.mark.parametrize("value", ["1.01e15", "1e300", "inf", "nan", "0", "-1"])
def test_a_capital_beyond_its_limits_is_an_error(value: str, tmp_path: Path) -> None:
    path = tmp_path / "s.evo"
    path.write_text("strategy s { buy when true }")
    args = ("backtest", str(path), "--data", "synthetic:walk?bars=50", "--capital", value)
    assert "--capital" in refuse(*args, status=2)


# -- within the limits


@pytest.mark.parametrize("name", CLOSES)
def test_bars_at_the_limits_are_read_and_written_back(name: str, tmp_path: Path) -> None:
    bars = load(write_bars(tmp_path / "A.csv", name)).bars
    write_table(bars_to_frame(bars), tmp_path / "A.parquet")
    assert load(str(tmp_path / "A.parquet")).bars.hash == bars.hash


@pytest.mark.parametrize("name", CLOSES)
def test_the_output_of_each_verb_is_finite_for_bars_at_the_limits(
    name: str, tmp_path: Path
) -> None:
    data = write_bars(tmp_path / "A.csv", name)
    run_verb("data", data, "--plot")
    for text in ("volume * close", "stdev(close, 5)", "slope(close, 5)", "power(close, 30)"):
        run_verb("eval", text, "--data", data)
    for strategy, rules in STRATEGIES.items():
        path = tmp_path / f"{strategy}.evo"
        path.write_text(f"strategy {strategy}_ {{ {rules} }}")
        run_verb("signals", str(path), "--data", data)
        run_verb("signals", str(path), "--data", data, "--last", "--capital", "1e15")


ALL = [
    pytest.param(*each, tuple(COSTS), marks=pytest.mark.slow)
    for each in product(CLOSES, STRATEGIES)
]
SOME = [(name, "both", ("default",)) for name in CLOSES]
JUMPS = [("one jump", strategy, ("maximum costs",)) for strategy in STRATEGIES]


@pytest.mark.parametrize(("name", "strategy", "chosen"), [*SOME, *JUMPS, *ALL])
def test_all_figures_of_a_backtest_are_finite_for_bars_at_the_limits(
    name: str, strategy: str, chosen: tuple[str, ...], tmp_path: Path,

) -> None:  # fmt: skip
    data, path = write_bars(tmp_path / "A.csv", name), tmp_path / "s.evo"
    path.write_text(f"strategy s {{ {STRATEGIES[strategy]} }}")
    trades, equity = tmp_path / "trades.csv", tmp_path / "equity.csv"
    for costs in chosen:
        options = [f"--{key.replace('_', '-')}={value}" for key, value in COSTS[costs].items()]
        args = ["backtest", str(path), "--data", data, *options]
        for table in (trades, equity):
            table.unlink(missing_ok=True)
        pages = run_verb(*args, "--plot", "--trades", str(trades), "--equity", str(equity))
        assert bool(pages) == bool(run_verb(*args, "--json"))
        if pages:
            assert document(*args)["metrics"]
            assert not NOT_FINITE.search(trades.read_text() + equity.read_text())


def test_values_beyond_the_largest_float_are_unknown(tmp_path: Path) -> None:
    data = write_bars(tmp_path / "A.csv", "a jump at each bar")
    text = " * ".join(["close"] * 21)
    values = evaluate(text, data)[0]
    assert np.array_equal(np.isnan(values), ~IS_EVEN)
    rows = run_verb("eval", text, "--data", data).splitlines()[1:]
    assert [row.endswith(",") for row in rows] == (~IS_EVEN).tolist()


def test_an_equity_beyond_its_limit_is_an_error_with_its_day(tmp_path: Path) -> None:
    data, path = write_bars(tmp_path / "A.csv", "a jump at each bar"), tmp_path / "s.evo"
    path.write_text("strategy s { buy when close < 1 sell when close > 1 }")
    args = ("backtest", str(path), "--data", data, "--capital", "1e15", "--fill", "close")
    error = refuse(*args)
    assert "equity on A exceeds 1e+250 on 2024-01-" in error and TOO_MUCH in error


@pytest.mark.parametrize(("name", "costs"), list(product(CLOSES, COSTS)))
def test_all_scores_are_finite_for_bars_at_the_limits(
    name: str, costs: str, tmp_path: Path
) -> None:
    bars = load(write_bars(tmp_path / "A.csv", name)).bars
    programs = [check(f"strategy s {{ {rules} }}") for rules in STRATEGIES.values()]
    goals = FitnessSpec(("appraisal_ratio", "sharpe", "total_return"), ("nodes",), {}, 3, 0.5)
    for each in FoldFitness(bars, market(**COSTS[costs]), goals)(programs):
        assert all(map(math.isfinite, (*each.values, *each.folds)))


def test_a_strategy_whose_equity_overflows_is_infeasible(tmp_path: Path) -> None:
    bars = load(write_bars(tmp_path / "A.csv", "a jump at each bar")).bars
    program = check("strategy s { buy when close < 1 sell when close > 1 }")
    costs = market(capital=1e15, fill="close")
    for maximized in ("appraisal_ratio", "total_return"):
        (scores,) = FoldFitness(bars, costs, FitnessSpec((maximized,), (), {}, 1, 0.5))([program])
        assert scores.infeasible_reason == "its equity exceeds the largest number"
