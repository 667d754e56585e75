"""`evolve null`, `evolve holdout open`, and Ctrl-C during the null run."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import EvolveError
from evolve.store import RunFolder
from evolve.validation.ledger import Ledger, ledger_path
from tests.command_line import document, invoke, refuse, start
from tests.experiment.small_runs import EDGE, NOISE, run_small, write_experiment

pytestmark = pytest.mark.usefixtures("own_home")


def read_result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
    return found


def count_openings() -> int:
    return len(Ledger(ledger_path()).read("opening"))


# -- evolve null


@pytest.mark.slow
def test_null_shows_what_luck_reaches_and_a_run_reuses_it(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, EDGE)
    shown = invoke("null", str(path))
    assert shown.err.count("on shuffled prices: best") == 19
    assert "luck: mean" in shown.out
    assert "luck: largest" in shown.out
    assert "at 200 evaluations, a score above" in shown.out
    before = len(Ledger(ledger_path()).read("null"))
    finished = run_small(tmp_path, EDGE)
    assert len(Ledger(ledger_path()).read("null")) == before == 19
    assert finished.evidence.null is not None
    assert f"score above {finished.evidence.null.threshold:.2f} passes" in " ".join(
        shown.out.split()
    )
    assert finished.evidence.family is not None and finished.evidence.family.runs == 1


def test_null_json_is_a_document_without_a_real_search(tmp_path: Path) -> None:
    found = document("null", str(write_experiment(tmp_path)))
    assert found["score"] is None
    assert found["p_value"] is None
    assert found["planned"] == len(found["searches"]) == 19
    assert found["largest"] == max(each["best"] for each in found["searches"])
    assert found["trials"] == 200


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "validate.null_runs=0"], "`validate.null_runs` is 0"),
        (["--set", "validate.null_runs=5"], "from 19 to"),
        (["--set", "data.from=csv:none.csv"], "no such file"),
    ],
)
def test_null_refuses_what_it_cannot_run(tmp_path: Path, args: list[str], message: str) -> None:
    assert message in refuse("null", str(write_experiment(tmp_path)), *args)


def test_null_with_a_damaged_ledger_is_an_error_for_people(tmp_path: Path) -> None:
    ledger_path().write_text("not a database, but text that is longer than a header of a database")
    assert "cannot use the ledger" in refuse("null", str(write_experiment(tmp_path)))


# -- evolve holdout open


def test_open_asks_and_leaves_the_holdout_sealed_unless_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_small(tmp_path, NOISE).folder
    before = read_result(folder)
    for answer in ("n\n", "\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        shown = invoke("holdout", "open", str(folder))
        assert "a holdout gives evidence once; open it?" in shown.err
        assert "the holdout stays sealed" in shown.err
        assert shown.out == ""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    shown = invoke("holdout", "open", str(folder), status=1)
    assert "the holdout stays sealed: no answer\n  = add --yes to open it" in shown.err
    assert shown.out == ""
    assert read_result(folder) == before
    assert count_openings() == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "NOT DISTINGUISHED FROM LUCK" in invoke("holdout", "open", str(folder)).out
    assert count_openings() == 1


@pytest.mark.slow
def test_open_tests_the_winner_and_updates_the_run(tmp_path: Path) -> None:
    finished = run_small(tmp_path, EDGE, "validate.holdout=sealed")
    other = run_small(tmp_path / "other", EDGE)
    folder = finished.folder
    assert finished.verdict.label == "UNCONFIRMED"
    shown = invoke("holdout", "open", str(folder), "--yes")
    found = read_result(folder)
    assert "buy and hold" in shown.out
    assert found["verdict"]["label"] in shown.out
    assert found["holdout"]["sealed"] is False
    expected = other.evidence.holdout
    assert expected is not None
    assert found["holdout"]["test"]["t"] == pytest.approx(expected.t, rel=1e-9)
    assert found["holdout"]["test"]["opening"] == 1
    assert count_openings() == 1
    assert found["verdict"]["label"] == "PASS"
    assert found["validation"]["sealed"] == ""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        (events,) = journal.execute("SELECT COUNT(*) FROM events WHERE kind='holdout'").fetchone()
    assert events == 1


@pytest.mark.slow
def test_open_twice_has_the_same_number_and_result(tmp_path: Path) -> None:
    folder = run_small(tmp_path, NOISE).folder
    first = document("holdout", "open", str(folder), "--yes")
    second = document("holdout", "open", str(folder), "--yes")
    assert first == second == read_result(folder)
    assert second["holdout"]["test"]["opening"] == 1
    assert "REUSED" not in second["verdict"]["sentence"]
    assert count_openings() == 1


@pytest.mark.slow
def test_open_of_another_run_on_these_prices_is_the_second_opening(tmp_path: Path) -> None:
    folders = [run_small(tmp_path, NOISE, f"seed={seed}").folder for seed in (1, 2)]
    for number, folder in enumerate(folders, start=1):
        found = document("holdout", "open", str(folder), "--yes")
        assert found["holdout"]["test"]["opening"] == number
        assert ("REUSED: opened 2 times" in found["verdict"]["sentence"]) is (number == 2)
        assert found["verdict"]["label"] == "NOT DISTINGUISHED FROM LUCK"


@pytest.mark.slow
def test_open_on_a_run_that_was_not_tested_is_no_pass(tmp_path: Path) -> None:
    folder = run_small(tmp_path, EDGE, "backtest.fill=close").folder
    found = document("holdout", "open", str(folder), "--yes")
    assert found["verdict"]["label"] == "NOT TESTED"
    assert found["verdict"]["gates"][2]["passed"] is None
    assert "On the holdout" in found["verdict"]["sentence"]


def test_open_refuses_folders_without_a_finished_run(tmp_path: Path) -> None:
    assert "no run in" in refuse("holdout", "open", str(tmp_path / "none"), "--yes")
    none = run_small(tmp_path, NOISE, "fitness.require={trades_per_fold: 10000}").folder
    assert "has no best strategy to test" in refuse("holdout", "open", str(none), "--yes")
    assert count_openings() == 0


def test_open_refuses_a_run_of_an_earlier_version(tmp_path: Path) -> None:
    folder = run_small(tmp_path, NOISE).folder
    found = read_result(folder)
    del found["validation"]
    (folder / "result.json").write_text(json.dumps(found))
    assert "is a run of an earlier version" in refuse("holdout", "open", str(folder), "--yes")


@pytest.mark.slow
def test_open_refuses_another_strategy_than_the_one_that_was_tested(tmp_path: Path) -> None:
    """The null run tested the winner, so an edited file would borrow its p-value."""
    folder = run_small(tmp_path, EDGE, "validate.holdout=sealed").folder
    best = folder / "best.evo"
    text = best.read_text("utf-8")
    best.write_text("strategy other { buy when roc(close, 1) < 0 hold 1 }")
    assert "is not the strategy that the run selected" in refuse(
        "holdout", "open", str(folder), "--yes"
    )
    best.write_text(text + "\n" + text.replace("strategy small", "strategy more"))
    assert "is not the strategy" in refuse("holdout", "open", str(folder), "--yes")
    assert count_openings() == 0


@pytest.mark.slow
def test_open_refuses_other_prices_than_those_of_the_run(tmp_path: Path) -> None:
    folder = run_small(tmp_path, NOISE).folder
    other = run_small(tmp_path / "other", EDGE, "validate.null_runs=0").folder
    (folder / "bars.parquet").write_bytes((other / "bars.parquet").read_bytes())
    assert "bars.parquet is not the snapshot" in refuse("holdout", "open", str(folder), "--yes")
    assert count_openings() == 0


def test_open_with_a_changed_ledger_leaves_the_holdout_sealed(tmp_path: Path) -> None:
    folder = run_small(tmp_path, NOISE).folder
    before = read_result(folder)
    with closing(sqlite3.connect(ledger_path())) as connection, connection:
        connection.execute("DROP TRIGGER entries_deletion")
        connection.execute("DELETE FROM entries WHERE id=2")
    assert "entry 2 was changed or deleted" in refuse("holdout", "open", str(folder), "--yes")
    assert read_result(folder) == before


# -- Ctrl-C


def interrupt(*args: str, at: str, workers: int) -> tuple[int, str, str]:
    """Interrupt a command at a line that begins with a text; return its status and output."""
    home = os.environ["EVOLVE_HOME"]
    with start(*args, "--set", f"workers={workers}", COLUMNS="200", EVOLVE_HOME=home) as running:
        assert running.stderr is not None
        assert any(line.startswith(at) for line in running.stderr)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert "Traceback" not in out + err
    return running.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_of_the_null_run_leaves_a_complete_run(tmp_path: Path, workers: int) -> None:
    path, folder = write_experiment(tmp_path, EDGE), tmp_path / "run"
    more = ("--set", "seed=2", "--set", "budget.evaluations=3000")
    status, out, err = interrupt(
        "run", str(path), "--out", str(folder), *more, at="search 1 of 19", workers=workers
    )
    assert status == 130, err
    assert "NOT TESTED: The run was interrupted before the comparison" in out
    found = read_result(folder)
    assert found["verdict"]["label"] == "NOT TESTED"
    assert found["trials"]["evaluated"] == 3000
    assert (folder / "best.evo").exists()
    assert 0 < len(Ledger(ledger_path()).read("null")) < 19
    assert count_openings() == 0


@pytest.mark.slow
def test_an_interrupt_of_null_shows_what_it_has(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    status, out, err = interrupt(
        "null", str(path), "--set", "budget.evaluations=3000", at="search 2 of 19", workers=1
    )
    assert status == 130, err
    assert "luck:" in out


@pytest.mark.slow
def test_runs_at_once_are_both_counted(tmp_path: Path) -> None:
    path = str(write_experiment(tmp_path, EDGE))
    home = os.environ["EVOLVE_HOME"]
    args = [
        ("run", path, "--json", "--out", str(tmp_path / seed), "--set", f"seed={seed}")
        for seed in ("1", "2")
    ]
    with start(*args[0], EVOLVE_HOME=home) as one, start(*args[1], EVOLVE_HOME=home) as two:
        for each in (one, two):
            _, err = each.communicate(timeout=120)
            assert each.returncode == 0, err
    ledger = Ledger(ledger_path())
    assert len(ledger.read("run")) == 2
    assert ledger.find_break() is None
    again = run_small(tmp_path / "again", EDGE)
    assert again.evidence.family is not None and again.evidence.family.runs == 2


# -- evolve run on a full disk


def test_a_result_that_cannot_be_written_is_printed_and_written_by_a_resumption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result = RunFolder.write_result

    def refuse_verdict(self: RunFolder, result: Mapping[str, object]) -> None:
        if not result.get("unfinished"):
            raise EvolveError(f"cannot write {self.path / 'result.json'}: No space left on device")
        write_result(self, result)

    monkeypatch.setattr(RunFolder, "write_result", refuse_verdict)
    experiment, folder = write_experiment(tmp_path), tmp_path / "run"
    options = ("--set", "budget.evaluations=100", "--set", "validate.null_runs=0")
    done = invoke("run", str(experiment), *options, "--out", str(folder), status=1)
    assert "NOT TESTED" in done.out
    assert "result.json is incomplete: cannot write" in done.out
    assert done.err.endswith(
        f"error: cannot write result.json in {folder}\n"
        "  = complete: bars.parquet, best.evo, experiment.yaml, finalists, journal.sqlite, "
        f"report.html; to write the rest when it can be written: evolve resume {folder}\n"
    )
    monkeypatch.setattr(RunFolder, "write_result", write_result)
    invoke("resume", str(folder))
    assert "unfinished" not in json.loads((folder / "result.json").read_text("utf-8"))
