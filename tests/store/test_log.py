"""Write-ahead log of a journal, which must not grow without bound while others read."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from evolve.store import Journal, database

LIMIT, STATE_BYTES = 400_000, 40_000
BOUND = LIMIT + 3 * STATE_BYTES


def write_epochs(path: Path, count: int) -> int:
    """Write a journal with epochs; return the largest size of its log."""
    sizes = []
    with closing(Journal.create(path)) as journal, Readers(path):
        for number in range(count):
            journal.epoch(number, [], {"state": "x" * STATE_BYTES}, 0.0)
            sizes.append(path.with_name(f"{path.name}-wal").stat().st_size)
    return max(sizes)


class Readers:
    """Two readers, of which one always has a transaction: it ends after the other has begun."""

    def __init__(self, path: Path) -> None:
        self._path, self._has_ended = path, threading.Event()
        self._begun = [threading.Semaphore(0), threading.Semaphore(0)]
        self._threads = [threading.Thread(target=self._read, args=(index,)) for index in (0, 1)]

    def __enter__(self) -> Readers:
        for each in self._threads:
            each.start()
        self._begun[1].acquire()  # so that the first one waits for the next transaction
        return self

    def __exit__(self, *error: object) -> None:
        self._has_ended.set()
        for semaphore in self._begun:
            semaphore.release()
        for thread in self._threads:
            thread.join()

    def _read(self, index: int) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            while not self._has_ended.is_set():
                connection.execute("BEGIN")
                connection.execute("SELECT * FROM checkpoints").fetchone()
                self._begun[index].release()
                self._begun[1 - index].acquire(timeout=5)
                connection.execute("COMMIT")


def test_a_log_is_bounded_while_readers_overlap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOG_PAGES", 10)
    assert write_epochs(tmp_path / "free.sqlite", 40) > BOUND  # SQLite alone
    monkeypatch.setattr(database, "MAX_LOG_BYTES", LIMIT)
    assert write_epochs(tmp_path / "bounded.sqlite", 40) < BOUND


def test_a_long_transaction_leaves_no_long_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOG_BYTES", LIMIT)
    monkeypatch.setattr(database, "LOG_PAGES", LIMIT // 4096)
    path = tmp_path / "journal.sqlite"
    log = path.with_name("journal.sqlite-wal")
    with closing(Journal.create(path)) as journal:
        journal.epoch(0, [], {"state": "x" * 4 * LIMIT}, 0.0)
        assert log.stat().st_size > 4 * LIMIT
        journal.event("later")
        assert log.stat().st_size <= LIMIT
    assert not log.exists()
