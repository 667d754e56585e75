"""`evolve show`, and the lines of `evolve run`: a run, one trial of it, a line of descent."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import EvolveError
from evolve.experiment.lineage import find_winner, trace_lineage
from evolve.experiment.result_parts import PrunedDocument
from evolve.experiment.run_view import read_view
from evolve.experiment.trial_view import find_trial, view_trial
from evolve.report.terminal.trial import list_lineage
from evolve.store.journal import Journal
from evolve.store.lock import hold_lock
from evolve.store.rows import read_rows
from tests.command_line import Output, document, invoke, refuse
from tests.experiment.small_runs import write_experiment
from tests.golden import golden
from tests.llm.scripted import say, serving

GOLDEN = Path(__file__).parent / "golden"
EVIL = "about [bold]x[/bold] \x1b]0;pwn\x07"
ANSWER = (
    'strategy mine { about "below its mean" buy when rsi(close, 7) < 40 '
    "sell when roc(close, 5) > 0.01 }"
)
TIMES = (
    (r"at\s+[\d,]+\s+per\s+second;\s+[\d.]+\s+s\s+in\s+all", "at N per second; N s in all"),
    (r"[\d,]+ per second", "N per second"), (r"\d+(\.\d+)? s\b", "N s"),
    (r"(\d+:)+\d\d left|time left unknown", "N left"),
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("show")


@pytest.fixture(autouse=True)
def _here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("EVOLVE_HOME", str(home / "home"))
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="module")
def printed(home: Path) -> Output:
    """Run a small experiment into the folder `run`; return what it printed."""
    write_experiment(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("EVOLVE_HOME", str(home / "home"))
        return invoke("run", "small.yaml", "--out", "run")


@pytest.fixture(scope="module")
def asked(home: Path) -> Path:
    """Run a small experiment with a model whose answer is hostile; return its folder."""
    write_experiment(home)
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(lambda body: say(f"{EVIL}\n{ANSWER}")) as it,
    ):
        patch.setenv("EVOLVE_HOME", str(home / "home"))
        settings = (
            f"llm.models=[{{name: tiny, base_url: '{it.url}'}}]", "llm.constraint=text",
            "budget.llm_calls=1", "budget.evaluations=100", "validate.null_runs=0",
        )  # fmt: skip
        options = [part for each in settings for part in ("--set", each)]
        invoke("run", str(home / "small.yaml"), "--out", str(home / "asked"), *options)
    return home / "asked"


def mask_times(text: str) -> str:
    for pattern, mask in TIMES:
        text = re.sub(pattern, mask, text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


# -- a run


def test_the_lines_of_a_run_are_those_of_the_golden_file(printed: Output) -> None:
    golden(GOLDEN / "run.txt", mask_times(f"{printed.out}== stderr\n{printed.err}"))
    assert "\x1b" not in printed.out + printed.err


@pytest.mark.usefixtures("printed")
def test_a_run_is_shown_as_in_the_golden_file() -> None:
    golden(GOLDEN / "show_run.txt", mask_times(invoke("show", "run").out))


@pytest.mark.usefixtures("printed")
def test_the_document_of_a_run_is_its_result_with_its_epochs(home: Path) -> None:
    found = document("show", "run")
    result = json.loads((home / "run" / "result.json").read_text())
    assert {name: found[name] for name in result} == {**result, "run_dir": "run"}
    assert found["front"][-1]["score"] == found["epochs"][-1]["best"]
    assert found["state"] == "finished"
    assert found["epochs"][-1]["evaluated"] == result["trials"]["evaluated"]


@pytest.mark.usefixtures("printed")
def test_a_stopped_run_shows_what_it_has(home: Path) -> None:
    shutil.copytree(home / "run", home / "stopped", dirs_exist_ok=True)
    (home / "stopped" / "result.json").unlink()
    page = invoke("show", "stopped").out
    assert "small in stopped: stopped" in page
    assert "To go on: evolve resume stopped" in " ".join(page.split())
    assert "200 of 200, epoch" in page
    assert "trials so far" in page
    assert "equity; train from" in page
    for absent in ("gate", "luck", "finalists", "holdout"):
        assert absent not in page
    (home / "stopped" / "best.evo").unlink()
    assert "strategy" not in invoke("show", "stopped").out
    assert document("show", "stopped")["state"] == "stopped"


@pytest.mark.usefixtures("printed")
def test_a_run_of_an_earlier_version_shows_its_finalists_as_it_has_them(home: Path) -> None:
    shutil.copytree(home / "run", home / "earlier", dirs_exist_ok=True)
    path = home / "earlier" / "result.json"
    result = json.loads(path.read_text())
    for each in result["finalists"]:
        del each["correlation"]
        for metrics in each["metrics"].values():
            del metrics["avg_trade_bars"]
    result["finalists"] *= 2
    path.write_text(json.dumps(result))
    page = " ".join(invoke("show", "earlier").out.split())
    assert "Only the winner has a verdict." in page
    assert "correlate below" not in page
    assert "correlate below" in " ".join(invoke("show", "run").out.split())


@pytest.mark.usefixtures("printed")
def test_a_winner_without_others_is_the_only_finalist(home: Path) -> None:
    shutil.copytree(home / "run", home / "one", dirs_exist_ok=True)
    path = home / "one" / "result.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps({**result, "finalists": result["finalists"][:1]}))
    page = invoke("show", "one").out
    assert "No other good strategy trades differently from the winner." in page
    assert "verdict." not in page.partition("finalists;")[2]


def test_a_run_without_a_feasible_strategy_has_neither_finalists_nor_a_front(home: Path) -> None:
    write_experiment(home)
    settings = ("budget.evaluations=60", "fitness.require.trades_per_fold=1000",
                "validate.null_runs=0")  # fmt: skip
    options = [part for each in settings for part in ("--set", each)]
    printed = invoke("run", "small.yaml", "--out", "none", *options).out
    assert "no feasible strategy" in printed
    for page in (printed, invoke("show", "none").out):
        for absent in ("finalists;", "front:", "Only the winner", "lineage"):
            assert absent not in page
    assert document("show", "none")["front"] == []


@pytest.mark.usefixtures("printed")
def test_the_lineage_of_a_winner_ends_with_its_pruned_form(home: Path) -> None:
    view = read_view(home / "run")
    assert view.document is not None and view.document.best is not None
    winner = view.document.best
    lineage = trace_lineage(view.rows, winner.trial)
    dropped = PrunedDocument(hash=winner.trial, nodes=winner.nodes + 2, dropped=["`stop`"])
    plain, pruned = (
        [str(part) for part in list_lineage(lineage, winner.model_copy(update={"pruned": each}))]
        for each in (None, dropped)
    )
    assert pruned[: len(plain)] == plain
    assert f"pruned to {winner.nodes} nodes" in pruned
    assert "without the parts that change no trade: `stop`" in pruned
    of_parent = trace_lineage(view.rows, lineage[0].trial.hash)
    assert not any("pruned to" in str(part) for part in list_lineage(of_parent, winner))


@pytest.mark.usefixtures("printed")
def test_a_damaged_result_is_refused_with_its_place(home: Path) -> None:
    shutil.copytree(home / "run", home / "damaged", dirs_exist_ok=True)
    path = home / "damaged" / "result.json"
    result = json.loads(path.read_text())
    result["proposers"]["tune"]["accepted"] = "many"
    path.write_text(json.dumps(result))
    assert "`proposers.tune.accepted`" in refuse("show", "damaged")


@pytest.mark.usefixtures("printed")
def test_a_run_that_has_just_begun_shows_that_it_runs(home: Path) -> None:
    shutil.copytree(home / "run", home / "begun", dirs_exist_ok=True)
    for name in ("result.json", "best.evo", "journal.sqlite"):
        (home / "begun" / name).unlink()
    Journal.create(home / "begun" / "journal.sqlite").close()
    with hold_lock(home / "begun"):
        assert invoke("show", "begun").out == "run   small in begun: running\n"
    assert "has no trial yet" in refuse("show", "begun", "best")


@pytest.mark.usefixtures("printed")
def test_a_holdout_is_shown_once_it_is_open(home: Path) -> None:
    shutil.copytree(home / "run", home / "open", dirs_exist_ok=True)
    assert " holdout  buy and hold" not in invoke("show", "open").out
    invoke("holdout", "open", "open", "--yes")
    page = invoke("show", "open").out
    assert re.search(r"holdout +buy and hold", page)
    assert "holdout from" in page


# -- a trial


@pytest.mark.usefixtures("printed")
def test_a_trial_is_shown_as_in_the_golden_file() -> None:
    pages = [invoke("show", "run", *each).out for each in (("best",), ("3",), ("--lineage",))]
    golden(GOLDEN / "show_trial.txt", mask_times("\n========\n".join(pages)))


@pytest.mark.usefixtures("printed")
def test_the_document_of_a_trial_has_the_row_of_the_journal(home: Path) -> None:
    rows = read_rows(home / "run" / "journal.sqlite").trials
    child = next(each for each in rows if len(each.parents) == 2)
    found = document("show", "run", str(child.number))
    assert found["hash"] == child.hash
    assert list(found["scores"].values()) == list(child.scores)
    assert list(found["scores"]) == ["appraisal_ratio", "nodes"]
    assert found["folds"] == list(child.folds)
    assert {each["hash"] for each in found["parents"]} == set(child.parents)
    parent = document("show", "run", child.parents[0])
    assert parent["children"] == sum(child.parents[0] in each.parents for each in rows)
    lineage = document("show", "run", str(child.number), "--lineage")
    assert lineage[-1]["trial"]["hash"] == child.hash


@pytest.mark.usefixtures("printed")
def test_a_trial_is_found_by_number_by_hash_and_as_the_best(home: Path) -> None:
    view = read_view(home / "run")
    rows = view.rows.trials
    assert find_trial(view, "7") is rows[6]
    assert find_trial(view, rows[6].hash[:12].upper()) is rows[6]
    assert find_trial(view, "BEST").hash == find_winner(view)
    assert view_trial(view, rows[6]).row is rows[6]
    for text, named in (
        ("0", "1 to 200"),
        ("201", "1 to 200"),
        ("zz", "best"),
        ("", "best"),
        ("-1", "best"),
    ):
        with pytest.raises(EvolveError) as caught:
            find_trial(view, text)
        assert named in caught.value.hint
    letter = next(each for each in "abcdef" if sum(row.hash[0] == each for row in rows) > 1)
    assert f"begins with `{letter}`" in refuse("show", "run", letter)


def test_an_unknown_run_is_refused(tmp_path: Path) -> None:
    assert "no run in" in refuse("show", str(tmp_path))


def test_a_trial_of_a_model_has_its_prompt_and_its_answer(asked: Path) -> None:
    rows: Any = read_rows(asked / "journal.sqlite")
    (proposal,) = [each for each in rows.proposals if each.status == "evaluated"]
    page = invoke("show", str(asked), proposal.hash).out
    assert "by    model tiny, task " in page
    assert "answer of call 1 to a model" in page
    assert "--- system" in page
    assert "--- user" in page
    assert "[bold]x[/bold] \\x1b]0;pwn\\x07" in page
    assert "\x1b" not in page
    assert "below its mean" in page
    found = document("show", str(asked), proposal.hash)
    assert found["call"]["proposal"]["call"] == 1
    assert found["call"]["exchanges"][-1]["text"] == f"{EVIL}\n{ANSWER}"
    assert found["call"]["exchanges"][-1]["messages"][-1]["role"] == "user"
    assert "calls: 1;" in invoke("show", str(asked)).out
    expected = invoke("show", str(asked)).out.split("model ")[1].splitlines()[0]
    (asked / "result.json").unlink()
    assert expected in invoke("show", str(asked)).out


@pytest.mark.usefixtures("printed")
def test_a_trial_without_ancestors_is_one_trial_in_line(home: Path) -> None:
    rows = read_rows(home / "run" / "journal.sqlite").trials
    first = next(each for each in rows if not each.parents)
    page = invoke("show", "run", str(first.number), "--lineage").out
    number = first.number
    assert page.startswith(f"1 trial in line from trial {number} to {number}; 0 other ancestors")
