"""What a verdict does not depend on, and what an unusable ledger does to it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.data import load
from evolve.data.tables.frames import bars_to_frame
from evolve.experiment.evidence import EvidenceDocument, build_document
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import NullRun
from evolve.validation.verdict import NOT_TESTED, decide
from tests.experiment.small_runs import (
    EDGE,
    NOISE,
    Notices,
    assert_unused,
    read_result,
    run_small,
)
from tests.params import thin_out

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.mark.parametrize("source", thin_out([NOISE, EDGE], 2))
def test_the_evidence_is_the_same_after_its_document(tmp_path: Path, source: str) -> None:
    finished = run_small(tmp_path, source, "validate.holdout=sealed")
    evidence = finished.evidence
    again = EvidenceDocument.model_validate_json(json.dumps(build_document(evidence))).read()
    assert again == evidence
    assert decide(again) == finished.verdict
    assert read_result(finished)["validation"] == json.loads(json.dumps(build_document(evidence)))


@pytest.mark.slow
def test_the_number_of_processes_changes_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The null searches run in processes beside each other, and more than are needed may run."""
    for source in (NOISE, EDGE):
        evidence = []
        for processes in (1, 2, 3):
            monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / source[10:14] / f"home{processes}"))
            finished = run_small(tmp_path, source, f"workers={processes}")
            evidence.append(replace(finished.evidence, holdout_result=None))
        assert evidence[0] == evidence[1] == evidence[2]


def test_the_holdout_changes_nothing_while_it_is_sealed(tmp_path: Path) -> None:
    """Replace the prices of the holdout by those of another market."""
    bars = load(NOISE).bars
    other = load("synthetic:garch?seed=7&bars=1000&drift=-0.5").bars
    documents = []
    for name, source in (("a", bars), ("b", other)):
        frame = bars_to_frame(bars)
        changed = bars_to_frame(source)
        columns = [each for each in frame.columns if each not in ("time", "symbol")]
        frame.loc[800:, columns] = changed.loc[800:, columns].to_numpy()
        folder = tmp_path / name
        folder.mkdir()
        frame.to_csv(folder / "prices.csv", index=False)
        finished = run_small(folder, "prices.csv")
        assert_unused(finished)
        document = read_result(finished)
        for key in ("run_dir", "elapsed_seconds", "evaluations_per_second", "proposer_seconds"):
            del document[key]
        documents.append(document)
    hashes = [each["data"].pop("hash") for each in documents]
    assert hashes[0] != hashes[1]
    for each in documents:
        assert each["validation"]["family"].pop("runs") in (1, 2)
        each["verdict"]["gates"][1].pop("text")
    assert documents[0] == documents[1]


# -- the ledger


def break_text(path: Path) -> None:
    path.write_text("not a database, but text that is longer than a header of a database file")


def break_folder(path: Path) -> None:
    path.mkdir()


def break_entry(path: Path) -> None:
    ledger = Ledger(path)
    ledger.append("run", "x", {})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER entries_change")
        connection.execute("UPDATE entries SET body='{\"data\": 1}'")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [break_text, break_folder, break_entry])
def test_an_unusable_ledger_is_a_notice_and_the_run_is_complete(
    tmp_path: Path, damage: Any, searches: list[int]
) -> None:
    damage(ledger_path())
    observer = Notices()
    finished = run_small(tmp_path, EDGE, observer=observer)
    assert finished.verdict.label == NOT_TESTED
    assert finished.verdict.sentence.startswith("The ledger, which counts runs and openings, can")
    assert str(ledger_path()) in observer.texts[-1]
    assert searches == []
    assert read_result(finished)["verdict"]["label"] == NOT_TESTED
    assert (finished.folder / "best.evo").exists()


def test_a_ledger_that_breaks_during_the_null_run_is_a_notice(tmp_path: Path) -> None:
    class Breaking(Notices):
        def null_search(self, run: NullRun) -> None:
            if len(run.results) == 3:
                break_text(ledger_path())

    observer = Breaking()
    finished = run_small(tmp_path, EDGE, observer=observer)
    assert finished.verdict.label == NOT_TESTED
    assert "cannot use the ledger" in observer.texts[-1]
    assert read_result(finished)["best"]
