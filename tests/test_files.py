"""Files read and written by the tool: what is refused, and what a failed write leaves."""

import errno
import os
import stat
from pathlib import Path

import pytest

from dsl.printable import make_printable
from evolve.errors import EvolveError
from evolve.files import (
    atomic_write,
    read_bytes,
    read_text,
    refuse_overwrite,
    remove_partial_files,
    write_text,
)


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


def test_a_file_without_content_yet_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate files such as /proc/kmsg, whose reads return None while they would wait."""
    path = tmp_path / "a"
    path.touch()
    monkeypatch.setattr(os, "fdopen", lambda *_: WaitingFile())
    with pytest.raises(EvolveError, match=r"cannot read .*temporarily unavailable"):
        read_bytes(path, 10)


class WaitingFile:
    def __enter__(self) -> "WaitingFile":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> None:
        pass


def test_text_from_outside_controls_no_terminal() -> None:
    assert make_printable("a\x1b[31mb\nc\td\u202e\x9b\udc80") == (
        "a\\x1b[31mb\nc\td\\u202e\\x9b\\udc80"
    )
    assert len(make_printable("x" * 10_000, 100)) <= 103
    assert "\x1b" not in str(EvolveError("\x1b[2J", "\x1b]0;title\x07"))


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_replaced_file_passes_on_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    write_text(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symbolic_link_remains_and_its_target_changes(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyError()])
def test_a_write_that_fails_changes_nothing(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    expected = EvolveError if isinstance(error, OSError) else KeyError
    with pytest.raises(expected) as caught, atomic_write(path) as (temporary,):
        temporary.write_text("half of the ne")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(caught.value, EvolveError):
        assert str(caught.value) == (
            f"cannot write {path}: No space left on device\n"
            "  = free some space; a file that was there is unchanged"
        )


def test_a_full_disk_at_the_flush_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(EvolveError, match="Disk quota exceeded"):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    write_text(tmp_path / "a", "new", is_durable=False)
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize(
    "name", ["pipe", "folder", "loop", "a\0b", "\ud800", "x" * 300, "missing/a", "file/a"]
)
def test_what_cannot_be_a_file_is_not_written(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(EvolveError, match="cannot write"):
        write_text(tmp_path / name, "x")
    assert sorted(tmp_path.iterdir()) == before
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_text_that_is_not_unicode_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(EvolveError, match="surrogates not allowed"):
        write_text(tmp_path / "a", "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_no_output_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("x")
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "hard.csv").hardlink_to(path)
    (tmp_path / "copy.csv").write_text("x")
    for name in ("in.csv", "link.csv", "hard.csv", "../" + tmp_path.name + "/in.csv"):
        with pytest.raises(EvolveError, match="it is an input"):
            refuse_overwrite([None, tmp_path / name], [Path("-"), path])
    refuse_overwrite([None, tmp_path / "copy.csv", tmp_path / "new.csv"], [Path("-"), path])


def test_the_partial_file_of_a_killed_process_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with atomic_write(tmp_path / "inner" / "a.txt") as (temporary,):
        name = temporary.name
    (tmp_path / "inner" / name).touch()
    remove_partial_files(tmp_path)
    assert [each.name for each in (tmp_path / "inner").iterdir()] == ["a.txt"]
