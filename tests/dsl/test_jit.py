"""Tests of the cache of compiled kernels."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.evaluate.jit import compile_kernel
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
    assert before == numba.config.CACHE_DIR  # other libraries still use theirs


def test_a_kernel_is_compiled_if_the_cache_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    (tmp_path / "file").touch()
    kernel, out = catalog().operator("abs").kernel, np.zeros(2)
    assert kernel is not None
    compile_kernel.__wrapped__(kernel)(np.array([-1.5, 2.0]), out)
    assert out.tolist() == [1.5, 2.0]
