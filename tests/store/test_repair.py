"""Repair of damaged journals: what remains is a prefix of what was there, or nothing changes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from evolve.errors import EvolveError
from evolve.store import Journal
from evolve.store.calls import read_recording
from evolve.store.lock import hold_lock
from evolve.store.repair import RepairReport, repair_journal
from evolve.store.rows import JournalRows, read_rows
from tests.store.journals import iterate_damages, write_journal

EPOCHS = 12
NAMES = ("journal.sqlite", "journal.sqlite-wal")


@dataclass(frozen=True)
class Whole:
    """Journal without damage: its files, its rows and the trials after each epoch."""

    files: dict[str, bytes]
    rows: JournalRows
    trials: dict[int, int]

    def write(self, folder: Path) -> Path:
        """Write the files into a new folder; return the path of the journal."""
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder / NAMES[0]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Journal of a run that was killed, with a write-ahead log."""
    path = tmp_path_factory.mktemp("killed") / NAMES[0]
    with closing(write_journal(path, EPOCHS)) as journal:
        files = {name: path.with_name(name).read_bytes() for name in NAMES}
        return Whole(files, read_rows(path), dict(journal.list_checkpoints()))


@pytest.fixture(scope="module")
def closed(killed: Whole, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Journal of a run that ended, without a write-ahead log."""
    path = killed.write(tmp_path_factory.mktemp("closed") / "run")
    with closing(Journal(path)) as journal:
        journal.jobs.read("")
    return Whole({NAMES[0]: path.read_bytes()}, killed.rows, killed.trials)


def assert_prefix(path: Path, report: RepairReport, whole: Whole) -> None:
    """Check that a journal is clean, and that its search is the first part of the whole one."""
    rows = read_rows(path)
    assert rows.trials == whole.rows.trials[: report.trials]
    assert report.trials == whole.trials[report.epoch]
    assert set(rows.proposals) <= set(whole.rows.proposals)
    assert len(rows.events) <= len(whole.rows.events)
    read_recording(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(Journal(path)) as journal:
        last = journal.read_checkpoint()
        assert (last.epoch, last.trials) == (report.epoch, report.trials)
        assert len(journal.read_index(report.trials)) == report.trials
        assert set(journal.list_checkpoints()) <= set(whole.trials.items())
        assert set(journal.jobs.read("null")) <= {0, 1, 2}
        journal.roll_back(last)
        journal.event("later")
        journal.epoch(last.epoch + 1, [], {}, 0.0)
    assert repair_journal(path).damaged is None


def repair_damages(whole: Whole, name: str, folder: Path, count: int) -> list[int]:
    """Repair a journal after random damages of a file; return the trials that remain."""
    counts = []
    damages = iterate_damages(whole.files[name], count, Random(f"{name} {len(whole.files)}"))
    for number, (damage, content) in enumerate(damages):
        path = whole.write(folder / str(number))
        path.with_name(name).write_bytes(content)
        try:
            report = repair_journal(path)
        except EvolveError as error:
            assert "no checkpoint is whole" in error.message, damage
            counts.append(-1)
            assert path.with_name(name).read_bytes() == content
            assert {each.name for each in path.parent.iterdir()} <= {*whole.files, "run.lock"}
        else:
            if report.damaged is not None:
                assert report.damaged.read_bytes() == (
                    content if name == NAMES[0] else whole.files[NAMES[0]]
                )
            assert_prefix(path, report, whole)
            counts.append(report.trials)
        shutil.rmtree(path.parent)
    return counts


@pytest.mark.parametrize(
    ("fixture", "name"), [("killed", NAMES[0]), ("killed", NAMES[1]), ("closed", NAMES[0])]
)
@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_a_damaged_journal_is_rebuilt_up_to_a_whole_checkpoint(
    request: pytest.FixtureRequest, tmp_path: Path, fixture: str, name: str, count: int
) -> None:
    whole: Whole = request.getfixturevalue(fixture)
    counts = repair_damages(whole, name, tmp_path, count)
    print(fixture, name, sorted(counts))
    assert max(counts) > 0


def test_a_whole_journal_is_not_changed(killed: Whole, tmp_path: Path) -> None:
    path = killed.write(tmp_path / "run")
    assert repair_journal(path) == RepairReport(EPOCHS - 1, killed.trials[EPOCHS - 1], 0, None)
    assert {name: path.with_name(name).read_bytes() for name in NAMES} == killed.files


def test_a_run_that_is_in_use_is_not_repaired(killed: Whole, tmp_path: Path) -> None:
    path = killed.write(tmp_path / "run")
    path.write_bytes(b"damaged")
    with hold_lock(path.parent), pytest.raises(EvolveError, match="in use by process"):
        repair_journal(path)
    assert path.read_bytes() == b"damaged"


def test_damage_of_one_digit_of_a_score_loses_the_trials_from_it_on(
    closed: Whole, tmp_path: Path
) -> None:
    path = closed.write(tmp_path / "run")
    trial = closed.rows.trials[199]  # of epoch 4
    text = f"[{trial.scores[0]!r}, 9.0]"
    content = path.read_bytes()
    assert content.count(text.encode()) == 1
    path.write_bytes(content.replace(text.encode(), text.replace("9.0", "8.0").encode()))
    report = repair_journal(path)
    assert (report.epoch, report.trials, report.lost) == (3, 160, EPOCHS * 40 - 160)
    assert_prefix(path, report, closed)


def test_a_journal_without_a_checkpoint_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for content in (b"", b"not a journal" * 1000):
        path.write_bytes(content)
        with pytest.raises(EvolveError, match="no checkpoint is whole"):
            repair_journal(path)
        assert path.read_bytes() == content
    path.unlink()
    with pytest.raises(EvolveError, match="no run in"):
        repair_journal(path)
