"""Runs on several symbols: their folder, their document, their prompt and their repetition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evolve.cli.console import ConsoleObserver
from evolve.data import load
from evolve.data.tables.frames import bars_to_frame
from evolve.errors import EvolveError
from evolve.experiment.finished_run import read_run
from evolve.experiment.plan import build_prompts, read_plan
from evolve.experiment.result import Run
from evolve.experiment.run import run
from evolve.llm.model_set import LlmSettings
from evolve.llm.prompt.parts import PromptParts
from evolve.llm.prompt.profile import Profiler

EXPERIMENT = """
name: three
seed: 5
data: {from: ["synthetic:regime?seed=1&bars=900", "synthetic:garch?seed=2&bars=700", B.csv]}
backtest: {max_volume_share: 5%, borrow_bps: 50, cash_rate: 0.01}
language: {directions: [long, short]}
fitness: {require: {trades_per_fold: 4}}
search: {islands: 2, population: 30, generations_per_epoch: 2}
budget: {evaluations: 240, stale_epochs: null}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an experiment on two generators and a file that starts late and has gaps."""
    folder = tmp_path_factory.mktemp("panel")
    late = load("synthetic:walk?seed=3&bars=900").bars.slice(200, 900)
    frame = bars_to_frame(late).drop(index=[50, 51, 300])
    frame.to_csv(folder / "B.csv", index=False)
    (folder / "three.yaml").write_text(EXPERIMENT)
    return folder


@pytest.fixture(scope="module")
def finished(folder: Path) -> Run:
    return run(folder / "three.yaml", out=folder / "one")


@pytest.mark.slow
def test_the_result_has_metrics_by_symbol(finished: Run, folder: Path) -> None:
    document = json.loads((folder / "one" / "result.json").read_text())
    assert document["data"]["symbols"] == ["REGIME1", "GARCH2", "B"]
    assert document["data"]["from"] == [
        "synthetic:regime?seed=1&bars=900", "synthetic:garch?seed=2&bars=700", "B.csv",
    ]  # fmt: skip
    best = document["best"]
    assert set(best["by_symbol"]) == {"train", "validation"}
    for window, by_symbol in best["by_symbol"].items():
        assert set(by_symbol) == {"REGIME1", "GARCH2", "B"}
        trades = sum(each["num_trades"] for each in by_symbol.values())
        assert trades == best["metrics"][window]["num_trades"]
        equity = sum(each["final_equity"] for each in by_symbol.values())
        assert equity == pytest.approx(best["metrics"][window]["final_equity"])
    assert document["trials"]["evaluated"] == 240


def test_a_run_is_reproducible(finished: Run, folder: Path) -> None:
    again = run(folder / "three.yaml", out=folder / "two")
    first, second = (
        json.loads((folder / name / "result.json").read_text()) for name in ("one", "two")
    )
    for key in ("best", "finalists", "trials", "proposers", "data"):
        assert first[key] == second[key]
    assert again.best is not None


def test_the_snapshot_has_the_hash_of_the_bars(finished: Run, folder: Path) -> None:
    snapshot = load(f"parquet:{folder / 'one' / 'bars.parquet'}").bars
    assert snapshot.hash == finished.dataset.bars.hash
    finished_run = read_run(folder / "one")
    assert len(finished_run.trials) == 240
    assert load(finished_run.plan.experiment.data.source).bars.hash == snapshot.hash


def test_the_split_contains_no_bars_of_the_holdout(finished: Run) -> None:
    split, bars = finished.split, finished.dataset.bars
    assert len(split.seen) + split.holdout.bars == len(bars)
    assert str(split.seen.time[-1])[:10] < split.holdout.first_day
    assert split.train.symbols == bars.symbols


def test_a_prompt_describes_several_symbols_without_their_names(
    finished: Run, folder: Path
) -> None:
    plan = read_plan(folder / "three.yaml")
    data = plan.split(finished.dataset)
    prompts = build_prompts(plan, data, LlmSettings())
    prompt = prompts.request_strategies(PromptParts("different"))[-1]["content"]
    assert "3 instruments, each traded separately" in prompt
    assert not any(name in prompt for name in ("REGIME1", "GARCH2"))
    profiler = Profiler(data.split.train, plan.experiment.backtest.market())
    for each in finished.finalists:
        profile = profiler.profile(each.program)
        assert profile.trades == each.train.metrics["num_trades"]
        assert len(set(profile.losing_conditions)) == len(profile.losing_conditions)


def test_the_console_has_a_row_per_symbol(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleObserver() as observer:
        run(folder / "three.yaml", out=folder / "three", observer=observer)
    out = capsys.readouterr().out
    assert "3 symbols" in out
    assert "by symbol, one sleeve of equal capital each, on validation" in out
    assert "GARCH2" in out


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.from=[]", "expected a non-empty list"),
        ("data.from=[sample:sp500, sample:sp500]", "duplicate symbol `SP500`"),
        ("data.from=[sample:sp500, csv:none.csv]", "no such file: none.csv"),
        ("data.from=3", "expected text"),
        ("data.start=2030-01-01", "no bars from 2030-01-01"),
    ],
)
def test_invalid_data_settings_are_rejected(setting: str, message: str, folder: Path) -> None:
    with pytest.raises(EvolveError, match=message):
        run(folder / "three.yaml", [setting], out=folder / "never")
    assert not (folder / "never").exists()
