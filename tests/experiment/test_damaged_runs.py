"""Damaged and foreign run folders: every command refuses them in words, and writes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.store import Journal
from tests.command_line import Output, invoke
from tests.experiment.damages import DAMAGES
from tests.experiment.small_runs import EDGE, run_small, write_experiment
from tests.llm.scripted import say, serving
from tests.params import thin_out

SMALL = ("budget.evaluations=40", "validate.null_runs=0")


@dataclass(frozen=True)
class Runs:
    """Folders of two runs, and the experiment that replays the calls of the first one."""

    run: Path
    other: Path
    experiment: Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    base = tmp_path_factory.mktemp("runs")
    first = run_small(base / "a", EDGE, *SMALL).folder
    other = run_small(base / "b", EDGE.replace("?seed=", "?seed=1"), *SMALL, "seed=2").folder
    with closing(Journal(first / "journal.sqlite")) as journal:
        model = Model("m", "http://127.0.0.1:9/v1")
        journal.event("models", models={"m": vars(model)}, mode="mix", concurrency=1)
        messages = ({"role": "user", "content": "write"},)
        journal.calls.record_call(Call(1, "propose", "m", messages, 0))
        answer = Exchange("propose", "m", "text", messages, "no strategy")
        journal.calls.record_response(1, (answer, replace(answer, kind="repair")))
        journal.calls.record_collected(1, 1)
    return Runs(first, other, write_experiment(base, EDGE))


@pytest.fixture
def damaged(runs: Runs, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "damaged"
    shutil.copytree(runs.run, folder)
    yield folder


def command(name: str, runs: Runs, folder: Path, out: Path) -> Output:
    if name == "holdout":
        return invoke("holdout", "open", str(folder), "--yes", status=None)
    if name == "harden":
        return invoke("harden", str(folder), "--yes", "--out", str(out), status=None)
    options = [f"llm.replay={folder}", "llm.mode=mix", *SMALL]
    return invoke("run", str(runs.experiment), "--out", str(out),
                  *[part for each in options for part in ("--set", each)], status=None)  # fmt: skip


def read_folder(folder: Path) -> dict[str, bytes | None]:
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None
        for each in folder.rglob("*")
    }


def check_refusals(
    name: str, runs: Runs, folder: Path, out: Path, commands: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    damage, refusing = DAMAGES[name]
    damage(folder, runs.other)
    with serving(lambda body: say("no patch")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        for each in commands:
            before = read_folder(folder)
            done = command(each, runs, folder, out)
            if each in refusing:
                assert done.status == 1, (each, done)
                assert "error" in done.err, (each, done)
                assert read_folder(folder) == before, each
                assert server.bodies == [], (each, done)
            elif done.status == 0:
                return  # it has written into the folder


def test_the_table_has_many_damages() -> None:
    assert len(DAMAGES) >= 60


@pytest.mark.parametrize(
    "name", thin_out([each for each in DAMAGES if "replay" not in DAMAGES[each][1]], 3)
)
def test_a_damaged_run_is_not_opened(
    runs: Runs, damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check_refusals(name, runs, damaged, tmp_path / "new", ("holdout", "harden"), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", thin_out([each for each in DAMAGES if "replay" in DAMAGES[each][1]], 3)
)
def test_a_damaged_recording_is_not_replayed(
    runs: Runs, damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    commands = ("replay", "holdout", "harden")
    check_refusals(name, runs, damaged, tmp_path / "new", commands, monkeypatch)


def test_an_undamaged_run_is_accepted(
    runs: Runs, damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda body: say("no patch")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert command("harden", runs, damaged, tmp_path / "new").status == 1
        assert server.bodies
    assert command("holdout", runs, damaged, tmp_path / "new").status == 0
    done = command("replay", runs, damaged, tmp_path / "new")
    assert "call 1 differs" in done.err, done


@pytest.mark.parametrize("name", ["experiment.yaml", "bars.parquet"])
def test_a_missing_file_of_a_run_is_to_be_restored(damaged: Path, name: str) -> None:
    (damaged / name).unlink()
    done = invoke("resume", str(damaged), status=1)
    assert f"no such file: {damaged / name}" in done.err.replace("\n", "")
    assert "restore the file" in done.err
