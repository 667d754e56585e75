"""What a run says of models: whole, whoever wrote it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evolve.cli.console import ConsoleObserver
from evolve.experiment.run import run
from tests.llm.scripted import GOOD, Script, fail, say, serving

QUICK = Path(__file__).parents[2] / "experiments" / "quick.yaml"
SMALL = [
    "budget.evaluations=120",
    "search.population=20",
    "search.generations_per_epoch=2",
    "budget.llm_calls=2",
]

pytestmark = pytest.mark.usefixtures("own_home")


def told(script: Script, folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    with serving(script) as server, ConsoleObserver() as observer:
        model = f"llm.models=[{{name: 'a [b] c', base_url: '{server.url}'}}]"
        settings = [*SMALL, model, "llm.constraint=text", *more]
        run(QUICK, settings, out=folder, observer=observer)
    printed = capsys.readouterr()
    return " ".join((printed.out + printed.err).split())


def test_what_a_server_says_is_printed_as_it_is_and_read_as_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(lambda body: fail(401, "[/nope] [red]stop[/red]"), tmp_path / "[run]", capsys)
    assert "answered 401: [/nope] [red]stop[/red]" in said
    assert "a [b] c at http://127.0.0.1" in said
    assert "[run]: best.evo" in said


def test_a_run_tells_what_its_model_cost_and_brought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(lambda body: say(GOOD, tokens=(1000, 50)), tmp_path / "run", capsys)
    assert "up to 2 calls" in said
    assert "2 calls to models: 2,000 tokens in, 100 out, $0.0000" in said
    assert "counted at the most" not in said
    assert re.search(r"model: (tune|simplify|different|worst_fold|overfit)", said)
    assert "free" in said
    assert "NOT TESTED: No null run was made, so this may be luck." in said


def test_refused_calls_are_counted_as_the_table_counts_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(lambda body: fail(401, "no"), tmp_path / "run", capsys, "budget.llm_calls=6")
    found = re.search(r"(\d+) calls to models, (\d+) of them refused: 0 tokens in, 0 out", said)
    assert found is not None
    rows = re.findall(r"model: \w+ (\d+) \d+\.\d \d\.\d{4}", said)
    assert int(found.group(1)) == int(found.group(2)) == sum(map(int, rows)) > 0
    document = json.loads((tmp_path / "run" / "result.json").read_text())
    assert document["llm"]["calls"] == 0
    assert document["llm"]["refused"] == int(found.group(1))


def test_a_replay_makes_no_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(lambda body: say(GOOD, tokens=(1000, 50)), tmp_path / "run", capsys)
    with ConsoleObserver() as observer:
        replay = [*SMALL, f"llm.replay={tmp_path / 'run'}"]
        run(QUICK, replay, out=tmp_path / "again", observer=observer)
    said = " ".join(capsys.readouterr().out.split())
    assert "2 recorded calls, none made again: 2,000 tokens in, 100 out, $0.0000" in said
    assert "calls to models" not in said


def test_a_run_names_the_files_that_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, least in (("some", 1), ("none", 100_000)):
        with ConsoleObserver() as observer:
            settings = [SMALL[0], f"fitness.require={{trades_per_fold: {least}}}", "llm.mode=off"]
            run(QUICK, settings, out=tmp_path / name, observer=observer)
        said = " ".join(capsys.readouterr().out.split())
        found = re.search(
            rf"files in {tmp_path / name}: (.*?\.sqlite[\w/., ]*?)(?: to go on| `evolve)", said
        )
        assert found is not None
        for each in found.group(1).split(", "):
            assert (tmp_path / name / each).exists()
        assert ("best.evo" in found.group(1)) == (name == "some")
        assert ("total return above buy-and-hold's on train: " in said) == (name == "some")
        assert "beats" not in said


def test_what_no_server_counted_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = ("llm.wait_seconds=0", "budget.llm_calls=1")
    said = told(lambda body: say(GOOD, seconds=60.0), tmp_path / "run", capsys, *late)
    assert "of that, 1 without an answer are counted at the most they can have cost" in said


def test_the_winner_is_printed_whole_however_narrow_the_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with ConsoleObserver() as observer:
        run(QUICK, SMALL, out=tmp_path / "run", observer=observer)
    best = (tmp_path / "run" / "best.evo").read_text("utf-8")
    assert max(map(len, best.splitlines())) > 40
    assert best.strip() in capsys.readouterr().out
