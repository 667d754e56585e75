"""Commands that call a model, against a scripted server: prompt, ask, doctor, harden."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import pytest

from dsl.analysis.check import check_file
from dsl.generate.productions import build_productions
from evolve.data import load
from evolve.experiment.finished_run import read_run
from evolve.experiment.models import LIST_SECONDS
from evolve.experiment.plan import build_grammar, read_plan
from evolve.experiment.run import run
from evolve.fitness.fitness import FoldFitness
from evolve.llm.model_set import LlmSettings
from evolve.llm.prompt.templates import list_tasks
from evolve.llm.transport.model import Model
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from evolve.store import RunFolder
from evolve.store.calls import read_recording
from evolve.store.journal import read_event
from tests.command_line import QUICK, Output, invoke
from tests.llm.scripted import (
    GOOD,
    Answer,
    Script,
    Scripted,
    fail,
    in_turn,
    keeping_to,
    say,
    serving,
)
from tests.params import thin_out
from tests.samples import with_other_future

Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.usefixtures("own_home")
SMALL = [
    "data.from=sample:sp500", "budget.evaluations=120", "search.population=20",
    "language.operators=[sma, rsi, roc]", "validate.null_runs=0",
]  # fmt: skip
SETS = [part for setting in SMALL for part in ("--set", setting)]
FENCED = f"Here you are:\n\n```evo\n{GOOD}\n```\nIt buys dips."
INVALID = "strategy invalid { buy when smaa(close, 3) > close }"
STRICTER = "fitness: {folds: 6}\nbacktest: {slippage_bps: 8}\nlanguage: {max_nodes: 16}"
LOOSER = "fitness: {folds: 3}"
REJECTED = {
    LOOSER: "the patch loosens the protocol:\n  `fitness.folds` may only go up",
    "fitness: {require: {trades_per_fold: 900}}": "no starting strategy would be feasible",
    "": "expected a mapping of settings",
}
NO_HOME = f"{__file__}/home"
CHECKED = ["versions", "folder", "kernels", "sample", "model"]
Hardened = tuple[str, Path, list[list[dict[str, str]]]]  # output, run folder, prompts
cached_productions, cached_grammar = cache(build_productions), cache(build_grammar)


evolve = partial(invoke, status=None)


def answer_with(*texts: str) -> Script:
    """Return a script of answers by a server that supports grammars."""
    model = keeping_to("grammar", in_turn([say(each) for each in texts]))
    return lambda body: model(body) if "messages" in body else fail(404)


def fenced(patch: str) -> str:
    return f"Stricter:\n```yaml\n{patch}\n```"


def answer_with_patches(*patches: str) -> Script:
    return in_turn([say(fenced(each)) for each in patches])


@contextmanager
def model_server(script: Script) -> Iterator[Scripted]:
    """Serve a script, as the model of the environment."""
    with serving(script) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        yield server


@pytest.fixture(scope="module", autouse=True)
def _without_retries_on_a_wide_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        patch.setenv("COLUMNS", "200")
        patch.setattr("evolve.llm.transport.server.RETRIES", 0)
        patch.setattr(
            "evolve.search.space.build_productions", lambda each: cached_productions(tuple(each))
        )
        patch.setattr("evolve.assist.ask.build_grammar", cached_grammar)
        patch.setattr("evolve.assist.doctor.build_grammar", cached_grammar)
        yield


def test_prompt_prints_the_messages_without_a_connection(monkeypatch: Patch) -> None:
    monkeypatch.setattr("socket.socket.connect", None)
    done = evolve("prompt", QUICK, *SETS)
    head, system, user = re.split(r"^--- (?:system|user)\n", done.out, flags=re.MULTILINE)
    assert (done.status, head) == (0, "")
    assert system.startswith("You improve trading strategies.")
    assert user.startswith("Market: one instrument, 3019 training bars")
    assert done.err.startswith(f"{len(system) + len(user) - 2:,} characters, about ")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    messages = json.loads(evolve("prompt", QUICK, *SETS, "--json").out)
    assert [each["role"] for each in messages] == ["system", "user"]
    assert [f"{each['content']}\n" for each in messages] == [system, user]


def test_prompt_has_the_task_and_lists_the_known_tasks() -> None:
    def prompt(task: str) -> Output:
        return evolve("prompt", QUICK, *SETS, "--task", task)

    last = [prompt(each).out.splitlines()[-1] for each in ("simplify", "tune", "different")]
    assert last[0].startswith("Task: Simplify p1")
    assert len(set(last)) == 3
    names = ", ".join(list_tasks())
    message = f"error: unknown task `simpler`\n  = expected one of: {names}\n"
    assert prompt("simpler") == (1, "", message)


def test_prompt_prints_exactly_the_first_prompt_of_a_run(tmp_path: Path) -> None:
    more = ["llm.constraint=text", "budget.llm_calls=1"]
    with model_server(in_turn([say(GOOD)])) as server:
        run(QUICK, [*SMALL, *more], out=tmp_path / "run")
        done = evolve("prompt", QUICK, *SETS, "--set", more[0], "--set", more[1], "--json")
    assert [json.loads(done.out)] == [each["messages"] for each in server.bodies]


@pytest.mark.parametrize("answer", [GOOD, FENCED, f"<think>{INVALID}</think>{GOOD}"])
def test_ask_prints_the_strategy_backtests_it_and_writes_it(answer: str, tmp_path: Path) -> None:
    with model_server(answer_with(answer)) as server:
        done = evolve("ask", "buy the dips", "-o", str(tmp_path / "dips.evo"))
    text = (tmp_path / "dips.evo").read_text("utf-8")
    assert done.status == 0
    assert [each.name for each in check_file(text)] == ["good"]
    assert done.out.startswith(f"{text}\non sample:sp500, 1999-01-04 to 2018-12-31\n")
    assert re.search(r"good +buy and hold\n[^¦]+num trades +341 +1\n", done.out)
    assert done.err.endswith(f"written to {tmp_path / 'dips.evo'}\n")
    assert server.bodies[-1]["messages"][-1]["content"].endswith("as requested: buy the dips")


def test_ask_returns_an_invalid_answer_once_with_its_errors() -> None:
    with model_server(answer_with(INVALID, GOOD)) as server:
        done = evolve("ask", "buy the dips", "--end", "2005-12-31")
    assert (done.status, done.out[:15]) == (0, "strategy good {")
    *_, answer, again = server.bodies[-1]["messages"]
    assert answer == {"role": "assistant", "content": INVALID}
    assert "unknown operator `smaa`" in again["content"]
    with model_server(answer_with("I would rather not.", INVALID)) as server:
        done = evolve("ask", "buy the dips")
    assert (done.status, done.out) == (1, "")
    assert "error: the model wrote no valid strategy\nerror[E202]: unknown" in done.err
    assert done.err.endswith("  = rephrase the request, or use a larger model\n")
    assert [len(each["messages"]) for each in server.bodies][-2:] == [2, 4]


def test_ask_reports_a_context_that_is_too_small() -> None:
    with model_server(answer_with(GOOD)) as server:
        server.documents["/props"] = {"default_generation_settings": {"n_ctx": 700}}
        done = evolve("ask", "buy the dips")
    assert (done.status, done.out, server.bodies) == (1, "", [])
    assert "error: the context of tiny is too small: 700 tokens leave 484 for a prompt" in done.err
    assert "  = raise `-c` on the server, lower `max_tokens` of the model" in done.err


def test_ask_requires_a_request_a_model_and_a_new_file(tmp_path: Path) -> None:
    existing = tmp_path / "existing.evo"
    existing.write_text("mine")
    assert "error: no model is configured\n  = set OPENAI_BASE_URL" in evolve("ask", "x").err
    with model_server(answer_with(GOOD)) as server:
        assert evolve("ask", " \n").err.startswith("error: the request is empty\n  = for example: ")
        message = f"error: {existing} already exists\n  = choose another name\n"
        assert evolve("ask", "buy", "-o", str(existing)) == (1, "", message)
    assert (existing.read_text(), server.bodies) == ("mine", [])


@pytest.mark.slow
def test_every_command_reports_a_server_that_is_down(finished: Path) -> None:
    with model_server(answer_with(GOOD)) as server:
        server.close()
        done = [evolve("ask", "buy"), evolve("harden", str(finished), "--yes"), evolve("doctor")]
    outputs = [each.out + each.err for each in done]
    assert all(f"cannot reach {server.url}: " in each for each in outputs)
    assert all(each.endswith("that OPENAI_BASE_URL is its address\n") for each in outputs)
    assert [each.status for each in done] == [1, 1, 1]
    assert [mark for mark, _ in parse_lines(done[2]).values()] == ["ok", "ok", "ok", "ok", "!!"]


def parse_lines(done: Output) -> dict[str, tuple[str, str]]:
    found = re.findall(r"^(ok|!!)  (\w+) +(\S.*)$", done.out, re.MULTILINE)
    return {name: (mark, text) for mark, name, text in found}


def test_doctor_accepts_no_model_but_requires_a_cache_folder(monkeypatch: Patch) -> None:
    done = evolve("doctor")
    assert (done.status, list(parse_lines(done))) == (0, CHECKED)
    assert parse_lines(done)["sample"] == ("ok", "sample:sp500: 5,031 bars")
    assert parse_lines(done)["model"][1].startswith(
        "none: set OPENAI_BASE_URL or OPENAI_API_KEY to"
    )
    monkeypatch.setenv("EVOLVE_HOME", NO_HOME)
    done = evolve("doctor")
    message = f"{NO_HOME}: Not a directory; set EVOLVE_HOME to a writable folder"
    assert (done.status, parse_lines(done)["folder"]) == (1, ("!!", message))


def test_a_model_answers_without_a_writable_cache(monkeypatch: Patch) -> None:
    monkeypatch.setenv("EVOLVE_HOME", NO_HOME)
    with model_server(answer_with(GOOD)):
        assert evolve("ask", "buy the dips").out.startswith("strategy good {")
        assert "answer" in parse_lines(evolve("doctor"))


def test_doctor_accepts_a_model_that_reads_the_whole_prompt() -> None:
    model = keeping_to("grammar", in_turn([say(GOOD, tokens=(4000, 20))]))
    with model_server(lambda body: model(body) if "messages" in body else fail(404)):
        done = evolve("doctor")
    assert (done.status, list(parse_lines(done))[-1]) == (0, "answer")


def test_doctor_accepts_a_small_model_that_repeats_no_word_of_a_prompt_that_is_read() -> None:
    def answer(body: dict[str, object]) -> Answer:
        return say(GOOD, tokens=(len(str(body["messages"])) // 3, 20))

    model = keeping_to("grammar", answer)
    with model_server(lambda body: model(body) if "messages" in body else fail(404)):
        mark, text = parse_lines(evolve("doctor"))["reading"]
    assert (mark, bool(re.match(r"it counted 2,\d{3} tokens of a prompt", text))) == ("ok", True)


def test_doctor_checks_a_model_and_reports_a_truncated_prompt() -> None:
    with model_server(answer_with(GOOD)) as server:
        done = evolve("doctor")
    lines = parse_lines(done)
    checks = [*CHECKED, "constraint", "speed", "context", "prompt", "reading", "answer"]
    assert (done.status, list(lines)) == (1, checks)
    assert {mark for name, (mark, _) in lines.items() if name != "reading"} == {"ok"}
    message = r"it read 100 of about [\d,]{5} tokens of a prompt: raise .* `OLLAMA_CONTEXT_LENGTH`"
    assert re.match(message, lines["reading"][1])
    assert lines["context"][1].startswith("unknown; prompts have at most 3,000 tokens")
    assert re.match(r"about [\d,]+ tokens: [\d,]+ for the compact guide", lines["prompt"][1])
    assert lines["model"][1] == f"tiny at {server.url}"
    assert lines["constraint"][1].startswith("grammar (llguidance: llama.cpp built with llguidan")
    assert re.fullmatch(r"[\d,]+ tokens per second over 20 tokens", lines["speed"][1])
    assert re.fullmatch(r"a strategy; 100 tokens in, 20 out in \d\.\d s", lines["answer"][1])


def repeating(shown_characters: int, is_counted: bool = True) -> Script:
    """Return a server that reads the end of a prompt and repeats the code word if it is there."""

    def script(body: dict[str, object]) -> Answer:
        messages = body["messages"]
        assert isinstance(messages, list)
        sent = "".join(each["content"] for each in messages)
        read = sent[-shown_characters:]
        word = re.search(r"The code word is (\w+)\.", read)
        tokens = (len(read) // 3, 20) if is_counted else None
        return say(word.group(1) if word else GOOD, tokens=tokens)

    model = keeping_to("grammar", script)
    return lambda body: model(body) if "messages" in body else fail(404)


@pytest.mark.parametrize(
    ("shown", "is_counted", "reading"),
    thin_out(
        [
            (100_000, True, ("ok", r"it read about 2,[\d]{3} tokens from the first word on")),
            (100_000, False, ("ok", r"it read about 2,[\d]{3} tokens from the first word on")),
            (
                6144,
                True,
                ("!!", r"it read 2,048 of about 2,\d{3} tokens .*`context_tokens` to 2,048$"),
            ),
            (3000, True, ("!!", r"it read 1,000 of about 2,\d{3} tokens of a prompt: raise `-c`")),
            (
                3000,
                False,
                ("!!", r"it did not repeat the first word of about 2,\d{3} tokens: raise"),
            ),
        ],
        2,
    ),
)
def test_doctor_finds_a_server_that_truncates_silently(
    shown: int, is_counted: bool, reading: tuple[str, str]
) -> None:
    with model_server(repeating(shown, is_counted)) as server:
        server.documents["/props"] = {"default_generation_settings": {"n_ctx": 4096}}
        lines = parse_lines(evolve("doctor"))
    assert lines["context"] == (
        "ok",
        "4,096 tokens, from llama.cpp (/props): at most 3,000 for a prompt and 996 for an answer",
    )
    assert lines["reading"][0] == reading[0]
    assert re.match(reading[1], lines["reading"][1])


def test_doctor_reports_a_context_that_is_too_small_and_what_is_left_out() -> None:
    for context, mark, text in (
        (1024, "!!", "the context of tiny is too small: 1,024 tokens leave 754 for a prompt"),
        (2048, "ok", r"about 1,\d{3} tokens: [\d,]+ for the \w+ guide .*; left out: examples \("),
    ):
        with model_server(repeating(100_000)) as server:
            server.documents["/props"] = {"default_generation_settings": {"n_ctx": context}}
            lines = parse_lines(evolve("doctor"))
        assert lines["prompt"][0] == mark
        assert re.match(text, lines["prompt"][1])


@pytest.mark.slow
def test_doctor_keeps_to_the_timeout_of_the_experiment(monkeypatch: Patch) -> None:
    seconds: list[float] = []
    start = Server.__init__

    def record(self: Server, model: Model, key: str | None, timeout_seconds: float) -> None:
        seconds.append(timeout_seconds)
        start(self, model, key, timeout_seconds)

    monkeypatch.setattr(Server, "__init__", record)
    monkeypatch.setattr("evolve.assist.doctor.build_grammar", build_grammar)
    with model_server(answer_with(GOOD)):
        evolve("doctor", QUICK, *SETS, "--set", "llm.timeout_seconds=77")
        evolve("doctor")
    assert set(seconds) == {LIST_SECONDS, 77.0, LlmSettings.timeout_seconds}


def test_prompt_fits_the_context_and_reports_what_it_leaves_out() -> None:
    done = evolve("prompt", QUICK, "--set", "data.from=sample:sp500", "--context-tokens", "2048")
    assert done.status == 0
    assert re.search(r", about 1,\d{3} of at most 1,607 tokens\nleft out: examples \(", done.err)
    done = evolve("prompt", QUICK, "--set", "data.from=sample:sp500", "--context-tokens", "600")
    assert done.status == 1
    assert "the context of model is too small: 600 tokens leave 400 for a prompt" in done.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(QUICK, SMALL, out=tmp_path_factory.mktemp("runs") / "quick").folder


@pytest.fixture(scope="module")
def hard(finished: Path) -> Hardened:
    folder = finished.with_name("hard")
    with model_server(answer_with_patches(LOOSER, STRICTER)) as server:
        done = evolve("harden", str(finished), "--yes", "--out", str(folder))
    assert done.status == 0, done.err
    return done.out, folder, [each["messages"] for each in server.bodies]


def test_harden_writes_a_new_run_and_its_conversation(finished: Path, hard: Hardened) -> None:
    shown, folder, (first, second) = hard
    changes = (
        "fitness.folds: 5 → 6",
        "backtest.slippage_bps: 5.0 → 8",
        "language.max_nodes: 30 → 16",
    )
    assert shown.startswith("\n  ".join(["the model proposes:", *changes]) + "\n")
    assert json.loads((folder / "result.json").read_text("utf-8"))["name"] == "quick-hardened"
    event = read_event(folder / "journal.sqlite", "hardened")
    assert (event["run"], event["patch"], event["trials_before"]) == (str(finished), STRICTER, 120)
    assert event["changes"][0] == {"setting": "fitness.folds", "old": 5, "new": 6}
    (call,) = read_recording(folder / "journal.sqlite").values()
    assert [each.text for each in call.exchanges] == [fenced(LOOSER), fenced(STRICTER)]
    assert second[:-1] == [*first, {"role": "assistant", "content": fenced(LOOSER)}]
    why = "the patch loosens the protocol:\n>   `fitness.folds` may only go up: it is 5, found 3"
    assert second[-1]["content"].startswith(f"The patch was rejected:\n\n> {why}\n")


def test_harden_scores_valid_trials_again_and_counts_both(finished: Path, hard: Hardened) -> None:
    before, after = read_run(finished), read_run(hard[1])
    survivors = [each.program for each in before.trials if each.program.nodes <= 16]
    assert 20 < len(survivors) < 120
    assert [each.program.hash for each in after.trials] == [each.hash for each in survivors]
    settings, bars = after.plan.experiment, load("sample:sp500").bars.slice(0, 3019)
    scores = FoldFitness(bars, settings.backtest.market(), settings.fitness.goals())(survivors)
    results = [(each.scores, each.infeasible_reason) for each in after.trials]
    assert results == [(each.values, each.infeasible_reason) for each in scores]
    assert re.search(rf"trials +120 +{120 + len(survivors)}\n", hard[0])


def test_harden_suggests_no_unknown_option(hard: Hardened) -> None:
    assert not re.search("evolve harden .*--set", hard[0])


@pytest.mark.parametrize("patch", REJECTED)
def test_harden_gives_up_after_two_rejected_patches(
    patch: str, finished: Path, tmp_path: Path
) -> None:
    with model_server(answer_with_patches(patch)) as server:
        done = evolve("harden", str(finished), "--yes", "--out", str(tmp_path / "new"))
    assert f"error: invalid patch from the model: {REJECTED[patch]}" in done.err
    assert (done.status, len(server.bodies), (tmp_path / "new").exists()) == (1, 2, False)


def test_harden_changes_nothing_without_confirmation(finished: Path, monkeypatch: Patch) -> None:
    def files() -> dict[Path, bytes]:
        return {each: each.read_bytes() for each in finished.parent.rglob("*.*")}

    before = files()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with model_server(answer_with_patches(STRICTER)):
        done = evolve("harden", str(finished), "--out", str(finished.with_name("new")))
    assert (done.status, files(), done.out[-16:]) == (0, before, "nothing changed\n")


def copy_run(finished: Path, copy: Path, *changes: tuple[str, str]) -> Path:
    shutil.copytree(finished, copy)
    text = (copy / "experiment.yaml").read_text("utf-8")
    for old, new in changes:
        text = text.replace(old, new)
    (copy / "experiment.yaml").write_text(text, "utf-8")
    return copy


def test_harden_rejects_a_folder_without_a_run_and_a_run_scored_on_validation(
    finished: Path, tmp_path: Path
) -> None:
    alone = ("mode: mix", "mode: only"), ("scored_on: train", "scored_on: validation")
    copy = copy_run(finished, tmp_path / "seen", *alone)
    assert "error: no model configured\n" in evolve("harden", str(finished)).err
    empty = tmp_path / "empty"
    empty.mkdir()
    with model_server(answer_with_patches(STRICTER)) as server:
        nothing, seen = evolve("harden", str(empty)), evolve("harden", str(copy), "--yes")
    assert (nothing.status, seen.status, server.bodies) == (1, 1, [])
    assert f"error: no finished run in {empty}\n" in nothing.err
    assert f"error: cannot harden {copy}: it was scored on validation" in seen.err


def test_harden_sends_no_result_on_validation(
    finished: Path, hard: Hardened, tmp_path: Path
) -> None:
    copy = copy_run(finished, tmp_path / "other")
    RunFolder(copy).write_bars(with_other_future(load("sample:sp500").bars, 3019, 3))
    result = json.loads((copy / "result.json").read_text("utf-8"))
    for window in ("metrics", "benchmark"):
        result["best"][window]["validation"] = dict.fromkeys(result["best"][window]["train"], 9.87)
    plan = read_plan(copy / "experiment.yaml", [f"data.from=parquet:{copy / 'bars.parquet'}"])
    result["data"]["hash"] = plan.load(NoticeList()).dataset.bars.hash
    RunFolder(copy).write_result(result)
    with model_server(answer_with_patches(LOOSER)) as server:
        assert evolve("harden", str(copy), "--yes").status == 1
    assert server.bodies[0]["messages"] == hard[2][0]
    assert not re.search(r"\b(19|20)\d\d\b|\d-\d\d|sp500|parquet", hard[2][0][0]["content"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run #1", "run"])
def test_harden_accepts_folder_names_with_spaces_and_user_defined_tasks(
    name: str, finished: Path, tmp_path: Path
) -> None:
    (tmp_path / "prompts" / "tasks").mkdir(parents=True)
    (tmp_path / "prompts" / "tasks" / "calm.md").write_text("Trade less.")
    change = ("  tasks: all\n", f"  tasks: [calm]\n  prompts: {tmp_path / 'prompts'}\n")
    copy = copy_run(finished, tmp_path / name, *[change] * (name == "run"))
    with model_server(answer_with_patches(STRICTER)):
        done = evolve("harden", str(copy), "--yes", "--out", str(tmp_path / "new"))
    assert (done.status, done.out.count("proposes:")) == (0, 1), done.err
