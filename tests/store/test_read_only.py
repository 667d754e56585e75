"""Folders and files that cannot be written: a clear error, and what they hold is readable."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.store import Journal
from evolve.store.lock import hold_lock
from evolve.store.repair import repair_journal
from evolve.store.rows import read_rows
from evolve.store.totals import read_totals
from tests.store.journals import write_journal

NOBODY = 65534

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Run folder of a killed run that every user may read."""
    base = Path(tempfile.mkdtemp(prefix="evolve-test-"))
    base.chmod(0o755)
    run = base / "run"
    run.mkdir()
    with closing(write_journal(base / "journal.sqlite", 2)):
        for each in base.glob("journal.sqlite*"):
            shutil.copy(each, run)
    yield run
    run.chmod(0o755)
    shutil.rmtree(base)


def lock(folder: Path) -> None:
    with hold_lock(folder):
        pass


def write(folder: Path) -> None:
    with closing(Journal(folder / "journal.sqlite")) as journal:
        journal.event("late")


def begin(folder: Path) -> None:
    Journal.create(folder / "new.sqlite")


def repair(folder: Path) -> None:
    repair_journal(folder / "journal.sqlite")


def read(folder: Path) -> None:
    rows, totals = read_rows(folder / "journal.sqlite"), read_totals(folder / "journal.sqlite")
    raise EvolveError(f"{len(rows.trials)} {totals.trials}")


def fail_as_user(act: Callable[[Path], None], folder: Path) -> str:
    """Return the error of an action of a user without privileges, in a process of its own."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            act(folder)
            sender.send("no error")
        except EvolveError as error:
            sender.send(str(error))

    process = context.Process(target=work)
    process.start()
    process.join()
    assert receiver.poll(), "another error"
    return str(receiver.recv())


@fork
def test_a_read_only_folder_is_a_clear_error_and_readable(folder: Path) -> None:
    before = [(each.name, each.read_bytes()) for each in sorted(folder.iterdir())]
    folder.chmod(0o555)
    assert fail_as_user(read, folder) == "80 80"
    for act in (lock, repair):
        error = fail_as_user(act, folder)
        assert f"cannot write {folder / 'run.lock'}: Permission denied" in error
    for act, name in ((write, "journal.sqlite"), (begin, "new.sqlite")):
        error = fail_as_user(act, folder)
        assert f"cannot write {folder / name}: " in error
        assert "allow writing in the folder; to go on: evolve resume" in error
    assert [(each.name, each.read_bytes()) for each in sorted(folder.iterdir())] == before


@fork
def test_a_read_only_journal_is_a_clear_error_and_readable(folder: Path) -> None:
    folder.chmod(0o777)
    for each in folder.iterdir():
        each.chmod(0o444)
    assert fail_as_user(read, folder) == "80 80"
    error = fail_as_user(write, folder)
    assert f"cannot write {folder / 'journal.sqlite'}: " in error
    assert "allow writing in the folder; to go on: evolve resume" in error
    assert len(read_rows(folder / "journal.sqlite").trials) == 80
