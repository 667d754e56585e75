"""Damages of a run folder, each with the commands that must refuse it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Damage = Callable[[Path, Path], None]  # of a folder; the second is the folder of another run
READERS = ("holdout", "harden")
ALL = (*READERS, "replay")


def _truncate(name: str, folder: Path, other: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])


def _write(name: str, content: bytes, folder: Path, other: Path) -> None:
    (folder / name).write_bytes(content)


def _remove(name: str, folder: Path, other: Path) -> None:
    (folder / name).unlink()


def _make_folder(name: str, folder: Path, other: Path) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()


def _make_pipe(name: str, folder: Path, other: Path) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)


def _swap(name: str, folder: Path, other: Path) -> None:
    shutil.copy(other / name, folder / name)


def _set(path: str, value: Any, folder: Path, other: Path) -> None:
    """Set a value of the result document, or remove its key (`...`)."""
    document = json.loads((folder / "result.json").read_text("utf-8"))
    here, *keys = document, *path.split(".")
    for key in keys[:-1]:
        here = here[key]
    if value is ...:
        del here[keys[-1]]
    else:
        here[keys[-1]] = value
    (folder / "result.json").write_text(json.dumps(document), "utf-8")


def _execute(sql: str, folder: Path, other: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection, connection:
        connection.executescript(sql)
        connection.commit()
    assert not (folder / "journal.sqlite-wal").exists()


def _write_table(table: Callable[[pa.Table], pa.Table], folder: Path, other: Path) -> None:
    path = folder / "bars.parquet"
    pq.write_table(table(pq.read_table(path)), path)


def _retype(name: str, table: pa.Table) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, name, pa.array(["x"] * len(table)))


def _replace_float(value: float, table: pa.Table) -> pa.Table:
    index = table.schema.get_field_index("Close")
    return table.set_column(index, "Close", pa.array([value] * len(table)))


FILES = {"result.json": READERS, "experiment.yaml": READERS, "bars.parquet": READERS,
         "journal.sqlite": ALL}  # fmt: skip
WHOLE_FILES: dict[str, Callable[[str, Path, Path], None]] = {
    "truncated": _truncate,
    "removed": _remove,
    "a folder": _make_folder,
    "a pipe": _make_pipe,
    "of another run": _swap,
}
CONTENTS = {"empty": b"", "binary": bytes(range(256)) * 20, "text": b"no file of a run"}
KEYS: dict[str, tuple[Any, ...]] = {
    "name": (..., 5, "other"),
    "seed": (..., "1", 2, 10**400),
    "data": (..., [], "x"),
    "data.from": (..., 5, {}, []),
    "data.fallback_used": (..., "no", 0),
    "data.hash": (..., 5, "0" * 32),
    "trials": (..., 5),
    "trials.evaluated": (..., "many", -1, 10**30),
    "best": ("x", []),
    "best.hash": (..., 5),
    "best.metrics": (5, {"train": 5}, {"train": {"sharpe": "high"}}),
    "validation": ("x", {}, []),
    "validation.executable": (..., {}, {"name": 1, "passed": "x", "text": 2}),
    "validation.objective": (..., 5, "beauty"),
    "validation.years": (..., "x", -1, 1e300),
    "validation.trials": (..., "x", -1, 10**30),
    "validation.curve": (..., 5, [[1]], [["x", 1]]),
    "validation.caveats": (..., "x", [5]),
    "validation.null": (5, {}, {"score": 1, "planned": 19, "searches": [{}]}),
    "validation.family": (5, {"runs": 1}),
    "validation.power": (..., "x", 5),
    "validation.sealed": (..., 5),
}
JOURNALS = {
    "UPDATE trials SET scores = '[0.5'": READERS,
    "UPDATE trials SET scores = 5": READERS,
    "UPDATE trials SET scores = '[]'": READERS,
    "UPDATE trials SET scores = x'ff'": READERS,
    "UPDATE trials SET scores = '" + "[" * 100_000 + "'": READERS,
    "UPDATE trials SET scores = '[\"high\"]'": READERS,
    "UPDATE trials SET folds = '{}'": READERS,
    "UPDATE trials SET trades = 'many'": READERS,
    "UPDATE trials SET infeasible_reason = x'00'": READERS,
    "UPDATE trials SET source = 'no strategy'": READERS,
    "UPDATE trials SET source = x'ff00'": READERS,
    "UPDATE trials SET source = CAST(x'ff' AS TEXT)": READERS,
    "DELETE FROM trials WHERE trial > 5": READERS,
    "DROP TABLE trials": READERS,
    "DROP TABLE events": ALL,
    "DROP TABLE calls": ALL,
    "DROP TABLE exchanges": ALL,
    "ALTER TABLE trials RENAME COLUMN scores TO points": READERS,
    "ALTER TABLE events DROP COLUMN detail": ALL,
    "PRAGMA user_version = 1": ALL,
    "PRAGMA user_version = 99": ALL,
    "UPDATE events SET detail = 'x' WHERE kind = 'models'": ("replay",),
    "UPDATE events SET detail = '{}' WHERE kind = 'models'": ("replay",),
    "UPDATE events SET detail = '[]' WHERE kind = 'models'": ("replay",),
    "UPDATE events SET detail = '{\"models\": 5, \"mode\": 1}' WHERE kind = 'models'": ("replay",),
    "UPDATE events SET detail = json_set(detail, '$.models.m.surprise', 1) WHERE kind = 'models'":
        ("replay",),
    "UPDATE events SET detail = json_set(detail, '$.concurrency', -1) WHERE kind = 'models'":
        ("replay",),
    "UPDATE exchanges SET record = '[]'": ("replay",),
    "UPDATE exchanges SET record = '{}'": ("replay",),
    "UPDATE exchanges SET record = 5": ("replay",),
    "UPDATE exchanges SET record = json_set(record, '$.text', 5)": ("replay",),
    "UPDATE exchanges SET record = json_set(record, '$.tokens_in', 'x')": ("replay",),
    "UPDATE exchanges SET record = json_set(record, '$.messages', 'x')": ("replay",),
    "UPDATE exchanges SET call = 'x'": (),
    "UPDATE calls SET digest = 5": ("replay",),
    "UPDATE calls SET collected_epoch = 'late'": ("replay",),
}  # fmt: skip
TABLES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "no rows": lambda table: table.slice(0, 0),
    "few rows": lambda table: table.slice(0, 3),
    "no close": lambda table: table.drop_columns(["Close"]),
    "text as close": partial(_retype, "Close"),
    "text as time": partial(_retype, "Date"),
    "huge closes": partial(_replace_float, 1e300),
    "infinite closes": partial(_replace_float, float("inf")),
    "one bar less": lambda table: table.slice(1),
}


def list_damages() -> dict[str, tuple[Damage, tuple[str, ...]]]:
    """Return all damages by name, each with the commands that must refuse it."""
    found: dict[str, tuple[Damage, tuple[str, ...]]] = {}
    for name, commands in FILES.items():
        for kind, damage in WHOLE_FILES.items():
            refusing = READERS if kind == "of another run" else commands
            found[f"{name} {kind}"] = partial(damage, name), refusing
        for kind, content in CONTENTS.items():
            found[f"{name} {kind}"] = partial(_write, name, content), commands
    for path, values in KEYS.items():
        for value in values:
            shown = "missing" if value is ... else str(value)[:20]
            found[f"{path} {shown}"] = partial(_set, path, value), READERS
    for sql, commands in JOURNALS.items():
        found[sql[:80]] = partial(_execute, sql), commands
    for kind, table in TABLES.items():
        found[f"bars.parquet with {kind}"] = partial(_write_table, table), READERS
    nested = b'{"name":' * 50_000
    found["result.json nested"] = partial(_write, "result.json", nested), READERS
    found["experiment.yaml nested"] = (
        partial(_write, "experiment.yaml", b"[" * 20_000), READERS,
    )  # fmt: skip
    return found


DAMAGES = list_damages()
