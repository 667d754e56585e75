"""Files read and written by the tool: what is refused before a byte is read."""

import os
from pathlib import Path

import pytest

from dsl.printable import make_printable
from evolve.errors import EvolveError
from evolve.files import read_bytes, read_text


@pytest.mark.parametrize("name", ["pipe", "folder", "/dev/zero", "a\0b", "\udc80", "missing"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(EvolveError, match=r"cannot read|no such file"):
        read_text(tmp_path / name)


def test_a_large_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"a" * 11)
    assert len(read_bytes(path, 11)) == 11
    with pytest.raises(EvolveError, match="expected at most 10 bytes"):
        read_bytes(path, 10)


def test_text_from_outside_controls_no_terminal() -> None:
    assert make_printable("a\x1b[31mb\nc\td\u202e\x9b\udc80") == (
        "a\\x1b[31mb\nc\td\\u202e\\x9b\\udc80"
    )
    assert len(make_printable("x" * 10_000, 100)) <= 103
    assert "\x1b" not in str(EvolveError("\x1b[2J", "\x1b]0;title\x07"))
