"""Ledger: append-only, chained, shared by processes, and readable after any accident."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.validation.ledger import FILE, VERSION, Ledger, ledger_path

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from evolve.validation.ledger import Ledger
ledger, name, count = Ledger(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
for index in range(count):
    ledger.append("run", name, {"index": index, "text": "x" * 2000})
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger with five entries."""
    ledger = Ledger(tmp_path / "home" / FILE)
    for index in range(5):
        ledger.append("run", "a" if index % 2 else "b", {"index": index})
    return ledger


def edit(ledger: Ledger, *statements: str) -> None:
    """Change the file without its triggers, as its owner can."""
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("DROP TRIGGER entries_change")
        connection.execute("DROP TRIGGER entries_deletion")
        for each in statements:
            connection.execute(each)


def test_entries_are_read_in_order_by_kind_and_key(ledger: Ledger) -> None:
    assert [each["index"] for each in ledger.read("run")] == [0, 1, 2, 3, 4]
    assert [each["index"] for each in ledger.read("run", "a")] == [1, 3]
    assert ledger.read("opening") == []
    assert ledger.find_break() is None
    ledger.verify()


def test_a_ledger_without_a_file_is_empty_and_reading_creates_none(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "no" / "such" / "folder" / FILE)
    assert ledger.read("run") == []
    assert ledger.find_break() is None
    assert not (tmp_path / "no").exists()
    ledger.append("run", "", {})
    assert ledger.read("run") == [{}]


def test_the_path_follows_evolve_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    assert ledger_path() == tmp_path / FILE
    monkeypatch.delenv("EVOLVE_HOME")
    assert ledger_path().name == FILE
    assert ledger_path() != tmp_path / FILE


# -- append-only


@pytest.mark.parametrize(
    "statement",
    ["UPDATE entries SET body='{}'", "DELETE FROM entries", "DELETE FROM entries WHERE id=5"],
)
def test_entries_cannot_be_changed_or_deleted(ledger: Ledger, statement: str) -> None:
    with (
        closing(sqlite3.connect(ledger.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    assert len(ledger.read("run")) == 5


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (["UPDATE entries SET body='{\"index\": 9}' WHERE id=3"], 3),
        (["UPDATE entries SET key='c' WHERE id=1"], 1),
        (["UPDATE entries SET kind='opening' WHERE id=5"], 5),
        (["UPDATE entries SET at='2020-01-01T00:00:00.000+00:00' WHERE id=2"], 2),
        (["UPDATE entries SET chain='' WHERE id=4"], 4),
        (["DELETE FROM entries WHERE id=1"], 1),
        (["DELETE FROM entries WHERE id=3"], 3),
        (["DELETE FROM entries WHERE id=5"], 5),
        (["DELETE FROM entries WHERE id>2"], 3),
        (["DELETE FROM entries"], 1),
        (["DELETE FROM entries WHERE id=3", "UPDATE entries SET id=id-1 WHERE id>3"], 3),
        (
            [
                "UPDATE entries SET id=9 WHERE id=2", "UPDATE entries SET id=2 WHERE id=3",
                "UPDATE entries SET id=3 WHERE id=9",
            ],
            2,
        ),
        (["INSERT INTO entries SELECT 6, at, kind, key, body, chain FROM entries WHERE id=5"], 6),
    ],
)  # fmt: skip
def test_a_change_is_found_at_its_entry(ledger: Ledger, statements: list[str], broken: int) -> None:
    edit(ledger, *statements)
    assert ledger.find_break() == broken
    with pytest.raises(EvolveError, match=f"entry {broken} was changed or deleted") as error:
        ledger.verify()
    assert "begin a new count" in error.value.hint


def test_an_entry_after_a_deleted_last_one_does_not_hide_the_deletion(ledger: Ledger) -> None:
    edit(ledger, "DELETE FROM entries WHERE id=5")
    ledger.append("run", "c", {})
    assert ledger.find_break() == 5


# -- append unless


def test_a_known_entry_is_not_appended_twice(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.append_unless("run", "c", {"a": 1}, lambda known: {"a": 1} in known)
    assert ledger.read("run", "c") == [{"a": 1}]
    ledger.append_unless("run", "d", {"a": 1}, lambda known: {"a": 1} in known)
    assert ledger.read("run", "d") == [{"a": 1}]


def test_an_error_of_the_check_writes_nothing(ledger: Ledger) -> None:
    def fail(known: object) -> bool:
        raise KeyError

    with pytest.raises(KeyError):
        ledger.append_unless("run", "c", {}, fail)
    ledger.append("run", "d", {})
    assert ledger.read("run", "c") == []
    assert ledger.find_break() is None


# -- processes


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    """Start a process that appends entries; return when it is ready to write."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / FILE
    writers = [start_writer(path, name, 60) for name in ("a", "b")]
    for each in writers:
        with each:
            assert each.wait() == 0
    ledger = Ledger(path)
    for name in ("a", "b"):
        assert [each["index"] for each in ledger.read("run", name)] == list(range(60))
    assert ledger.find_break() is None


def test_a_kill_during_a_write_leaves_a_readable_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    for entries in (3, 9, 21):
        with start_writer(ledger.path, "a", 10_000) as writer:
            while len(ledger.read("run")) < entries:
                time.sleep(0.001)
            writer.send_signal(signal.SIGKILL)
    found = ledger.read("run")
    assert len(found) >= 21
    assert ledger.find_break() is None
    ledger.append("run", "b", {})
    assert len(ledger.read("run")) == len(found) + 1


def test_a_kill_while_the_file_is_created_leaves_a_usable_ledger(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("DROP TRIGGER entries_deletion")
        connection.execute("PRAGMA user_version=0")
    ledger.append("run", "c", {})
    assert len(ledger.read("run")) == 6
    assert ledger.find_break() is None
    with (
        closing(sqlite3.connect(ledger.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute("DELETE FROM entries")


# -- damage


def damage_text(path: Path) -> None:
    path.write_text("not a database, but text that is longer than a header of a database file")


def damage_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def damage_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def damage_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")


def damage_kind(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = [damage_text, damage_end, damage_pages, damage_version, damage_kind]


@pytest.fixture(params=DAMAGES, ids=lambda each: each.__name__)
def damaged(request: pytest.FixtureRequest, ledger: Ledger) -> Iterator[Ledger]:
    request.param(ledger.path)
    yield ledger


def test_a_damaged_file_is_an_error_for_people(damaged: Ledger) -> None:
    for use in (
        lambda: damaged.read("run"), lambda: damaged.append("run", "", {}), damaged.find_break,
        damaged.verify,
    ):  # fmt: skip
        with pytest.raises(EvolveError) as error:
            use()
        assert str(damaged.path) in error.value.message
        assert error.value.hint


def test_a_ledger_of_another_version_names_both_versions(ledger: Ledger) -> None:
    damage_version(ledger.path)
    with pytest.raises(EvolveError, match=f"expected version {VERSION}, found {VERSION + 1}"):
        ledger.read("run")


def test_a_body_that_is_no_object_is_an_error_for_people(ledger: Ledger) -> None:
    for body in ("[1", "3", "[1]"):
        edit_again = Ledger(ledger.path)
        with closing(sqlite3.connect(ledger.path)) as connection, connection:
            connection.execute("DROP TRIGGER IF EXISTS entries_change")
            connection.execute("UPDATE entries SET body=? WHERE id=2", (body,))
        with pytest.raises(EvolveError, match="cannot use the ledger"):
            edit_again.read("run")
        assert edit_again.find_break() == 2


@pytest.mark.parametrize("name", ["x" * 300, "file/inside"])
def test_an_impossible_path_is_an_error_for_people(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / name / FILE)
    with pytest.raises(EvolveError, match="cannot use the ledger"):
        ledger.append("run", "", {})


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_an_error_for_people(ledger: Ledger) -> None:
    ledger.path.chmod(0o400)
    ledger.path.parent.chmod(0o500)
    try:
        assert len(ledger.read("run")) == 5
        with pytest.raises(EvolveError, match="cannot use the ledger"):
            ledger.append("run", "", {})
    finally:
        ledger.path.parent.chmod(0o700)


def test_a_read_only_database_is_an_error_for_people(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def connect_for_reading(path: object, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr(sqlite3, "connect", connect_for_reading)
    assert len(ledger.read("run")) == 5
    with pytest.raises(EvolveError, match="readonly"):
        ledger.append("run", "", {})
