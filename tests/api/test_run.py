"""Runs in a notebook: what a run folder has in any state, as tables, texts and figures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evolve.api import RunResult, backtest, load_run, run
from evolve.errors import EvolveError
from evolve.experiment.lineage import find_winner, trace_lineage
from evolve.store.lock import hold_lock
from evolve.store.rows import ExchangeRow, JournalRows
from tests.experiment.small_runs import NOISE, write_experiment

RESULTS = ("result.json", "report.html", "finalists")
CALL = ExchangeRow(
    7, "2026-01-02T03:04:05.678+00:00", "propose", "m", "simplify", "plain", "<b>answer</b>", "",
    100, 20, 0.5, 1.5,
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Return a small run."""
    folder = tmp_path_factory.mktemp("runs")
    overrides = ["validate.null_runs=0", "name=small"]
    return run(write_experiment(folder, NOISE), overrides, folder / "<b>run")


@pytest.fixture
def unfinished(finished: RunResult, tmp_path: Path) -> Path:
    """Return the folder of a run that has no result yet."""
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder, ignore=shutil.ignore_patterns(*RESULTS))
    return folder


def test_a_run_is_what_its_folder_has(finished: RunResult) -> None:
    again = load_run(str(finished.folder))
    assert finished.state == again.state == "finished"
    assert finished.report == finished.folder / "report.html"
    pd.testing.assert_frame_equal(finished.trials, again.trials)
    assert finished.verdict == again.verdict == "NOT TESTED"
    assert "So the result is not tested, and it may be luck." in again.explanation


def test_trials_and_scores_are_those_of_the_journal(finished: RunResult) -> None:
    rows = finished.view.rows.trials
    trials, scores = finished.trials, finished.scores
    assert trials.index.tolist() == scores.index.tolist() == [each.number for each in rows]
    assert trials["hash"].is_unique
    assert trials["score"].tolist() == [each.scores[0] for each in rows]
    assert list(scores) == ["appraisal_ratio", "nodes", "fold_1", "fold_2"]
    assert scores["fold_2"].tolist() == [each.folds[1] for each in rows]
    assert (trials["infeasible_reason"] == "").equals(trials["is_feasible"])
    mean, deviation = (scores[["fold_1", "fold_2"]].agg(each, axis=1) for each in ("mean", "std"))
    feasible = trials["is_feasible"]
    expected = (mean - 0.5 * deviation)[feasible].to_numpy()
    assert scores["appraisal_ratio"][feasible].to_numpy() == pytest.approx(expected)


def test_the_lineage_ends_with_the_winner(finished: RunResult) -> None:
    winner = find_winner(finished.view)
    assert winner is not None
    lineage = finished.lineage
    assert lineage["hash"].iloc[-1] == winner
    assert len(lineage) == len(trace_lineage(finished.view.rows, winner)) > 1
    assert set(" ".join(lineage["parents"]).split()) <= set(lineage["hash"])
    assert lineage["score"].tolist() == finished.trials["score"][lineage.index].tolist()


def test_the_finalists_are_those_of_the_result(finished: RunResult) -> None:
    described = json.loads((finished.folder / "result.json").read_text())["finalists"]
    finalists = finished.finalists
    assert finalists.index.tolist() == list(range(1, len(described) + 1))
    for name in ("hash", "nodes", "source", "correlation"):
        assert finalists[name].tolist() == [each[name] for each in described]
    train = [each["metrics"]["train"] for each in described]
    assert finalists["train"].tolist() == [each["appraisal_ratio"] for each in train]
    assert finalists["bars_held"].tolist() == [each["avg_trade_bars"] for each in train]
    assert finished.best is not None
    assert finalists["hash"][1] == finished.best.hash


def test_the_front_rises_with_size_to_the_best_score(finished: RunResult) -> None:
    feasible, front = finished.trials.query("is_feasible"), finished.front
    assert len(front) > 1
    assert front["nodes"].is_monotonic_increasing
    for each in front.itertuples():
        assert each.score == feasible[feasible["nodes"] <= each.nodes]["score"].max()
    assert front["score"].iloc[-1] == feasible["score"].max()


def test_a_backtest_reproduces_what_the_run_wrote(finished: RunResult) -> None:
    best = json.loads((finished.folder / "result.json").read_text())["best"]
    for part in ("train", "validation"):
        metrics = finished.backtest(part).metrics
        assert {name: metrics[name] for name in best["metrics"][part]} == best["metrics"][part]
    with pytest.raises(EvolveError, match="does not open the holdout"):
        finished.backtest("holdout")  # type: ignore[arg-type]


def test_the_best_strategy_can_be_backtested_on_other_bars(finished: RunResult) -> None:
    assert finished.best is not None
    assert backtest(finished.best, "sample:sp500").program is finished.best


def test_calls_have_their_answers_and_costs(finished: RunResult) -> None:
    rows = replace(finished.view.rows, exchanges=(CALL, replace(CALL, usd=0.25)))
    calls = RunResult(replace(finished.view, rows=rows)).calls
    assert calls.index.tolist() == [7, 7]
    assert calls["usd"].sum() == 0.75
    assert calls["text"].tolist() == ["<b>answer</b>"] * 2
    assert calls["at"].iloc[0] == pd.Timestamp("2026-01-02T03:04:05.678Z")


def test_tables_without_rows_have_the_columns_and_types_of_others(finished: RunResult) -> None:
    some = RunResult(replace(finished.view, rows=replace(finished.view.rows, exchanges=(CALL,))))
    none = RunResult(replace(finished.view, rows=JournalRows()))
    for name in ("trials", "front", "lineage", "calls"):
        empty, full = getattr(none, name), getattr(some, name)
        assert empty.empty
        assert not full.empty
        assert list(empty) == list(full)
        others = [column for column in full if column != "at"]  # its unit may differ
        assert empty.dtypes[others].equals(full.dtypes[others])
    assert list(none.scores) == ["appraisal_ratio", "nodes"]


def test_the_texts_for_people_are_three_lines_and_escaped(finished: RunResult) -> None:
    title, verdict, best = repr(finished).splitlines()
    assert title == f"run small in {finished.folder}: finished, {len(finished.trials)} trials"
    assert verdict.startswith("verdict: NOT TESTED. ")
    assert best.startswith("best: strategy small { buy ")
    markup = finished._repr_html_()
    assert "<b>" not in markup
    assert "&lt;b&gt;run: finished" in markup


def test_a_plot_is_a_chart_of_the_report(finished: RunResult) -> None:
    figure = finished.plot()
    assert {each.name for each in figure.data} == {"strategy", "buy and hold"}
    assert [each.label.text for each in figure.layout.shapes] == ["train", "validation"]
    with pytest.raises(EvolveError, match="unknown chart 'equty'") as error:
        finished.plot("equty")
    assert error.value.hint == "did you mean `equity`?"


def test_a_run_that_goes_on_shows_what_it_has(finished: RunResult, unfinished: Path) -> None:
    with hold_lock(unfinished):
        running = load_run(unfinished)
    assert running.state == "running"
    assert running.verdict == running.explanation == ""
    assert running.report is None
    assert repr(running).splitlines()[1] == "verdict: none yet"
    assert running.lineage["score"].iloc[-1] == running.trials.query("is_feasible")["score"].max()
    assert running.backtest().metrics["num_trades"] > 0
    assert running.finalists.empty
    assert running.finalists.dtypes.equals(load_run(finished.folder).finalists.dtypes)
    assert not running.front.empty
    with pytest.raises(EvolveError, match="is not shown before its search has ended"):
        running.backtest("validation")
    assert [each.label.text for each in running.plot().layout.shapes] in ([], ["train"])


def test_a_run_without_a_strategy_has_words_for_it(unfinished: Path) -> None:
    (unfinished / "best.evo").unlink()
    stopped = load_run(unfinished)
    assert stopped.state == "stopped"
    assert stopped.best is None
    assert repr(stopped).splitlines()[2] == "best: none yet"
    with pytest.raises(EvolveError, match="has no strategy yet"):
        stopped.backtest()


def test_a_file_that_was_changed_does_not_replace_the_winner_of_the_run(
    finished: RunResult, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    (folder / "best.evo").write_text("strategy other { buy when close > sma(close, 9) }")
    changed = load_run(folder)
    assert changed.best is not None
    assert finished.best is not None
    assert changed.best.hash == finished.best.hash
    assert repr(changed).splitlines()[1:] == repr(finished).splitlines()[1:]
    assert changed.backtest().metrics == finished.backtest().metrics


@pytest.mark.parametrize("name", ["missing", "", "."])
def test_a_folder_without_a_run_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(EvolveError, match="no run in") as error:
        load_run(tmp_path / name)
    assert error.value.hint.startswith("expected a run folder")


def test_a_damaged_journal_is_refused(unfinished: Path) -> None:
    (unfinished / "journal.sqlite").write_bytes(b"no journal" * 500)
    with pytest.raises(EvolveError):
        load_run(unfinished)
