"""A run holds the lock of its folder; one who asks for its state does not take it away."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.store.lock import LOCK, hold_lock, is_locked

fcntl = pytest.importorskip("fcntl")


def test_a_lock_is_held_by_one_process(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with hold_lock(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(EvolveError, match="another process runs"), hold_lock(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_a_reader_of_the_state_does_not_keep_a_run_from_its_lock(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("w") as reader, ExitStack() as stack:
        fcntl.flock(reader, fcntl.LOCK_SH)  # as `is_locked` does for a moment
        release = threading.Timer(0.03, fcntl.flock, (reader, fcntl.LOCK_UN))
        release.start()
        stack.callback(release.join)
        with hold_lock(tmp_path):
            assert is_locked(tmp_path)
