"""Commands with a damaged or foreign cache of kernels."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from dsl.evaluate.jit import _digest_here, kernel_cache_dir
from tests.cli.conftest import WriteStrategy
from tests.command_line import start

DAMAGES = (b"", b"\x80\x04K\x01.", b"cbuiltins\nexit\n(I3\ntR.", bytes(range(256)) * 20)


def _copy_kernels(folder: Path) -> list[Path]:
    """Copy the kernels of these sources; return the files."""
    for each in kernel_cache_dir().glob(f"{_digest_here()}*"):
        shutil.copytree(each, folder / each.name)
    folder.chmod(0o700)
    return sorted(each for each in folder.rglob("*.nb?") if each.is_file())


def _backtest(path: str, cache: Path) -> tuple[int, dict[str, object], str]:
    args = ("backtest", path, "--data", "synthetic:walk?seed=1&bars=300", "--json")
    with start(*args, NUMBA_CACHE_DIR=str(cache)) as process:
        out, err = process.communicate(timeout=300)
    return process.returncode, json.loads(out), err


@pytest.mark.slow
def test_a_backtest_ignores_damaged_kernels_and_those_of_others(
    evo: WriteStrategy, tmp_path: Path
) -> None:
    path, cache = evo("strategy dip { buy when close < open hold 3 }"), tmp_path / "kernels"
    files = _copy_kernels(cache)
    assert len(files) > 100
    status, expected, err = _backtest(path, cache)
    assert (status, err) == (0, "")
    for number, each in enumerate(files):
        each.write_bytes(DAMAGES[number % len(DAMAGES)])
    assert _backtest(path, cache) == (0, expected, "")
    cache.chmod(0o777)
    status, found, err = _backtest(path, cache)
    assert (status, found) == (0, expected)
    assert err.count(f"compiling kernels, as in every run: other users may write {cache}") == 1
    assert len(err.splitlines()) == 1
    assert os.access(cache, os.W_OK)
