"""A whole run on several symbols: its folder, its document, its words, and the same run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evolve.cli.console import ConsoleObserver
from evolve.data import load
from evolve.data.frames import bars_to_frame
from evolve.errors import EvolveError
from evolve.experiment.harden import read_run
from evolve.experiment.plan import build_prompts, read_plan
from evolve.experiment.result import Run
from evolve.experiment.run import run
from evolve.llm.model_set import LlmSettings
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
    """An experiment on two synthetic markets and a file that starts late and has holes."""
    place = tmp_path_factory.mktemp("panel")
    late = load("synthetic:walk?seed=3&bars=900").bars.slice(200, 900)
    frame = bars_to_frame(late).drop(index=[50, 51, 300])
    frame.to_csv(place / "B.csv", index=False)
    (place / "three.yaml").write_text(EXPERIMENT)
    return place


@pytest.fixture(scope="module")
def finished(folder: Path) -> Run:
    return run(folder / "three.yaml", out=folder / "one")


def test_a_run_leaves_what_it_found_of_each_symbol(finished: Run, folder: Path) -> None:
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
        worth = sum(each["final_equity"] for each in by_symbol.values())
        assert worth == pytest.approx(best["metrics"][window]["final_equity"])
    assert document["trials"]["evaluated"] == 240


def test_the_same_run_comes_again(finished: Run, folder: Path) -> None:
    again = run(folder / "three.yaml", out=folder / "two")
    first, second = (
        json.loads((folder / name / "result.json").read_text()) for name in ("one", "two")
    )
    for key in ("best", "finalists", "trials", "proposers", "data"):
        assert first[key] == second[key]
    assert again.best is not None


def test_the_snapshot_holds_the_very_bars(finished: Run, folder: Path) -> None:
    snapshot = load(f"parquet:{folder / 'one' / 'bars.parquet'}").bars
    assert snapshot.hash == finished.dataset.bars.hash
    judged = read_run(folder / "one")
    assert len(judged.trials) == 240
    assert load(judged.plan.experiment.data.source).bars.hash == snapshot.hash


def test_nothing_of_the_holdout_is_in_the_partition(finished: Run) -> None:
    part, bars = finished.split, finished.dataset.bars
    assert len(part.seen) + part.holdout.bars == len(bars)
    assert str(part.seen.time[-1])[:10] < part.holdout.first_day
    assert part.train.symbols == bars.symbols


def test_a_model_is_told_of_several_and_of_no_name(finished: Run, folder: Path) -> None:
    ready = read_plan(folder / "three.yaml")
    data = ready.split(finished.dataset)
    briefing = build_prompts(ready, data, LlmSettings())
    said = briefing.request_strategies("different", [], 0, [], "", [])[-1]["content"]
    assert "3 instruments, each traded alone" in said
    assert not any(name in said for name in ("REGIME1", "GARCH2"))
    gallery = Profiler(data.split.train, ready.experiment.backtest.market())
    for each in finished.finalists:
        portrait = gallery.profile(each.program)
        assert portrait.trades == each.train.metrics["num_trades"]
        assert len(set(portrait.losing_conditions)) == len(portrait.losing_conditions)


def test_the_console_has_a_row_a_symbol(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleObserver() as observer:
        run(folder / "three.yaml", out=folder / "three", observer=observer)
    out = capsys.readouterr().out
    assert "3 symbols" in out
    assert "by symbol, a sleeve of equal capital each, on validation" in out
    assert "GARCH2" in out


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.from=[]", "at least 1 item"),
        ("data.from=[sample:sp500, sample:sp500]", "duplicate symbol `SP500`"),
        ("data.from=[sample:sp500, csv:none.csv]", "no such file: none.csv"),
        ("data.from=3", "valid string"),
        ("data.start=2030-01-01", "no bars from 2030-01-01"),
    ],
)
def test_a_list_that_makes_no_data_is_refused(setting: str, said: str, folder: Path) -> None:
    with pytest.raises(EvolveError, match=said):
        run(folder / "three.yaml", [setting], out=folder / "never")
    assert not (folder / "never").exists()
