"""Kernels are compiled before a search, in parallel, once."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from dsl.evaluate import build_instruction, list_kernels, vm
from dsl.evaluate.jit import compile_kernel
from evolve import parallel
from evolve.cli.options import compiling_text
from evolve.fitness.precompile import Task, find_uncompiled, precompile

FEW = ("abs", "sign", "negate")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set an empty kernel cache for this process and its children."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    for each in (compile_kernel, build_instruction, vm.compile_opcode):
        each.cache_clear()
    return tmp_path / "kernels"


def few(tasks: list[Task]) -> list[Task]:
    return [each for each in tasks if getattr(each, "args", ("",))[0] in FEW]


def scorers(tasks: list[Task]) -> set[Task]:
    return {each for each in tasks if not isinstance(each, partial)}


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_missing_kernels_are_compiled_once(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(parallel, "METHOD", method)
    tasks = find_uncompiled(1)
    assert len(tasks) == len(list_kernels()) + 3
    precompile(few(tasks), 2)
    assert len(few(find_uncompiled(1))) == 0
    assert len(find_uncompiled(1)) == len(tasks) - len(FEW)
    written = sorted(empty_cache.rglob("*.nb*"))
    precompile(few(find_uncompiled(1)), 2)
    assert sorted(empty_cache.rglob("*.nb*")) == written


def test_a_single_process_compiles_missing_kernels(empty_cache: Path) -> None:
    """Compile in this process; then no task remains."""
    count = len(find_uncompiled(1))
    precompile([_fail, *few(find_uncompiled(1))], 1)
    assert few(find_uncompiled(1)) == []
    assert len(find_uncompiled(1)) == count - len(FEW)


@pytest.mark.slow
def test_several_symbols_use_another_kernel_than_one(empty_cache: Path) -> None:
    one, several = scorers(find_uncompiled(1)), scorers(find_uncompiled(2))
    assert (len(one), len(several), len(one & several)) == (3, 2, 1)
    assert scorers(find_uncompiled(1, 2)) == one | several
    precompile([*several], 2)
    assert scorers(find_uncompiled(2)) == set()
    assert scorers(find_uncompiled(1)) == one - several


def test_without_a_writable_cache_nothing_is_precompiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    assert len(find_uncompiled(1)) == len(list_kernels()) + 3
    assert compiling_text() == (
        f"compiling kernels, as in every run: cannot write {tmp_path / 'file' / 'kernels'}"
    )
    monkeypatch.setattr("evolve.fitness.precompile.open_pool", None)
    precompile(find_uncompiled(1), 2)
    precompile([partial(pytest.fail, "compiled for nothing")], 1)


def test_errors_of_tasks_are_suppressed() -> None:
    precompile([_fail, _die], 2)


def _fail() -> None:
    raise ValueError("no compiler today")


def _die() -> None:
    os._exit(9)
