"""Complete runs from YAML to result.json, on real prices."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evolve.data.sources.yahoo
from dsl.analysis.check import check, check_file
from dsl.diagnostics import LanguageError
from dsl.evaluate.jit import kernel_cache_dir
from evolve.api import bars
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.source import UnreachableError
from evolve.errors import EvolveError
from evolve.experiment.finalists import MAX_FINALISTS
from evolve.experiment.observer import Observer
from evolve.experiment.plan import read_plan
from evolve.experiment.result import Run, document
from evolve.experiment.run import run
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.store.rows import read_rows

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "experiments" / "quick.yaml"
SMALL = [
    "budget.evaluations=400", "search.population=30", "search.generations_per_epoch=2",
    "validate.null_runs=0",
]  # fmt: skip


class RecordingObserver(Observer):
    """Observer that records its events."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.notices: list[str] = []
        self.folder: Path | None = None

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def data(self, dataset: object) -> None:
        self.events.append("data")

    def split(self, split: object) -> None:
        self.events.append("split")

    def proposers(self, experiment: object, models: object) -> None:
        self.events.append("proposers")

    def baselines(self, assessed: object) -> None:
        self.events.append("baselines")

    def progress(self, progress: Progress, seconds: float) -> None:
        self.events.append("progress")
        if self.folder is not None:
            with closing(sqlite3.connect(self.folder / "journal.sqlite")) as journal:
                (count,) = journal.execute("SELECT COUNT(*) FROM trials").fetchone()
            assert count == progress.evaluated

    def done(self, run: Run) -> None:
        self.events.append("done")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, RecordingObserver]:
    observer = RecordingObserver()
    observer.folder = tmp_path_factory.mktemp("runs") / "quick"
    tested = [*SMALL, "validate.null_runs=19"]
    return run(QUICK, tested, out=observer.folder, observer=observer), observer


def test_events_are_in_order_and_the_journal_is_readable_during_the_run(
    finished: tuple[Run, RecordingObserver],
) -> None:
    events = finished[1].events
    assert list(dict.fromkeys(events)) == [
        "data", "split", "proposers", "baselines", "progress", "done",
    ]  # fmt: skip
    assert events.count("progress") > 3


def test_the_result_document_is_complete(
    finished: tuple[Run, RecordingObserver],
) -> None:
    result: dict[str, Any] = json.loads((finished[0].folder / "result.json").read_text("utf-8"))
    assert result == json.loads(json.dumps(document(finished[0])))
    assert set(result) == {
        "name", "seed", "run_dir", "verdict", "best", "finalists", "trials", "proposers",
        "proposer_seconds", "stop_reason", "data", "holdout", "validation", "robustness",
        "elapsed_seconds", "evaluations_per_second", "versions",
    }  # fmt: skip
    assert result["trials"]["evaluated"] == 400
    assert result["data"]["fallback_used"] is False
    assert result["holdout"]["sealed"] is True
    assert set(result["best"]["metrics"]) == set(result["best"]["benchmark"]) == {
        "train", "validation",
    }  # fmt: skip
    assert 1 <= len(result["finalists"]) <= MAX_FINALISTS
    assert result["best"] == result["finalists"][0]


def test_the_best_strategy_has_the_reported_hash_and_metrics(
    finished: tuple[Run, RecordingObserver],
) -> None:
    done = finished[0]
    assert done.best is not None
    (program,) = check_file((done.folder / "best.evo").read_text("utf-8"))
    assert program.hash == done.best.program.hash
    again = backtest(program, done.split.train, done.experiment.backtest.market())
    assert again.metrics == pytest.approx(done.best.train.metrics, nan_ok=True)


def test_finalists_are_ranked_by_score_and_validation(
    finished: tuple[Run, RecordingObserver],
) -> None:
    split = finished[0].split
    train, validation = split.validation_start, len(split.seen) - split.validation_start
    sums = [
        train * each.individual.score + validation * each.validation_metric("appraisal_ratio")
        for each in finished[0].finalists
        if each.individual is not None
    ]
    assert len(sums) == len(finished[0].finalists)
    assert sums == sorted(sums, reverse=True)


def test_validation_warms_up_on_train_and_starts_flat(
    finished: tuple[Run, RecordingObserver],
) -> None:
    done = finished[0]
    assert done.best is not None
    validation = done.best.validation
    assert validation is not None
    first = done.split.seen.time[done.split.validation_start]
    assert validation.time[0] == first
    assert all(trade.entry_time > first for trade in validation.trades)
    assert len(validation.equity) == len(done.split.seen) - done.split.validation_start


def test_the_snapshot_equals_the_bars(finished: tuple[Run, RecordingObserver]) -> None:
    done = finished[0]
    snapshot = bars(f"parquet:{done.folder / 'bars.parquet'}")
    np.testing.assert_array_equal(snapshot.close, done.dataset.bars.close)
    np.testing.assert_array_equal(snapshot.time, done.dataset.bars.time)


def test_the_journal_has_every_trial_as_valid_text(
    finished: tuple[Run, RecordingObserver],
) -> None:
    with closing(sqlite3.connect(finished[0].folder / "journal.sqlite")) as journal:
        rows = journal.execute("SELECT trial, hash, source, parents FROM trials").fetchall()
        kinds = {kind for (kind,) in journal.execute("SELECT kind FROM events")}
    assert [row[0] for row in rows] == list(range(1, 401))
    hashes = {row[1] for row in rows}
    for _, digest, source, parents in rows:
        assert check(source).hash == digest
        assert set(parents.split()) <= hashes
    assert kinds == {
        "begin", "settings", "data", "notice", "epoch", "null_search", "null", "finished"
    }  # fmt: skip


def test_the_journal_has_the_counts_of_all_proposers_after_each_epoch(
    finished: tuple[Run, RecordingObserver],
) -> None:
    events = read_rows(finished[0].folder / "journal.sqlite").list_events("epoch")
    result = json.loads((finished[0].folder / "result.json").read_text("utf-8"))
    assert events[-1].detail["stats"] == result["proposers"]
    proposed = [
        sum(counts["proposed"] for counts in each.detail["stats"].values()) for each in events
    ]
    assert proposed == sorted(set(proposed))


def test_equal_seeds_give_equal_results(
    finished: tuple[Run, RecordingObserver], tmp_path: Path
) -> None:
    again = document(run(QUICK, SMALL, out=tmp_path / "again"))
    first = document(finished[0])
    for key in ("best", "finalists", "trials", "proposers", "data"):
        assert again[key] == first[key]


def test_a_fallback_is_used_if_configured_and_reported_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(symbol: str, interval: str) -> None:
        raise UnreachableError(f"yahoo:{symbol}: Yahoo could not be reached")

    monkeypatch.setattr(evolve.data.sources.yahoo, "download", unreachable)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kernel_cache_dir()))
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    spy = ROOT / "experiments" / "spy.yaml"
    observer = RecordingObserver()
    done = run(spy, [*SMALL, "search.islands=2"], out=tmp_path / "spy", observer=observer)
    assert done.dataset.fallback_used
    assert "using the fallback sample:sp500" in observer.notices[0]
    assert "SP500 has no traded opens" in observer.notices[1]
    with closing(sqlite3.connect(done.folder / "journal.sqlite")) as journal:
        (detail,) = journal.execute("SELECT detail FROM events WHERE kind='notice'").fetchone()
    assert "fallback" in detail
    with pytest.raises(EvolveError, match=r"data\.fallback"):
        run(spy, [*SMALL, "data.fallback=null"], out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_run_without_feasible_programs_has_no_best_strategy(tmp_path: Path) -> None:
    done = run(QUICK, [*SMALL, "fitness.require={trades_per_fold: 10000}"], out=tmp_path / "none")
    assert done.best is None
    assert "best" not in document(done)
    assert not (tmp_path / "none" / "best.evo").exists()


def test_an_interrupted_run_writes_its_result(tmp_path: Path) -> None:
    stop = Stop()

    class Stopping(Observer):
        def progress(self, progress: Progress, seconds: float) -> None:
            if progress.epoch == 1:
                stop.set()

    done = run(QUICK, SMALL, out=tmp_path / "cut", observer=Stopping(), stop=stop)
    assert done.progress.stop_reason == "interrupted"
    assert (tmp_path / "cut" / "result.json").exists()


def test_a_run_folder_that_is_not_empty_is_rejected(
    finished: tuple[Run, RecordingObserver],
) -> None:
    with pytest.raises(EvolveError, match="not empty"):
        run(QUICK, SMALL, out=finished[0].folder)


def test_a_missing_strategy_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("name: x\ndata: {from: sample:sp500}\nstart_from: [no.evo]\n")
    with pytest.raises(EvolveError, match=r"no such file: .*no\.evo"):
        read_plan(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments" / "strategies").glob("*.evo")), ids=lambda p: p.stem
)
def test_every_example_strategy_trades(path: Path) -> None:
    (program,) = check_file(path.read_text("utf-8"), str(path))
    result = backtest(program, bars("sample:sp500"), market())
    assert len(result.trades) >= 10
    assert program.about


@pytest.mark.slow
def test_user_defined_operators_are_included_and_searched(tmp_path: Path) -> None:
    (tmp_path / "custom.evo").write_text(
        "define dip(x: number, n: window 2..50 = 20) -> oscillator -1..0 typical -0.2..-0.01"
        ' about "fall from the high" = x / highest(x, n) - 1'
    )
    (tmp_path / "more.evo").write_text(
        "define half_dip(n: window 2..50 = 20) -> oscillator -1..0 = dip(close, n) / 2"
    )
    (tmp_path / "seed.evo").write_text("strategy s { buy when dip(close, 20) < -5% hold 10 }")
    text = QUICK.read_text("utf-8").replace(
        "language: {", "language: {operators: [dip, half_dip], include: [custom.evo, more.evo], "
    )
    text = text.replace("strategies/sma_cross.evo", "seed.evo")
    (tmp_path / "custom.yaml").write_text(text)
    finished = run(tmp_path / "custom.yaml", SMALL, out=tmp_path / "run")
    best = (tmp_path / "run" / "best.evo").read_text("utf-8")
    assert "define dip" in best
    assert check(best).hash == finished.finalists[0].program.hash


@pytest.mark.parametrize(
    ("define", "message"),
    [
        ("define f(x: number) -> like x = f(x)", "is recursive"),
        ("define sma(x: number) -> like x = x", "operator `sma` already exists"),
        ("define f(x: number) -> like x = g(x)", "unknown operator `g`"),
    ],
)
def test_an_included_file_is_checked(define: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "custom.evo").write_text(define)
    text = QUICK.read_text("utf-8").replace("language: {", "language: {include: [custom.evo], ")
    (tmp_path / "custom.yaml").write_text(text.replace("start_from", "# start_from"))
    with pytest.raises((EvolveError, LanguageError), match=message):
        read_plan(tmp_path / "custom.yaml")
    (tmp_path / "custom.evo").unlink()
    with pytest.raises(EvolveError, match="no such file"):
        read_plan(tmp_path / "custom.yaml")


@pytest.mark.slow
def test_copies_of_files_with_equal_names_have_distinct_names(
    tmp_path: Path,
) -> None:
    for folder, days in (("a", 3), ("b", 5)):
        (tmp_path / folder).mkdir()
        text = f"strategy {folder} {{ buy when close > sma(close, {days}) hold 4 }}"
        (tmp_path / folder / "s.evo").write_text(text)
    text = QUICK.read_text("utf-8").replace("strategies/sma_cross.evo", "a/s.evo, b/s.evo")
    (tmp_path / "two.yaml").write_text(text)
    finished = run(tmp_path / "two.yaml", SMALL, out=tmp_path / "run")
    again = read_plan(finished.folder / "experiment.yaml")
    assert again.start_from == read_plan(tmp_path / "two.yaml").start_from
    assert [each.name for each in again.start_from] == ["a", "b"]
