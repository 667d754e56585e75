"""Tests of the cache of compiled kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numba
import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.cache_dir import cache_dir, find_foreign_writer
from dsl.evaluate.jit import (
    _find_problem,
    compile_kernel,
    find_cache_problem,
    is_cached,
    is_compiled,
)
from dsl.evaluate.vm import SERIES, compile_opcode


def test_each_kernel_is_cached_in_a_separate_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that no process can load the kernel of another that writes at the same time."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernels = [catalog().operator(name).kernel for name in ("abs", "sign", "negate")]
    before = numba.config.CACHE_DIR
    for kernel in kernels:
        assert kernel is not None
        compile_opcode.__wrapped__(kernel, (SERIES,), SERIES)
        compile_kernel.__wrapped__(kernel)(np.ones(3), np.ones(3))
    indices = list(tmp_path.rglob("*.nbi"))
    assert len(indices) == 2 * len(kernels)  # as a kernel, and as a step
    assert len({each.parent for each in indices}) == len(indices)
    assert all(len(list(each.parent.glob("*.nbc"))) == 1 for each in indices)
    # Other libraries still use theirs; numba reads the variable again when it compiles.
    assert numba.config.CACHE_DIR in (before, str(tmp_path))


def test_a_kernel_is_compiled_if_the_cache_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    (tmp_path / "file").touch()
    kernel, out = catalog().operator("abs").kernel, np.zeros(2)
    assert kernel is not None
    compile_kernel.__wrapped__(kernel)(np.array([-1.5, 2.0]), out)
    assert out.tolist() == [1.5, 2.0]


CODE = b"cbuiltins\nexit\n(I3\ntR."  # a pickle that exits
DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "random": lambda path: path.write_bytes(Random(3).randbytes(len(path.read_bytes()))),
    "one byte": lambda path: path.write_bytes(_flip_byte(path.read_bytes())),
    "another pickle": lambda path: path.write_bytes(b"\x80\x04K\x01."),  # the number 1
    "code": lambda path: path.write_bytes(CODE),
    "a folder": lambda path: _replace_by_folder(path),
    "missing": lambda path: path.unlink(),
}


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _flip_byte(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_kernel_is_compiled_again(
    damage: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    kernel = catalog().operator("abs").kernel
    assert kernel is not None
    compile_opcode.__wrapped__(kernel, (SERIES,), SERIES)
    compile_kernel.__wrapped__(kernel)(np.ones(3), np.ones(3))
    damaged = list(tmp_path.rglob(f"*.{suffix}"))
    assert len(damaged) == 2
    for each in damaged:
        DAMAGES[damage](each)
    out = np.zeros(2)
    assert compile_opcode.__wrapped__(kernel, (SERIES,), SERIES) != 0
    compile_kernel.__wrapped__(kernel)(np.array([-1.5, 2.0]), out)
    assert out.tolist() == [1.5, 2.0]


def test_a_cached_kernel_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    kernel = catalog().operator("abs").kernel
    assert kernel is not None
    for hits in (0, 1):
        compiled: Any = compile_kernel.__wrapped__(kernel)
        compiled(np.ones(3), np.ones(3))
        assert sum(compiled.stats.cache_hits.values()) == hits
    assert (tmp_path / "kernels").stat().st_mode & 0o777 == 0o700


def _open_to_others(folder: Path) -> str:
    folder.chmod(0o777)
    return f"other users may write {folder}; "


def _open_a_part(folder: Path) -> str:
    folder.chmod(0o755)
    part = next(each for each in folder.rglob("*.nbc"))
    for each in (part, *part.parents):
        if each.is_relative_to(folder):
            each.chmod(0o755)
    part.chmod(0o664)
    return f"other users may write {part}; "


@pytest.mark.parametrize("expose", [_open_to_others, _open_a_part])
def test_a_cache_that_others_may_write_is_not_used(
    expose: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "kernels"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    kernel = catalog().operator("abs").kernel
    assert kernel is not None
    compile_kernel.__wrapped__(kernel)(np.ones(3), np.ones(3))
    assert is_cached(kernel)
    assert find_cache_problem() == ""
    problem = expose(folder)
    before = sorted(folder.rglob("*"))
    _find_problem.cache_clear()
    try:
        assert find_cache_problem().startswith(problem)
        assert not is_cached(kernel)
        assert not is_compiled()
        compiled: Any = compile_kernel.__wrapped__(kernel)
        compiled(np.ones(3), np.ones(3))
        assert sum(compiled.stats.cache_hits.values()) == 0
        assert sorted(folder.rglob("*")) == before
    finally:
        _find_problem.cache_clear()


def test_a_file_of_another_user_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evaluate-1").mkdir(0o700)
    (tmp_path / "other-1").mkdir(0o777)
    tmp_path.chmod(0o700)
    assert find_foreign_writer(tmp_path, "evaluate-*") == ""
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    assert find_foreign_writer(tmp_path, "*") == f"{tmp_path} belongs to another user"


def test_kernels_compile_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("EVOLVE_HOME", "~no-such-user/x")
    message = "EVOLVE_HOME: no such user or home folder: ~no-such-user/x"
    assert find_cache_problem() == message
    kernel, out = catalog().operator("abs").kernel, np.zeros(1)
    assert kernel is not None
    compile_kernel.__wrapped__(kernel)(np.array([-2.0]), out)
    assert out.tolist() == [2.0]
    with pytest.raises(OSError, match=message):
        cache_dir()
    monkeypatch.delenv("EVOLVE_HOME")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: Path("~/.cache") / name)
    with pytest.raises(OSError, match="this user has no home folder: set EVOLVE_HOME"):
        cache_dir()
