"""Run folders: of several runs that want one, only one gets it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import EvolveError
from evolve.store import RunFolder
from evolve.store.files import format_command

PROCESSES, ROUNDS = 8, 25


def _create(
    barrier: Barrier, results: Any, choose: Callable[[int], Path | None], base: Path
) -> None:
    import os

    os.chdir(base)
    for number in range(ROUNDS):
        barrier.wait()
        try:
            results.put((number, str(RunFolder.create("x", choose(number)).path)))
        except EvolveError as error:
            results.put((number, f"refused: {error}"))


def race(base: Path, choose: Callable[[int], Path | None]) -> list[list[str]]:
    """Let several processes create run folders at the same time; return what they got by round."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.Queue()
    workers = [
        context.Process(target=_create, args=(barrier, results, choose, base))
        for _ in range(PROCESSES)
    ]
    for each in workers:
        each.start()
    found: list[list[str]] = [[] for _ in range(ROUNDS)]
    for _ in range(PROCESSES * ROUNDS):
        number, text = results.get(timeout=60)
        found[number].append(text)
    for each in workers:
        each.join()
    return found


@pytest.mark.parametrize("exists", [False, True])
def test_one_of_many_runs_gets_the_folder_that_all_name(tmp_path: Path, exists: bool) -> None:
    if exists:
        for number in range(ROUNDS):
            (tmp_path / f"run{number}").mkdir()
    for number, found in enumerate(race(tmp_path, lambda number: Path(f"run{number}"))):
        refused = [each for each in found if each.startswith("refused")]
        assert len(refused) == PROCESSES - 1
        assert set(found) - set(refused) == {f"run{number}"}
        assert all("already exists and is not empty" in each for each in refused)


def test_each_of_many_runs_gets_a_folder_with_its_own_name(tmp_path: Path) -> None:
    found = [each for row in race(tmp_path, lambda number: None) for each in row]
    assert len(set(found)) == len(found) == PROCESSES * ROUNDS
    assert all((tmp_path / each / "journal.sqlite").exists() for each in found)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a\0b", "without NUL"), ("\ud800", "in UTF-8"), ("\udcff", "in UTF-8"),
     ("x" * 300, "File name too long"), ("file/x", "Not a directory"),
     ("file", "already exists"), ("full", "already exists")],
)  # fmt: skip
def test_an_impossible_folder_is_refused_in_words(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(EvolveError, match=reason):
        RunFolder.create("x", tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_earlier_results_get_the_next_number_also_if_one_was_deleted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "earlier" / "2").mkdir(parents=True)
    (tmp_path / "result.json").write_text("{}")
    folder.set_aside_results()
    assert (tmp_path / "earlier" / "3" / "result.json").exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [("-run", "./-run"), ("-", "-"), ("runs/-a", "runs/-a"), ("a b", "'a b'")],
)
def test_a_printed_command_takes_a_path_for_no_option(path: str, words: str) -> None:
    assert format_command("resume", Path(path), "--json") == f"evolve resume {words} --json"
