"""`evolve runs` and `evolve rm`: the list of runs, the repair and the deletion of runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from evolve.cli.terminal import OutputConsole
from evolve.experiment import remove_run
from evolve.experiment.run_list import list_runs
from evolve.report.terminal.run_list import list_runs_table
from evolve.store import JOURNAL, RESULT
from evolve.store.files import BARS, BEST, EXPERIMENT, REPORT, SWEEP
from evolve.store.lock import LOCK, hold_lock
from evolve.store.rows import read_rows
from tests.command_line import document, invoke, refuse, start
from tests.experiment.run_folders import NOW, write_run
from tests.experiment.small_runs import NOISE, run_small
from tests.golden import golden

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a finished run folder."""
    folder = tmp_path_factory.mktemp("finished")
    return run_small(folder, NOISE, "validate.null_runs=0", "budget.evaluations=100").folder


def write_runs() -> None:
    """Write runs in all states into `runs`."""
    for number in range(5):
        write_run(Path(f"runs/spy-2026110{number}"), 100 + number, 0.1 * number)
    write_run(Path("runs/sweep/seed=1"), 30, 1.25, "NOT DISTINGUISHED FROM LUCK", usd=0.0123)
    write_run(Path("runs/first"), 0.01, None)
    write_run(Path("runs/broken"), 2, 0.75, "PASS")
    Path("runs/broken/result.json").write_text("{")
    write_run(Path("runs/gone"), 3, 0.75)
    Path("runs/gone/bars.parquet").unlink()


def _change(folder: str, statement: str) -> None:
    """Change rows of a journal."""
    with closing(sqlite3.connect(Path(folder) / JOURNAL)) as connection:
        connection.execute(statement)
        connection.commit()


# -- the list


@pytest.mark.parametrize("width", [110, 60])
def test_a_list_of_runs_is_that_of_the_golden_file(width: int) -> None:
    write_runs()
    console = OutputConsole(width=width)
    with hold_lock(Path("runs/first")), console.capture() as captured:
        for part in list_runs_table(list_runs(Path("runs")), NOW):
            console.print(part)
    golden(GOLDEN / f"runs_{width}.txt", captured.get())


def test_the_command_prints_the_list_and_one_document() -> None:
    write_runs()
    out = invoke("runs").out
    assert "evolve resume runs/spy-20261100" in out
    found = document("runs", "runs")
    assert found["runs_dir"] == "runs"
    rows = {each["name"]: each for each in found["runs"]}
    assert len(rows) == len(found["runs"]) == 9
    sweep, broken = rows["sweep/seed=1"], rows["broken"]
    assert (sweep["state"], sweep["verdict"], sweep["usd"], sweep["best"]) == (
        "finished", "NOT DISTINGUISHED FROM LUCK", 0.0123, 1.25,
    )  # fmt: skip
    assert sweep["run_dir"] == "runs/sweep/seed=1"
    assert sweep["age_seconds"] > 0
    assert (broken["state"], broken["next_step"]) == (
        "damaged", "evolve runs --repair runs/broken",
    )  # fmt: skip
    assert rows["spy-20261100"]["next_step"] == "evolve resume runs/spy-20261100"


def test_a_folder_without_runs_names_the_first_command() -> None:
    assert invoke("runs").out == "no runs in runs; start one: evolve run experiments/quick.yaml\n"
    assert document("runs") == {"runs_dir": "runs", "runs": []}


def test_a_folder_that_is_a_run_missing_or_a_file_is_refused() -> None:
    write_run(Path("runs/a"))
    Path("file").touch()
    assert f"evolve runs {Path('runs').absolute()}" in refuse("runs", "runs/a")
    assert "no such folder: rnus" in refuse("runs", "rnus")
    assert "file is no folder" in refuse("runs", "file")


def test_commands_take_the_begin_of_a_name(finished: Path) -> None:
    shutil.copytree(finished, "runs/spy-1")
    shutil.copytree(finished, "runs/qqq-1")
    assert "small in runs/spy-1: finished" in invoke("show", "spy").out
    assert len(document("compare", "spy", "qqq-1")["runs"]) == 2
    assert document("backtest", "spy", "--part", "train")["run_dir"] == "runs/spy-1"
    assert "runs/spy-1" in invoke("report", "spy").out
    assert "no run in spx-1" in refuse("show", "spx-1")
    assert "no such file: sp.evo" in refuse("backtest", "sp.evo", "--data", NOISE)


# -- the repair


def test_a_damaged_result_is_renamed_and_the_run_can_be_continued(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    result = Path("runs/a/result.json")
    result.write_text('{"verdict": {"label": "PASS"}}')
    out = invoke("runs", "--repair", "a").out
    assert not result.exists()
    assert Path("runs/a/result.damaged-1.json").exists()
    golden(GOLDEN / "runs_repair.txt", out)
    assert document("runs")["runs"][0]["state"] == "stopped"


def test_a_repair_that_loses_trials_moves_the_result_of_all(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    _change("runs/a", "UPDATE trials SET trades=trades+1 WHERE trial=90")
    out = invoke("runs", "--repair", "a").out
    assert "its result is now in runs/a/earlier/1; evolve resume writes it again" in out
    assert (Path("runs/a/earlier/1") / RESULT).exists()
    assert document("show", "a")["state"] == "stopped"
    assert "verdict" not in document("show", "a")


def test_a_repair_that_loses_no_trial_leaves_a_finished_run_finished(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    _change("runs/a", "UPDATE events SET detail='{' WHERE id=2")
    out = invoke("runs", "--repair", "a").out
    assert "no trial is lost" in out
    assert document("runs")["runs"][0]["state"] == "finished"
    assert document("show", "a")["verdict"]["label"]


def test_a_finished_run_without_its_result_can_be_continued(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    (Path("runs/a") / REPORT).touch()
    assert "the run in runs/a is finished" in refuse("resume", "a")
    (Path("runs/a") / RESULT).unlink()
    out = invoke("resume", "a").out
    assert (Path("runs/a") / RESULT).exists()
    assert "evolve resume" not in out


def test_a_whole_run_is_not_changed_by_a_repair(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    before = (Path("runs/a") / RESULT).read_bytes()
    found = document("runs", "--repair", "runs/a")
    assert (found["trials"], found["lost_trials"], found["damaged"]) == (100, 0, [])
    assert (found["state"], found["next_step"]) == ("finished", None)
    assert (Path("runs/a") / RESULT).read_bytes() == before


def test_a_damaged_journal_is_rebuilt_from_what_is_whole(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    journal = Path("runs/a") / JOURNAL
    content = bytearray(journal.read_bytes())
    content[-4096:] = b"\xff" * 4096
    journal.write_bytes(content)
    out = invoke("runs", "--repair", "runs/a").out
    assert "the journal is rebuilt" in out
    assert "the damaged journal is now runs/a/journal.damaged-1.sqlite" in out
    assert "evolve" in out.splitlines()[-1]
    assert len(read_rows(journal).trials) <= 100
    (row,) = document("runs")["runs"]
    assert row["fault"] is None


def test_a_repair_of_no_run_and_of_a_running_one_is_refused() -> None:
    write_run(Path("runs/a"))
    assert "no run in b" in refuse("runs", "--repair", "b")
    assert "exclude each other" in refuse("runs", "runs", "--repair", "a", status=2)
    with hold_lock(Path("runs/a")):
        assert "in use by" in refuse("runs", "--repair", "a")


# -- the deletion


def test_a_run_is_deleted_with_all_its_files(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    Path("runs/a/inputs/prompts/tasks").mkdir(parents=True)
    Path("runs/a/inputs/prompts/tasks/simplify.j2").touch()
    experiment = Path("runs/a") / EXPERIMENT
    experiment.write_text("llm: {prompts: inputs/prompts}\n")
    Path("runs/a/.evolve-0123.part").touch()
    Path("runs/a/journal.damaged-1.sqlite").touch()
    shutil.copytree(finished, "runs/b")
    shutil.copytree(finished, "runs/c")
    Path("runs/b/notes.txt").touch()
    out = invoke("rm", "runs/a", "a", "b", "--yes")
    shown = re.sub(r"\d[\d.,]* [kM]B", "SIZE", out.out)
    golden(GOLDEN / "rm.txt", f"{shown}== stderr\n{out.err}")
    assert sorted(each.name for each in Path("runs").iterdir()) == ["b", "c"]
    assert [each.name for each in Path("runs/b").iterdir()] == ["notes.txt"]


def test_the_question_shows_what_is_deleted_and_no_answer_deletes_nothing(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    with start("rm", "a", stdin=subprocess.DEVNULL) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "runs/a  finished     100" in out
    assert "delete this run? [y/N]:" in err
    assert "= add --yes to delete" in err
    assert (Path("runs/a") / JOURNAL).exists()


def test_other_files_and_links_remain_with_their_folder(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    outside = Path("outside")
    outside.mkdir()
    (outside / "1.evo").touch()
    Path("runs/a/notes.txt").touch()
    Path("runs/a/mine").mkdir()
    Path("runs/a/mine/report.html").touch()
    shutil.rmtree("runs/a/finalists")
    Path("runs/a/finalists").symlink_to(outside.absolute())
    Path("runs/a/learnings.md").symlink_to(Path("runs/a/notes.txt").absolute())
    out = invoke("rm", "runs/a", "--yes").out
    assert "runs/a remains, with: finalists, learnings.md, mine and 1 more" in " ".join(out.split())
    left = sorted(str(each.relative_to("runs/a")) for each in Path("runs/a").rglob("*"))
    assert left == ["finalists", "learnings.md", "mine", "mine/report.html", "notes.txt"]
    assert (outside / "1.evo").exists()
    assert document("runs")["runs"] == []


def test_inputs_that_the_run_did_not_copy_remain(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    for name in ("inputs/seed.evo", "inputs/mine.evo", "earlier/notes.txt", "null/1.csv"):
        path = Path("runs/a") / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    experiment = Path("runs/a") / EXPERIMENT
    experiment.write_text("start_from: [inputs/seed.evo, run.txt, ../b]\n")
    Path("runs/a/run.txt").touch()
    out = invoke("rm", "a", "--yes").out
    assert "runs/a remains, with: earlier/notes.txt, inputs/mine.evo" in " ".join(out.split())
    left = [str(each.relative_to("runs/a")) for each in Path("runs/a").rglob("*") if each.is_file()]
    assert sorted(left) == ["earlier/notes.txt", "inputs/mine.evo", "null/1.csv", "run.txt"]


def test_a_sweep_is_deleted_with_its_runs(finished: Path) -> None:
    sweep = Path("runs/sweep")
    for name in ("1-seed=1", "2-seed=2"):
        shutil.copytree(finished, sweep / name)
    (sweep / "results").mkdir()
    (sweep / "results/1.json").touch()
    (sweep / SWEEP).write_text("{}")
    with hold_lock(sweep):
        assert "the sweep in runs/sweep goes on" in refuse("rm", "sweep", "--yes")
    with hold_lock(sweep / "1-seed=1"):
        assert "the run in runs/sweep/1-seed=1 goes on" in refuse("rm", "sweep", "--yes")
    with start("rm", "sweep", "sweep/1-seed=1", stdin=subprocess.DEVNULL) as process:
        out, _ = process.communicate(timeout=60)
    assert "runs/sweep  sweep of 2 runs     200" in out
    (sweep / "2-seed=2/notes.txt").touch()
    assert "deleted the runs in runs/sweep" in invoke("rm", "runs/sweep", "--yes").out
    assert [str(each) for each in sweep.rglob("*")] == [
        "runs/sweep/2-seed=2", "runs/sweep/2-seed=2/notes.txt"
    ]  # fmt: skip


def test_a_folder_of_runs_leads_to_its_commands() -> None:
    write_run(Path("runs/a b/1-seed=1"))
    assert "one of them, such as 'runs/a b/1-seed=1'" in refuse("resume", "runs/a b")
    Path("runs/a b", SWEEP).write_text("{}")
    for words in (("resume",), ("show",), ("report",), ("backtest",), ("runs", "--repair")):
        refused = refuse(*words, "runs/a b")
        assert "runs/a b is a sweep, and no single run" in refused
        assert "to go on: evolve sweep 'runs/a b' --resume" in " ".join(refused.split())
    assert "runs/a b is a sweep" in refuse("show", "a b")


def test_what_is_no_run_a_link_or_in_use_is_not_deleted(finished: Path) -> None:
    shutil.copytree(finished, "runs/a")
    Path("other").mkdir()
    (Path("other") / RESULT).write_text('{"answer": 42}')
    Path("link").symlink_to("runs/a")
    assert "other is no run folder: it has no journal.sqlite" in refuse("rm", "other", "--yes")
    assert "runs is no run folder: it holds runs (a, …)" in refuse("rm", "runs", "--yes")
    assert "link is a link, which is not followed" in refuse("rm", "link", "--yes")
    Path("loop").symlink_to("loop")
    assert "loop is a link, which is not followed" in refuse("rm", "loop", "--yes")
    assert "no run in b" in refuse("rm", "b", "--yes")
    with hold_lock(Path("runs/a")):
        assert "the run in runs/a goes on" in refuse("rm", "runs/a", "--yes")
        assert "the run in runs/a goes on" in refuse("rm", "runs/a", "other", "--yes")
    assert (Path("runs/a") / EXPERIMENT).exists()
    assert (Path("other") / RESULT).exists()


def test_a_run_that_was_killed_before_it_began_is_named_and_deleted() -> None:
    Path("runs/a").mkdir(parents=True)
    (Path("runs/a") / JOURNAL).touch()
    for words in (("show",), ("report",), ("resume",)):
        assert "the run in runs/a has not begun" in refuse(*words, "a")
    invoke("rm", "a", "--yes")
    assert not Path("runs/a").exists()


def test_a_name_is_not_completed_for_a_deletion() -> None:
    write_run(Path("runs/spy-1"))
    assert "did you mean `spy-1`" in refuse("rm", "spy", "--yes")
    assert Path("runs/spy-1").exists()


def test_a_deletion_that_is_interrupted_leaves_a_run_that_is_listed_as_damaged(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, left = Path.unlink, 0

    def interrupt(path: Path, missing_ok: bool = False) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        unlink(path, missing_ok=missing_ok)

    count = len(remove_run.list_files(finished).files)
    for number in range(1, count):
        shutil.copytree(finished, "runs/a")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            left = number
            patch.setattr(Path, "unlink", interrupt)
            remove_run.remove(remove_run.list_files(Path("runs/a")))
        (run,) = list_runs(Path("runs"))
        assert "experiment.yaml" in run.fault
        assert run.next_step == ""
        invoke("rm", "a", "--yes")  # it can be repeated
        assert list(Path("runs").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, "runs/a")

    def fail(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "unlink", fail)
    refused = invoke("rm", "runs/a", "--yes", status=1).err
    assert "error: cannot delete runs/a/experiment.yaml: Permission denied" in refused
    assert {BARS, BEST, EXPERIMENT, JOURNAL, LOCK, RESULT} <= {
        each.name for each in Path("runs/a").iterdir()
    }


def test_the_document_of_the_list_is_plain_json() -> None:
    write_run(Path("runs/a"), best=None)
    assert json.loads(invoke("runs", "--json").out)["runs"][0]["best"] is None
