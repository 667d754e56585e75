"""Kernels are compiled before a search, in processes side by side, once."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from dsl.evaluate import build_instruction, list_kernels, vm
from dsl.evaluate.jit import compiled
from evolve import parallel
from evolve.cli.options import compiling_text
from evolve.fitness.precompile import Task, find_uncompiled, precompile

FEW = ("abs", "sign", "negate")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point this process and later ones at a folder without compiled kernels."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    for each in (compiled, build_instruction, vm.compile_opcode):
        each.cache_clear()
    return tmp_path / "kernels"


def few(tasks: list[Task]) -> list[Task]:
    return [each for each in tasks if getattr(each, "args", ("",))[0] in FEW]


def passes(tasks: list[Task]) -> set[Task]:
    return {each for each in tasks if not isinstance(each, partial)}


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_what_is_missing_is_compiled_once(
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


def test_one_process_compiles_what_is_missing_itself(empty_cache: Path) -> None:
    """Compile once, so that the next run finds nothing missing."""
    count = len(find_uncompiled(1))
    precompile([_fail, *few(find_uncompiled(1))], 1)
    assert few(find_uncompiled(1)) == []
    assert len(find_uncompiled(1)) == count - len(FEW)


@pytest.mark.slow
def test_several_symbols_are_traded_by_a_pass_of_their_own(empty_cache: Path) -> None:
    one, several = passes(find_uncompiled(1)), passes(find_uncompiled(2))
    assert (len(one), len(several), len(one & several)) == (3, 2, 1)
    precompile([*several], 2)
    assert passes(find_uncompiled(2)) == set()
    assert passes(find_uncompiled(1)) == one - several


def test_without_a_writable_cache_nothing_is_compiled_ahead(
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


def test_a_task_that_fails_is_left_to_who_calls_the_kernel() -> None:
    precompile([_fail, _die], 2)


def _fail() -> None:
    raise ValueError("no compiler today")


def _die() -> None:
    os._exit(9)
