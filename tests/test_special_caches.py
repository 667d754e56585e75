"""Caches replaced by a pipe, a device or a folder: read as if they were absent."""

import os
from pathlib import Path

import pytest

from evolve.data import cache
from evolve.llm.transport import format_cache


def replace(path: Path, kind: str) -> None:
    """Put a pipe, a device or a folder at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_cache_that_is_no_regular_file_is_absent(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    replace(tmp_path / "llm" / "request_formats.json", kind)
    assert format_cache._read_cache() == {}
    replace(cache.locate("yahoo", "SPY"), kind)
    assert cache.read("yahoo", "SPY") is None
