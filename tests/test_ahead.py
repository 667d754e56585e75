"""Kernels are compiled before a search, in processes side by side, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import evolve.processes
from dsl.evaluate import kernels, machine, plan_of
from evolve.ahead import Task, compile_ahead, missing

FEW = ("abs", "sign", "negate")


@pytest.fixture
def anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has compiled nothing, as far as processes that begin now can tell."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    plan_of.cache_clear()
    machine.step_of.cache_clear()
    return tmp_path / "kernels"


def few(tasks: list[Task]) -> list[Task]:
    return [each for each in tasks if getattr(each, "args", ("",))[0] in FEW]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_what_is_missing_is_compiled_once(
    anew: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(evolve.processes, "METHOD", method)
    tasks = missing()
    assert len(tasks) == len(kernels()) + 3
    compile_ahead(few(tasks), 2)
    assert len(few(missing())) == 0
    assert len(missing()) == len(tasks) - len(FEW)
    written = sorted(anew.rglob("*.nb*"))
    compile_ahead(few(missing()), 2)
    assert sorted(anew.rglob("*.nb*")) == written


def test_where_nothing_can_be_kept_nothing_is_compiled_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    assert len(missing()) == len(kernels()) + 3  # it is said that it takes a while
    monkeypatch.setattr("evolve.ahead.pool_of", None)
    compile_ahead(missing(), 2)


def test_a_task_that_fails_is_left_to_who_calls_the_kernel() -> None:
    compile_ahead([_fail, _die], 2)


def _fail() -> None:
    raise ValueError("no compiler today")


def _die() -> None:
    os._exit(9)
