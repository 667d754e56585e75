"""A run holds the lock of its folder; one who asks for its state does not take it away."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.store.lock import LOCK, hold_lock, is_locked
from evolve.store.owner import Owner, describe_owner, identify_process
from tests.command_line import ROOT

fcntl = pytest.importorskip("fcntl")

HOLDER = """
import sys
from pathlib import Path
from evolve.store.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
FORKING = HOLDER.replace(
    'print("held"', 'import os\n    if os.fork() == 0:\n        sys.stdin.read()\n    print("held"'
)


@contextmanager
def hold_elsewhere(folder: Path, script: str = HOLDER) -> Iterator[subprocess.Popen[str]]:
    """Hold the lock of a folder in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refuse_lock(folder: Path) -> EvolveError:
    with pytest.raises(EvolveError) as refusal, hold_lock(folder):
        pass
    return refusal.value


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with hold_lock(tmp_path):
        assert is_locked(tmp_path)
        assert f"in use by process {os.getpid()} " in refuse_lock(tmp_path).message
    assert not is_locked(tmp_path)
    assert (tmp_path / LOCK).read_text() == ""


def test_a_second_process_is_refused_with_the_owner_until_that_is_killed(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        error = refuse_lock(tmp_path)
        host = re.escape(socket.gethostname())
        pattern = rf"in use by process {process.pid}( of \w+)? on {host} since \d\d:\d\d \(less"
        assert re.search(pattern, error.message)
        assert error.hint == f"wait until it ends, or stop it: kill {process.pid}"
        process.kill()
        process.wait()
        assert str(process.pid) in (tmp_path / LOCK).read_text()  # it could not remove its name
        with hold_lock(tmp_path):
            assert f"in use by process {os.getpid()} " in refuse_lock(tmp_path).message


def test_a_child_that_outlives_a_killed_owner_does_not_hold_its_lock(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path, FORKING) as process:
        assert is_locked(tmp_path)
        process.kill()
        process.wait()
        with hold_lock(tmp_path):  # the child waits for its input
            pass


def test_a_reader_of_the_state_does_not_keep_a_run_from_its_lock(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("w") as reader, ExitStack() as stack:
        fcntl.flock(reader, fcntl.LOCK_SH)  # as `is_locked` does for a moment
        release = threading.Timer(0.03, fcntl.flock, (reader, fcntl.LOCK_UN))
        release.start()
        stack.callback(release.join)
        with hold_lock(tmp_path):
            assert is_locked(tmp_path)


def write_record(folder: Path, **changes: object) -> None:
    now = datetime.now(UTC)
    document = {**vars(identify_process(now)), "since": now.isoformat(), **changes}
    (folder / LOCK).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({}, True),
        ({"started": "1"}, False),  # another process with its number, before the last boot
        ({"pid": 2**22 + 1}, False),
        ({"host": "elsewhere"}, True),
        ({"pid": "?"}, False),
    ],
)
def test_without_locks_of_the_file_system_the_owner_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], is_refused: bool
) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("evolve.store.lock.fcntl.flock", flock)
    write_record(tmp_path, **changes)
    assert is_locked(tmp_path) == is_refused
    if is_refused:
        assert "in use by process" in refuse_lock(tmp_path).message
        assert ("delete" in refuse_lock(tmp_path).hint) == ("host" in changes)
        (tmp_path / LOCK).unlink()
    with hold_lock(tmp_path):
        assert is_locked(tmp_path)
        assert f"process {os.getpid()} " in refuse_lock(tmp_path).message
    assert not is_locked(tmp_path)


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "1 hour"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_an_owner_is_described_with_the_age_of_its_lock(age: timedelta, text: str) -> None:
    now = datetime(2026, 11, 29, 12, 30).astimezone()
    owner = Owner(4711, "tower", "ada", now - age, "")
    day = "2026-11-27 " if age.days else ""
    since = f"{day}{now - age:%H:%M}"
    expected = f"process 4711 of ada on tower since {since} ({text})"
    assert describe_owner(owner, now) == expected


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    error = refuse_lock(tmp_path / "none")
    assert error.message == f"cannot write {tmp_path / 'none' / LOCK}: No such file or directory"
