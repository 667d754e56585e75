"""Compiled kernels are cached where nothing else is written."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.evaluate.jit import compiled
from dsl.evaluate.vm import SERIES, compile_opcode


def test_no_two_kernels_are_cached_in_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two processes that add to one folder at once, one would be given the other's kernel."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernels = [catalog().operator(name).kernel for name in ("abs", "sign", "negate")]
    before = numba.config.CACHE_DIR
    for kernel in kernels:
        assert kernel is not None
        compile_opcode.__wrapped__(kernel, (SERIES,), SERIES)
        compiled.__wrapped__(kernel)(np.ones(3), np.ones(3))
    indices = list(tmp_path.rglob("*.nbi"))
    assert len(indices) == 2 * len(kernels)  # as it is, and as a step
    assert len({each.parent for each in indices}) == len(indices)
    assert all(len(list(each.parent.glob("*.nbc"))) == 1 for each in indices)
    assert before == numba.config.CACHE_DIR  # other libraries keep theirs where they did


def test_a_kernel_that_cannot_be_cached_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    (tmp_path / "file").touch()
    kernel, out = catalog().operator("abs").kernel, np.zeros(2)
    assert kernel is not None
    compiled.__wrapped__(kernel)(np.array([-1.5, 2.0]), out)
    assert out.tolist() == [1.5, 2.0]
