"""Comparison of two run folders: everything but times and addresses."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

TABLES = ("trials", "events", "checkpoints", "calls", "proposals", "jobs")
COMMAND = ("command", "overrides")  # of the begin
TIMES = (
    "at",
    "row_digest",
    "seconds",
    "elapsed_seconds",
    "evaluations_per_second",
    "proposer_seconds",
)
TEXTS = (".evo", ".md", ".yaml", ".parquet")


def read_rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the rows of the journal of a run folder, without times."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [
                {name: _parse(row[name]) for name in row.keys() if name not in TIMES}  # noqa: SIM118
                for row in connection.execute(f"SELECT * FROM {table}")
            ]
            for table in TABLES
        }


def read_result(folder: Path) -> dict[str, Any]:
    """Read the result document of a run folder, without times."""
    document: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
    return {name: each for name, each in document.items() if name not in (*TIMES, "run_dir")}


def read_texts(folder: Path) -> dict[str, bytes]:
    """Read the strategies, inputs and bars of a run folder by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in TEXTS and "earlier" not in path.parts
    }


def assert_equal_runs(one: Path, other: Path) -> None:
    """Check that two run folders differ in times only."""
    rows, others = read_rows(one), read_rows(other)
    for table in TABLES:
        assert rows[table] == others[table], table
    assert read_result(one) == read_result(other)
    assert read_texts(one) == read_texts(other)


def _parse(value: Any) -> Any:
    """Return the value of a column, of which JSON objects lose their times."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    known = (*TIMES, *COMMAND)
    return {name: each for name, each in json.loads(value).items() if name not in known}
