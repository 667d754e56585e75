"""How strictly a server is asked is found out by what it does, remembered, and given up."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dsl.cache_dir import cache_dir
from evolve.llm.transport.client import Client
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_formats import REQUEST_FORMATS, SCHEMA, Constraint
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from tests.llm.scripted import GOOD, Answer, Script, fail, say, serving

Result = TypeVar("Result")
Asked = Callable[[Client], Awaitable[Result]]
PROBE = "Answer in one line."
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Write one."}]
REAL = Constraint(
    'start: strategy\nstrategy: "strategy" /.+/\n', 'root ::= "strategy" [^\\n]+\n',
    {"type": "object", "properties": {"strategy": {"type": "string"}}}, "a strategy",
)  # fmt: skip
OPENINGS = {"grammar": "strategy", "json_schema": '{"strategy"'}
CHATTER = "Certainly! Here it is."
WORD = re.compile(r'(?:^start: |^root ::= |"enum": \[)"([a-z]{12})"')
PLAIN = {"model", "messages", "max_tokens", "temperature"}
NAMES = [each.name for each in REQUEST_FORMATS]

pytestmark = pytest.mark.usefixtures("own_home")


def held_to(body: dict[str, Any], shape: str) -> str:
    """What a server that knows one shape alone is told by a request; empty if nothing."""
    if shape == "custom_tool":
        return "".join(each["format"]["definition"] for each in body.get("tools", []))
    if shape == "response_format":
        return json.dumps(body[shape]["json_schema"]["schema"]) if shape in body else ""
    if shape == "structured_outputs":
        return str(body.get(shape, {}).get("grammar", ""))
    field = {"llguidance": "grammar", "gbnf": "grammar"}.get(shape, shape)
    guided, _, lark = str(body.get(field, "")).partition("%llguidance {}\n")
    return lark if shape == "llguidance" else guided


def word_of(body: dict[str, Any]) -> str:
    """The one word that a request allows; empty if it allows more."""
    found = [WORD.search(held_to(body, name)) for name in NAMES]
    return next((each.group(1) for each in found if each), "")


def knowing(shape: str, written: str = "", otherwise: Answer | None = None) -> Script:
    """A server that keeps to one shape, and ignores other fields, or answers them otherwise.

    It writes a strategy when it is held to the real constraint, or what is given.
    """
    is_json = shape == "response_format"
    real = written or (json.dumps({"strategy": GOOD}) if is_json else GOOD)

    def script(body: dict[str, Any]) -> Answer:
        if "input" in body and shape != "custom_tool":
            return fail(404)
        if not held_to(body, shape):
            return otherwise if otherwise and set(body) - PLAIN else say(CHATTER)
        word = word_of(body)
        text = (json.dumps({"answer": word}) if is_json else word) if word else real
        call = {"type": "custom_tool_call", "input": text}
        return Answer(json.dumps({"output": [call]}).encode()) if "input" in body else say(text)

    return script


def with_client(
    url: str, work: Asked[Result], constraint: str = "auto", name: str = "tiny",
    log: NoticeList | None = None,
) -> Result:  # fmt: skip
    """Do something with a client of a server."""

    async def run() -> Result:
        server = Server(Model(name, url), None, 3.0)
        try:
            return await work(Client(server, constraint, PROBE, OPENINGS, log or NoticeList()))
        finally:
            await server.close()

    return asyncio.run(run())


def name_of(client: Client) -> str:
    return client.request_format.name if client.request_format else "unknown"


async def ask(client: Client) -> tuple[tuple[Exchange, ...], str]:
    return await client.exchange("propose", MESSAGES, REAL), name_of(client)


def memory() -> Path:
    return Path(os.environ["EVOLVE_HOME"]) / "llm" / "shapes.json"


def remembered() -> dict[str, str]:
    known: dict[str, str] = json.loads(memory().read_text("utf-8"))
    return known


def shapes(made: tuple[Exchange, ...]) -> list[tuple[str, str]]:
    return [(each.kind, each.request_format) for each in made]


@pytest.mark.parametrize("name", NAMES[:-1])
def test_the_one_shape_that_a_server_keeps_to_is_found(name: str) -> None:
    with serving(knowing(name)) as server:
        made, found = with_client(server.url, ask)
    assert found == name
    tried = [*NAMES[: NAMES.index(name)], name, name]
    assert shapes(made) == [*(("probe", each) for each in tried), ("propose", name)]
    assert made[-1].text == made[-2].text
    assert GOOD in made[-1].text
    assert len(server.bodies) == len(made)
    assert remembered() == {f"{server.url} tiny": name}


@pytest.mark.parametrize("otherwise", [None, fail(400), fail(422)])
def test_a_server_that_keeps_to_nothing_is_asked_for_text(otherwise: Answer | None) -> None:
    with serving(knowing("nothing", otherwise=otherwise)) as server:
        made, found = with_client(server.url, ask)
    assert found == "text"
    assert shapes(made) == [*(("probe", each) for each in NAMES[:-1]), ("propose", "text")]
    assert (made[-1].text, made[-1].error) == (CHATTER, "")
    assert set(server.bodies[-1]) == PLAIN


@pytest.mark.parametrize("refusal", [fail(400), fail(500, retry_after_ms="5"), say("", finish="")])
def test_a_server_that_takes_gbnf_alone_is_not_lost_to_llguidance(refusal: Answer) -> None:
    with serving(knowing("gbnf", otherwise=refusal)) as server:
        assert with_client(server.url, ask)[1] == "gbnf"


def test_a_field_that_is_refused_with_a_200_is_asked_for_no_more() -> None:
    refusal = Answer(json.dumps({"error": {"message": "unknown field", "code": 400}}).encode())
    with serving(knowing("response_format", otherwise=refusal)) as server:
        made, found = with_client(server.url, ask)
    assert (found, made[-1].error) == ("response_format", "")


def test_a_shape_that_keeps_to_a_word_but_not_to_the_language_is_passed_over() -> None:
    broken, good = knowing("structured_outputs", CHATTER), knowing("ebnf")

    def script(body: dict[str, Any]) -> Answer:
        return broken(body) if "structured_outputs" in body else good(body)

    with serving(script) as server:
        made, found = with_client(server.url, ask)
    assert found == "ebnf"
    assert shapes(made)[:3] == [("probe", each) for each in [NAMES[0], NAMES[0], NAMES[1]]]


def test_what_was_found_is_remembered_for_each_model_of_each_server() -> None:
    with serving(knowing("ebnf")) as server, serving(knowing("nothing")) as other:
        with_client(server.url, ask)
        made, found = with_client(server.url, ask)
        assert (shapes(made), found) == ([("propose", "ebnf")], "ebnf")
        assert len(with_client(server.url, ask, name="small")[0]) == 6
        assert len(with_client(other.url, ask)[0]) == 7
    assert remembered() == {
        f"{server.url} tiny": "ebnf", f"{server.url} small": "ebnf", f"{other.url} tiny": "text"
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"URL tiny": "xml"}', '{"URL tiny": ["ebnf"]}', "[" * 100_000]
)
def test_a_damaged_memory_is_ignored_and_mended(text: str) -> None:
    memory().parent.mkdir(parents=True)
    with serving(knowing("gbnf")) as server:
        memory().write_text(text.replace("URL", server.url), "utf-8")
        assert with_client(server.url, ask)[1] == "gbnf"
    assert remembered() == {f"{server.url} tiny": "gbnf"}


def test_an_answer_is_not_lost_because_nothing_can_be_remembered() -> None:
    memory().parent.write_text("not a folder", "utf-8")
    with serving(knowing("gbnf")) as server:
        assert with_client(server.url, ask)[0][-1].text == GOOD


def test_a_server_that_has_changed_is_found_out_anew() -> None:
    async def find(client: Client) -> tuple[tuple[Exchange, ...], str]:
        return await client.probe(REAL), name_of(client)

    with serving(knowing("response_format")) as server:
        with_client(server.url, ask)
        server.script = knowing("structured_outputs")
        made, found = with_client(server.url, find)
        assert shapes(made) == [("probe", "structured_outputs")] * 2
        assert found == "structured_outputs"
        assert remembered() == {f"{server.url} tiny": "structured_outputs"}
        assert shapes(with_client(server.url, ask)[0]) == [("propose", "structured_outputs")]


@pytest.mark.parametrize("status", [400, 500])
def test_a_request_that_is_refused_is_asked_again_less_strictly(status: int) -> None:
    good, log = knowing("structured_outputs"), NoticeList()

    def script(body: dict[str, Any]) -> Answer:
        is_refused = "structured_outputs" in body and len(body["messages"]) == 2
        return fail(status, retry_after_ms="5") if is_refused else good(body)

    with serving(script) as server:
        made, found = with_client(server.url, ask, log=log)
    refused = next(each for each in made if each.status == status)
    assert (refused.request_format, refused.text) == ("structured_outputs", "")
    assert f"answered {status}" in refused.error
    assert (made[-1].text, made[-1].request_format, found) == (CHATTER, "text", "text")
    assert log.texts == [f"structured_outputs is given up: tiny refused it ({status})"]
    # A fault of the server may pass: it is not held against the next run.
    assert (cache_dir() / "llm" / "shapes.json").exists() == (status == 400)


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_failure_that_is_not_about_the_constraint_changes_nothing(status: int) -> None:
    with serving(knowing("ebnf")) as server:
        with_client(server.url, ask)
        server.script = lambda _: fail(status, retry_after_ms="5")
        made, found = with_client(server.url, ask)
    assert [(each.kind, each.request_format, each.status) for each in made] == [
        ("propose", "ebnf", status)
    ]
    assert (found, remembered()) == ("ebnf", {f"{server.url} tiny": "ebnf"})


def test_two_answers_in_a_row_that_cannot_be_read_make_the_client_ask_less() -> None:
    log = NoticeList()

    async def work(client: Client) -> None:
        await ask(client)
        for is_readable in (False, True, False):
            client.record_parse_result(is_readable)
        assert (name_of(client), log.texts) == ("ebnf", [])
        client.record_parse_result(False)
        assert name_of(client) == "unknown"
        assert log.texts == ["ebnf is given up: 2 answers of tiny in a row could not be read"]
        made, found = await ask(client)
        assert (shapes(made)[0], found) == (("probe", "custom_tool"), "text")
        for _ in range(3):
            client.record_parse_result(False)
        assert (name_of(client), len(log.texts)) == ("text", 1)

    with serving(knowing("ebnf")) as server:
        with_client(server.url, work, log=log)


def test_an_answer_that_was_under_way_does_not_bring_back_what_is_given_up() -> None:
    async def work(client: Client) -> str:
        late = asyncio.create_task(client.exchange("propose", MESSAGES, REAL))
        await asyncio.sleep(0.2)
        client.record_parse_result(False)
        client.record_parse_result(False)
        assert (await late)[-1].request_format == "ebnf"
        return name_of(client)

    with serving(knowing("ebnf")) as server:
        with_client(server.url, ask)
        server.script = lambda _: say(GOOD, seconds=0.5)
        assert with_client(server.url, work) != "ebnf"


def test_of_a_server_that_is_not_running_nothing_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    with serving(knowing("ebnf")) as server:
        url = server.url
    made, found = with_client(url, ask)
    assert shapes(made) == [("probe", "structured_outputs")]
    assert f"{url} cannot be reached" in made[-1].error
    assert (made[-1].status, made[-1].may_be_billed, found) == (None, False, "unknown")
    assert not memory().exists()


@pytest.mark.parametrize(
    ("constraint", "probes"),
    [("text", []), ("grammar", NAMES[:-2])],
)
def test_no_more_is_tried_than_the_experiment_says(constraint: str, probes: list[str]) -> None:
    with serving(knowing("nothing")) as server:
        made, found = with_client(server.url, ask, constraint)
    assert shapes(made) == [*(("probe", each) for each in probes), ("propose", "text")]
    assert (found, set(server.bodies[-1])) == ("text", PLAIN)


def test_a_level_of_one_shape_is_taken_at_its_word_until_it_fails() -> None:
    with serving(knowing("response_format")) as server:
        made, found = with_client(server.url, ask, "json_schema")
    assert (shapes(made), found) == ([("propose", "response_format")], "response_format")
    with serving(lambda body: fail(400) if "response_format" in body else say(GOOD)) as server:
        made, found = with_client(server.url, ask, "json_schema")
    assert shapes(made) == [("propose", "response_format"), ("propose", "text")]
    assert (made[-1].text, found) == (GOOD, "text")


@pytest.mark.parametrize(("constraint", "shape"), [("text", "text"), ("json_schema", SCHEMA.name)])
def test_less_strictness_of_one_run_does_not_bind_another(constraint: str, shape: str) -> None:
    with serving(knowing("ebnf")) as server:
        assert with_client(server.url, ask, constraint)[1] == shape
        assert with_client(server.url, ask)[1] == "ebnf"
        assert with_client(server.url, ask, constraint)[1] == shape


def test_the_words_of_probes_are_the_same_each_time_but_differ_between_shapes() -> None:
    with serving(knowing("nothing")) as server:
        for _ in range(2):
            with_client(server.url, lambda client: client.probe(REAL))
    words = [word_of(each) for each in server.bodies]
    assert words[:6] == words[6:]
    assert len(set(words) - {""}) == 6


def test_exchanges_that_begin_together_find_out_once() -> None:
    async def work(client: Client) -> list[tuple[Exchange, ...]]:
        return await asyncio.gather(*(client.exchange("propose", MESSAGES, REAL) for _ in "abc"))

    with serving(knowing("llguidance")) as server:
        first, *others = with_client(server.url, work)
    assert shapes(first)[-1] == ("propose", "llguidance")
    assert [shapes(each) for each in others] == [[("propose", "llguidance")]] * 2
