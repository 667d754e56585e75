"""Reports as files: what they replace, and what a damaged run folder ends in."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evolve.errors import EvolveError
from evolve.report.save import save_report
from tests.experiment.small_runs import EDGE, run_small

DAMAGED_ROWS = (
    "UPDATE trials SET scores = '[\"high\"]' WHERE trial = 1",
    "UPDATE trials SET scores = '[]' WHERE trial = 1",
    "UPDATE trials SET nodes = 'many' WHERE trial = 1",
    "UPDATE events SET at = 'today' WHERE kind = 'begin'",
    "UPDATE events SET detail = '[]' WHERE kind = 'epoch'",
    "UPDATE events SET detail = '{}' WHERE kind = 'data'",
    "INSERT INTO events (at, kind, detail) VALUES ('2026-01-01', 'notice', '{}')",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("save")
    return run_small(base, EDGE, "budget.evaluations=40", "validate.null_runs=0").folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_a_report_replaces_no_file_that_is_no_page(copy: Path) -> None:
    bars = copy / "bars.parquet"
    before = bars.read_bytes()
    with pytest.raises(EvolveError, match="unknown format of a page"):
        save_report(copy, bars)
    assert bars.read_bytes() == before


def test_a_report_that_cannot_be_written_names_the_option_for_another_file(copy: Path) -> None:
    (copy / "report.html").unlink(missing_ok=True)
    (copy / "report.html").mkdir()
    with pytest.raises(EvolveError, match="cannot write") as caught:
        save_report(copy)
    assert "--out" in caught.value.hint


@pytest.mark.parametrize("sql", DAMAGED_ROWS)
def test_a_damaged_row_of_a_journal_is_an_error_with_its_place(copy: Path, sql: str) -> None:
    with closing(sqlite3.connect(copy / "journal.sqlite")) as connection, connection:
        assert connection.execute(sql).rowcount
    with pytest.raises(EvolveError, match=r"journal\.sqlite"):
        save_report(copy)


@pytest.mark.parametrize(
    "part", ["robustness", "finalists", "proposers", "data", "trials", "verdict", "holdout", "best"]
)
def test_a_damaged_part_of_a_result_is_an_error_with_its_name(copy: Path, part: str) -> None:
    path = copy / "result.json"
    document = json.loads(path.read_text("utf-8"))
    assert part in document
    for damage in ("x", [5], {"unknown": 1}, 5):
        path.write_text(json.dumps({**document, part: damage}), "utf-8")
        with pytest.raises(EvolveError, match=rf"result.json is damaged: `{part}"):
            save_report(copy)


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_other_bars_than_those_of_the_run_are_refused(copy: Path, state: str) -> None:
    if state == "stopped":
        (copy / "result.json").unlink()
    table = pq.read_table(copy / "bars.parquet")
    pq.write_table(table.slice(1), copy / "bars.parquet")
    with pytest.raises(EvolveError, match="not the snapshot of the run"):
        save_report(copy)


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_an_edited_split_shows_no_bar_of_the_sealed_holdout(copy: Path, state: str) -> None:
    if state == "stopped":
        (copy / "result.json").unlink()
    path = copy / "experiment.yaml"
    text = path.read_text("utf-8")
    setting = re.compile(r"^  holdout: 0\..*$", re.MULTILINE)
    path.write_text(setting.sub("  holdout: 0.02", text), "utf-8")
    with pytest.raises(EvolveError, match=r"experiment\.yaml is not that of the run"):
        save_report(copy)


@pytest.mark.parametrize("content", [None, "strategy x { buy when", ""])
def test_a_lost_strategy_is_that_of_the_result(copy: Path, content: str | None) -> None:
    before = save_report(copy).read_text("utf-8")
    (copy / "best.evo").unlink()
    if content is not None:
        (copy / "best.evo").write_text(content, "utf-8")
    assert save_report(copy).read_text("utf-8") == before
