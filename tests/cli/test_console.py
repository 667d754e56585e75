"""Output of a run: its models, its files and its best strategy."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from evolve.cli.console import ConsoleObserver
from evolve.experiment.run import run
from tests.command_line import QUICK
from tests.llm.scripted import GOOD, Script, fail, say, serving
from tests.programs import OPERATORS

SMALL = [
    "budget.evaluations=120", "search.population=20", "search.generations_per_epoch=2",
    "budget.llm_calls=2", "validate.null_runs=0", f"language.operators={list(OPERATORS)}",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("own_home")


def printed_by_run(folder: Path, *settings: str) -> str:
    """Run the quick experiment; return its output with single spaces."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), ConsoleObserver() as observer:
        run(Path(QUICK), [*SMALL, *settings], out=folder, observer=observer)
    return " ".join((out.getvalue() + err.getvalue()).split())


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no path of a temporary folder to wrap."""
    monkeypatch.setenv("COLUMNS", "400")


def printed_with(script: Script, folder: Path, *settings: str) -> str:
    """Run the quick experiment with a model whose server follows a script."""
    with serving(script) as server:
        model = f"llm.models=[{{name: 'a [b] c', base_url: '{server.url}'}}]"
        return printed_by_run(folder, model, "llm.constraint=text", *settings)


@pytest.mark.slow
def test_markup_in_the_answer_of_a_server_is_not_interpreted(tmp_path: Path) -> None:
    text = printed_with(lambda body: fail(401, "[/nope] [red]stop[/red]"), tmp_path / "[run]")
    assert "answered 401: [/nope] [red]stop[/red]" in text
    assert "a [b] c at http://127.0.0.1" in text
    assert "[run]: best.evo" in text


@pytest.mark.slow
def test_a_run_prints_the_cost_and_the_proposals_of_its_model(tmp_path: Path) -> None:
    text = printed_with(lambda body: say(GOOD, tokens=(1000, 50)), tmp_path / "run")
    assert "up to 2 calls" in text
    assert "2 calls to models: 2,000 tokens in, 100 out, $0.0000" in text
    assert "maximum cost" not in text
    assert re.search(r"model: (tune|simplify|different|worst_fold|overfit)", text)
    assert "free" in text
    assert "NOT TESTED: There was no search on shuffled prices" in text


@pytest.mark.slow
def test_the_summary_and_the_table_count_refused_calls_alike(tmp_path: Path) -> None:
    text = printed_with(lambda body: fail(401, "no"), tmp_path / "run", "budget.llm_calls=6")
    found = re.search(r"(\d+) calls to models, (\d+) of them refused: 0 tokens in, 0 out", text)
    assert found is not None
    rows = re.findall(r"model: \w+ (\d+) \d+\.\d \d\.\d{4}", text)
    assert int(found.group(1)) == int(found.group(2)) == sum(map(int, rows)) > 0
    document = json.loads((tmp_path / "run" / "result.json").read_text())
    assert document["llm"]["calls"] == 0
    assert document["llm"]["refused"] == int(found.group(1))


@pytest.mark.slow
def test_a_replay_calls_no_model(tmp_path: Path) -> None:
    printed_with(lambda body: say(GOOD, tokens=(1000, 50)), tmp_path / "run")
    text = printed_by_run(tmp_path / "again", f"llm.replay={tmp_path / 'run'}")
    assert "2 calls answered from the recording: 2,000 tokens in, 100 out, $0.0000" in text
    assert "calls to models" not in text


def test_a_run_lists_the_files_that_it_wrote(tmp_path: Path) -> None:
    for name, minimum in (("some", 1), ("none", 100_000)):
        require = f"fitness.require={{trades_per_fold: {minimum}}}"
        text = printed_by_run(tmp_path / name, require, "llm.mode=off")
        found = re.search(
            rf"files in {tmp_path / name}: (.*?\.sqlite[\w/., ]*?)(?: next steps| `evolve)", text
        )
        assert found is not None
        for each in found.group(1).split(", "):
            assert (tmp_path / name / each).exists()
        assert ("best.evo" in found.group(1)) == (name == "some")
        assert ("total return above buy and hold on train: " in text) == (name == "some")
        assert "beats" not in text


@pytest.mark.slow
def test_calls_without_an_answer_count_at_their_maximum_cost(tmp_path: Path) -> None:
    late = ("llm.wait_seconds=0", "budget.llm_calls=1")
    text = printed_with(lambda body: say(GOOD, seconds=60.0), tmp_path / "run", *late)
    assert "of these, 1 without an answer count at their maximum cost" in text


def test_the_best_strategy_is_printed_in_full_on_a_narrow_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with ConsoleObserver() as observer:
        run(Path(QUICK), SMALL, out=tmp_path / "run", observer=observer)
    best = (tmp_path / "run" / "best.evo").read_text("utf-8")
    source = "".join(line for line in best.splitlines(True) if not line.startswith("#"))
    assert max(map(len, source.splitlines())) > 40
    assert source.strip() in capsys.readouterr().out
