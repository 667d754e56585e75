"""`evolve backtest RUN`: the figures of the run, to the last digit, on the run's own bars."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest

from evolve.cli.backtest_ import command
from evolve.cli.backtest_run import BOTH_OPTIONS, RUN_OPTIONS
from evolve.data import load
from evolve.data.source import UnreachableError
from evolve.data.tables.frames import bars_to_frame
from evolve.experiment.run_parts import PARTS
from tests.command_line import document, invoke, refuse

SEARCH = """
language: {directions: [long, short], max_nodes: 16}
fitness: {folds: 2, require: {trades_per_fold: 2}}
search: {islands: 2, population: 20, generations_per_epoch: 2}
budget: {evaluations: 100, stale_epochs: null}
validate: {null_runs: 0}
workers: 1
"""
EXPERIMENTS = {
    "panel": """
name: panel
seed: 5
data: {from: ["synthetic:regime?seed=1&bars=600", "synthetic:garch?seed=2&bars=500", B.csv]}
backtest: {max_volume_share: 5%, borrow_bps: 50, cash_rate: 0.01, capital: 50000, fill: close}
""",
    "fallback": """
name: fallback
seed: 2
data: {from: "yahoo:SPY", fallback: "sample:sp500", start: 2010-01-01, end: 2013-12-31}
backtest: {commission_bps: 3, slippage_bps: 9}
split:
  fallback: {validation: 2012-01-01, holdout: 2013-01-01}
""",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run each experiment; yield the folder of the run folders."""
    folder = tmp_path_factory.mktemp("runs")
    late = load("synthetic:walk?seed=3&bars=600").bars.slice(100, 600)
    bars_to_frame(late).drop(index=[50, 51, 200]).to_csv(folder / "B.csv", index=False)

    def fail(*arguments: object, **others: object) -> None:
        raise UnreachableError("no network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(folder / "home"))
        patch.setattr("evolve.data.sources.yahoo.download", fail)
        for name, text in EXPERIMENTS.items():
            (folder / f"{name}.yaml").write_text(text + SEARCH)
            invoke("run", str(folder / f"{name}.yaml"), "--out", str(folder / name))
    (folder / "B.csv").write_text("changed after the runs")
    yield folder


def read_result(run: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run / "result.json").read_text("utf-8"))
    return result


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_finalist_has_the_metrics_of_the_run_to_the_last_digit(name: str, runs: Path) -> None:
    result = read_result(runs / name)
    count = len(result["finalists"])
    for rank in sorted({1, 2, count}):
        finalist = result["finalists"][rank - 1]
        found = document("backtest", str(runs / name), "--finalist", str(rank))
        assert found["strategy"]["hash"] == finalist["hash"]
        assert list(found["parts"]) == ["train", "validation"]
        for part, each in found["parts"].items():
            assert each["metrics"] == finalist["metrics"][part]
            assert each["benchmark"] == finalist["benchmark"][part]
            assert each["by_symbol"] == finalist.get("by_symbol", {}).get(part, {})
            assert each["at_costs"]["1x"] == finalist["metrics"][part]
            assert len(each["trades"]) == finalist["metrics"][part]["num_trades"]


def test_the_runs_differ_in_their_bars_and_their_fills(runs: Path) -> None:
    data = {name: read_result(runs / name)["data"] for name in EXPERIMENTS}
    assert len(data["panel"]["symbols"]) == 3
    assert data["fallback"]["closes_only"]
    assert data["fallback"]["fallback_used"]
    for name, expected in (("fallback", "next close"), ("panel", "close, which nobody")):
        page = invoke("backtest", str(runs / name), "--part", "train").out
        assert f"filled at the {expected}" in page


def test_a_part_is_named_with_its_own_days_and_its_origin(runs: Path) -> None:
    whole = invoke("backtest", str(runs / "fallback")).out
    assert "on sample:sp500" in whole.splitlines()[0]
    assert "train: 2010-01-04 to 2011-12-30" in whole
    assert "validation: 2012-01-03 to 2012-12-31" in whole
    part = invoke("backtest", str(runs / "fallback"), "--part", "validation").out
    assert "2012-01-03 to 2012-12-31, 250 bars" in part
    assert "bars with a true rule" in part
    found = document("backtest", str(runs / "fallback"), "--part", "train")
    assert list(found["parts"]) == ["train"]
    assert found["parts"]["train"]["data"]["fallback_used"] is True


def test_the_files_name_the_part_of_each_row(runs: Path, tmp_path: Path) -> None:
    trades, equity = tmp_path / "trades.csv", tmp_path / "equity.parquet"
    files = ("--trades", str(trades), "--equity", str(equity))
    found = document("backtest", str(runs / "panel"), *files)
    bars, closed = pd.read_parquet(equity), pd.read_csv(trades)
    for part, each in found["parts"].items():
        assert bars[bars["part"] == part].iloc[-1]["equity"] == each["metrics"]["final_equity"]
        assert (closed["part"] == part).sum() == len(each["trades"])
    assert "equity on train" in invoke("backtest", str(runs / "panel"), "--plot").out
    snapshot = str(runs / "panel" / "bars.parquet")
    assert "it is an input" in refuse("backtest", str(runs / "panel"), "--equity", snapshot)


# -- the holdout


def test_a_sealed_holdout_is_refused_with_the_command_that_opens_it(runs: Path) -> None:
    error = refuse("backtest", str(runs / "panel"), "--part", "holdout")
    assert f"evolve holdout open {runs / 'panel'}" in error
    assert "holdout" not in document("backtest", str(runs / "panel"))["parts"]


def test_an_open_holdout_has_the_figures_of_its_test(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "open"
    shutil.copytree(runs / "panel", run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
        invoke("holdout", "open", str(run), "--yes")
    holdout = read_result(run)["holdout"]
    found = document("backtest", str(run))
    assert list(found["parts"]) == list(PARTS)
    assert found["parts"]["holdout"]["metrics"] == holdout["metrics"]
    assert found["parts"]["holdout"]["benchmark"] == holdout["benchmark"]
    assert document("backtest", str(run), "--part", "holdout")["parts"]["holdout"]["trades"]


# -- other states, and errors


def test_an_unfinished_run_has_its_best_so_far(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "stopped"
    shutil.copytree(runs / "panel", run)
    (run / "result.json").unlink()
    output = invoke("backtest", str(run))
    assert "note: the run is stopped" in output.err
    expected = read_result(runs / "panel")["finalists"][0]["metrics"]["train"]
    found = document("backtest", str(run))
    assert found["parts"]["train"]["metrics"] == expected
    origin = read_result(runs / "panel")["data"]["from"]
    assert found["parts"]["train"]["data"]["from"] == origin
    shutil.rmtree(run / "finalists")
    assert "has no strategy" in refuse("backtest", str(run))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--data", "sample:sp500"), "--data"),
        (("--commission-bps", "3", "--fill", "close"), "--fill, --commission-bps"),
        (("--start", "2010-01-01"), "--start"),
        (("--name", "x"), "--name"),
    ],
)
def test_options_that_contradict_a_run_are_refused(
    options: tuple[str, ...], named: str, runs: Path
) -> None:
    error = refuse("backtest", str(runs / "panel"), *options, status=2)
    assert f"{named} cannot be used with {runs / 'panel'}" in error
    assert "the run's own bars, costs and parts are used" in error


def test_options_of_a_run_are_refused_for_a_file(runs: Path) -> None:
    best = str(runs / "panel" / "best.evo")
    for option in (("--part", "train"), ("--finalist", "1")):
        error = refuse("backtest", best, *option, status=2)
        assert f"{option[0]} cannot be used with {best}: it requires a run folder" in error
    assert "Missing option '--data'" in refuse("backtest", best, status=2)


def test_a_finalist_that_does_not_exist_is_refused_with_the_range(runs: Path) -> None:
    count = len(read_result(runs / "fallback")["finalists"])
    error = refuse("backtest", str(runs / "fallback"), "--finalist", str(count + 1))
    assert f"no finalist {count + 1}" in error
    assert f"it has 1 {'only' if count == 1 else f'to {count}'}" in error


def test_other_files_in_the_folder_are_refused(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "changed"
    shutil.copytree(runs / "panel", run)
    shutil.copy(runs / "fallback" / "bars.parquet", run / "bars.parquet")
    refuse("backtest", str(run))
    shutil.copy(runs / "panel" / "bars.parquet", run / "bars.parquet")
    result = read_result(run)
    result["finalists"][0]["source"] = "strategy other { buy when close > open }"
    (run / "result.json").write_text(json.dumps(result))
    assert "has not the strategy of finalist 1" in refuse("backtest", str(run))
    assert "it holds runs" in refuse("backtest", str(tmp_path))


def test_the_options_name_all_parts() -> None:
    options = {each.name: each for each in command.get_params(click.Context(command))}
    part = options["part"].type
    assert isinstance(part, click.Choice)
    assert tuple(part.choices) == PARTS
    assert {*RUN_OPTIONS, *BOTH_OPTIONS} <= set(options)
