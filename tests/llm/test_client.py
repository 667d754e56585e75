"""Request formats are detected by probes, cached and downgraded."""

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


def constraint_in(body: dict[str, Any], request_format: str) -> str:
    """Return the constraint of a request in one format; empty if it has none."""
    if request_format == "custom_tool":
        return "".join(each["format"]["definition"] for each in body.get("tools", []))
    if request_format == "response_format":
        return (
            json.dumps(body[request_format]["json_schema"]["schema"])
            if request_format in body
            else ""
        )
    if request_format == "structured_outputs":
        return str(body.get(request_format, {}).get("grammar", ""))
    field = {"llguidance": "grammar", "gbnf": "grammar"}.get(request_format, request_format)
    guided, _, lark = str(body.get(field, "")).partition("%llguidance {}\n")
    return lark if request_format == "llguidance" else guided


def word_of(body: dict[str, Any]) -> str:
    """Return the word of a constraint that allows only one word; empty otherwise."""
    matches = [WORD.search(constraint_in(body, name)) for name in NAMES]
    return next((each.group(1) for each in matches if each), "")


def enforcing(request_format: str, written: str = "", other: Answer | None = None) -> Script:
    """Return a script that enforces one format and ignores other fields.

    It answers the constraint of the run with `written`, by default a strategy. Requests with other
    fields get `other`.
    """
    is_json = request_format == "response_format"
    real = written or (json.dumps({"strategy": GOOD}) if is_json else GOOD)

    def script(body: dict[str, Any]) -> Answer:
        if "input" in body and request_format != "custom_tool":
            return fail(404)
        if not constraint_in(body, request_format):
            return other if other and set(body) - PLAIN else say(CHATTER)
        word = word_of(body)
        text = (json.dumps({"answer": word}) if is_json else word) if word else real
        call = {"type": "custom_tool_call", "input": text}
        return Answer(json.dumps({"output": [call]}).encode()) if "input" in body else say(text)

    return script


def with_client(
    url: str, work: Asked[Result], constraint: str = "auto", name: str = "tiny",
    log: NoticeList | None = None,
) -> Result:  # fmt: skip
    """Return the result of work with a client of a server."""

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


def cache_path() -> Path:
    return Path(os.environ["EVOLVE_HOME"]) / "llm" / "request_formats.json"


def read_cache() -> dict[str, str]:
    known: dict[str, str] = json.loads(cache_path().read_text("utf-8"))
    return known


def formats_of(exchanges: tuple[Exchange, ...]) -> list[tuple[str, str]]:
    return [(each.kind, each.request_format) for each in exchanges]


@pytest.mark.parametrize("name", NAMES[:-1])
def test_the_only_format_that_a_server_enforces_is_detected(name: str) -> None:
    with serving(enforcing(name)) as server:
        exchanges, found = with_client(server.url, ask)
    assert found == name
    tried = [*NAMES[: NAMES.index(name)], name, name]
    assert formats_of(exchanges) == [*(("probe", each) for each in tried), ("propose", name)]
    assert exchanges[-1].text == exchanges[-2].text
    assert GOOD in exchanges[-1].text
    assert len(server.bodies) == len(exchanges)
    assert read_cache() == {f"{server.url} tiny": name}


@pytest.mark.parametrize("other", [None, fail(400), fail(422)])
def test_a_server_that_enforces_nothing_gets_plain_text_requests(other: Answer | None) -> None:
    with serving(enforcing("nothing", other=other)) as server:
        exchanges, found = with_client(server.url, ask)
    assert found == "text"
    assert formats_of(exchanges) == [*(("probe", each) for each in NAMES[:-1]), ("propose", "text")]
    assert (exchanges[-1].text, exchanges[-1].error) == (CHATTER, "")
    assert set(server.bodies[-1]) == PLAIN


@pytest.mark.parametrize("refusal", [fail(400), fail(500, retry_after_ms="5"), say("", finish="")])
def test_gbnf_is_detected_although_the_server_rejects_llguidance(refusal: Answer) -> None:
    with serving(enforcing("gbnf", other=refusal)) as server:
        assert with_client(server.url, ask)[1] == "gbnf"


def test_an_error_with_status_200_excludes_a_format() -> None:
    refusal = Answer(json.dumps({"error": {"message": "unknown field", "code": 400}}).encode())
    with serving(enforcing("response_format", other=refusal)) as server:
        exchanges, found = with_client(server.url, ask)
    assert (found, exchanges[-1].error) == ("response_format", "")


def test_a_format_that_enforces_a_word_but_not_the_language_is_skipped() -> None:
    broken, good = enforcing("structured_outputs", CHATTER), enforcing("ebnf")

    def script(body: dict[str, Any]) -> Answer:
        return broken(body) if "structured_outputs" in body else good(body)

    with serving(script) as server:
        exchanges, found = with_client(server.url, ask)
    assert found == "ebnf"
    assert formats_of(exchanges)[:3] == [("probe", each) for each in [NAMES[0], NAMES[0], NAMES[1]]]


def test_a_format_is_cached_by_model_and_server() -> None:
    with serving(enforcing("ebnf")) as server, serving(enforcing("nothing")) as other:
        with_client(server.url, ask)
        exchanges, found = with_client(server.url, ask)
        assert (formats_of(exchanges), found) == ([("propose", "ebnf")], "ebnf")
        assert len(with_client(server.url, ask, name="small")[0]) == 6
        assert len(with_client(other.url, ask)[0]) == 7
    assert read_cache() == {
        f"{server.url} tiny": "ebnf", f"{server.url} small": "ebnf", f"{other.url} tiny": "text"
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"URL tiny": "xml"}', '{"URL tiny": ["ebnf"]}', "[" * 100_000]
)
def test_a_damaged_cache_is_ignored_and_rewritten(text: str) -> None:
    cache_path().parent.mkdir(parents=True)
    with serving(enforcing("gbnf")) as server:
        cache_path().write_text(text.replace("URL", server.url), "utf-8")
        assert with_client(server.url, ask)[1] == "gbnf"
    assert read_cache() == {f"{server.url} tiny": "gbnf"}


def test_an_answer_is_returned_although_the_cache_is_not_writable() -> None:
    cache_path().parent.write_text("not a folder", "utf-8")
    with serving(enforcing("gbnf")) as server:
        assert with_client(server.url, ask)[0][-1].text == GOOD


def test_a_probe_detects_a_changed_server() -> None:
    async def find(client: Client) -> tuple[tuple[Exchange, ...], str]:
        return await client.probe(REAL), name_of(client)

    with serving(enforcing("response_format")) as server:
        with_client(server.url, ask)
        server.script = enforcing("structured_outputs")
        exchanges, found = with_client(server.url, find)
        assert formats_of(exchanges) == [("probe", "structured_outputs")] * 2
        assert found == "structured_outputs"
        assert read_cache() == {f"{server.url} tiny": "structured_outputs"}
        assert formats_of(with_client(server.url, ask)[0]) == [("propose", "structured_outputs")]


@pytest.mark.parametrize("status", [400, 500])
def test_a_rejected_request_is_repeated_less_strictly(status: int) -> None:
    good, log = enforcing("structured_outputs"), NoticeList()

    def script(body: dict[str, Any]) -> Answer:
        is_refused = "structured_outputs" in body and len(body["messages"]) == 2
        return fail(status, retry_after_ms="5") if is_refused else good(body)

    with serving(script) as server:
        exchanges, found = with_client(server.url, ask, log=log)
    refused = next(each for each in exchanges if each.status == status)
    assert (refused.request_format, refused.text) == ("structured_outputs", "")
    assert f"answered {status}" in refused.error
    assert (exchanges[-1].text, exchanges[-1].request_format, found) == (CHATTER, "text", "text")
    assert log.texts == [f"request format structured_outputs disabled: tiny rejected it ({status})"]
    # A server error may be transient, so that the next run probes again.
    assert (cache_dir() / "llm" / "request_formats.json").exists() == (status == 400)


@pytest.mark.parametrize("status", [401, 429, 503])
def test_an_unrelated_error_does_not_change_the_format(status: int) -> None:
    with serving(enforcing("ebnf")) as server:
        with_client(server.url, ask)
        server.script = lambda _: fail(status, retry_after_ms="5")
        exchanges, found = with_client(server.url, ask)
    assert [(each.kind, each.request_format, each.status) for each in exchanges] == [
        ("propose", "ebnf", status)
    ]
    assert (found, read_cache()) == ("ebnf", {f"{server.url} tiny": "ebnf"})


def test_two_consecutive_unreadable_answers_cause_a_downgrade() -> None:
    log = NoticeList()

    async def work(client: Client) -> None:
        await ask(client)
        for is_readable in (False, True, False):
            client.record_parse_result(is_readable)
        assert (name_of(client), log.texts) == ("ebnf", [])
        client.record_parse_result(False)
        assert name_of(client) == "unknown"
        assert log.texts == [
            "request format ebnf disabled: 2 consecutive answers of tiny are unreadable"
        ]
        exchanges, found = await ask(client)
        assert (formats_of(exchanges)[0], found) == (("probe", "custom_tool"), "text")
        for _ in range(3):
            client.record_parse_result(False)
        assert (name_of(client), len(log.texts)) == ("text", 1)

    with serving(enforcing("ebnf")) as server:
        with_client(server.url, work, log=log)


def test_an_answer_in_flight_does_not_restore_a_disabled_format() -> None:
    async def work(client: Client) -> str:
        late = asyncio.create_task(client.exchange("propose", MESSAGES, REAL))
        await asyncio.sleep(0.2)
        client.record_parse_result(False)
        client.record_parse_result(False)
        assert (await late)[-1].request_format == "ebnf"
        return name_of(client)

    with serving(enforcing("ebnf")) as server:
        with_client(server.url, ask)
        server.script = lambda _: say(GOOD, seconds=0.5)
        assert with_client(server.url, work) != "ebnf"


def test_nothing_is_cached_about_an_unreachable_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    with serving(enforcing("ebnf")) as server:
        url = server.url
    exchanges, found = with_client(url, ask)
    assert formats_of(exchanges) == [("probe", "structured_outputs")]
    assert f"cannot reach {url}: " in exchanges[-1].error
    assert (exchanges[-1].status, exchanges[-1].may_be_billed, found) == (None, False, "unknown")
    assert not cache_path().exists()


@pytest.mark.parametrize(
    ("constraint", "probes"),
    [("text", []), ("grammar", NAMES[:-2])],
)
def test_only_the_configured_strictness_is_probed(constraint: str, probes: list[str]) -> None:
    with serving(enforcing("nothing")) as server:
        exchanges, found = with_client(server.url, ask, constraint)
    assert formats_of(exchanges) == [*(("probe", each) for each in probes), ("propose", "text")]
    assert (found, set(server.bodies[-1])) == ("text", PLAIN)


def test_a_strictness_with_one_format_is_used_without_a_probe() -> None:
    with serving(enforcing("response_format")) as server:
        exchanges, found = with_client(server.url, ask, "json_schema")
    assert (formats_of(exchanges), found) == ([("propose", "response_format")], "response_format")
    with serving(lambda body: fail(400) if "response_format" in body else say(GOOD)) as server:
        exchanges, found = with_client(server.url, ask, "json_schema")
    assert formats_of(exchanges) == [("propose", "response_format"), ("propose", "text")]
    assert (exchanges[-1].text, found) == (GOOD, "text")


@pytest.mark.parametrize(
    ("constraint", "request_format"), [("text", "text"), ("json_schema", SCHEMA.name)]
)
def test_a_less_strict_run_does_not_affect_the_next_run(
    constraint: str, request_format: str
) -> None:
    with serving(enforcing("ebnf")) as server:
        assert with_client(server.url, ask, constraint)[1] == request_format
        assert with_client(server.url, ask)[1] == "ebnf"
        assert with_client(server.url, ask, constraint)[1] == request_format


def test_the_words_of_probes_are_reproducible_and_differ_between_formats() -> None:
    with serving(enforcing("nothing")) as server:
        for _ in range(2):
            with_client(server.url, lambda client: client.probe(REAL))
    words = [word_of(each) for each in server.bodies]
    assert words[:6] == words[6:]
    assert len(set(words) - {""}) == 6


def test_concurrent_exchanges_detect_the_format_once() -> None:
    async def work(client: Client) -> list[tuple[Exchange, ...]]:
        return await asyncio.gather(*(client.exchange("propose", MESSAGES, REAL) for _ in "abc"))

    with serving(enforcing("llguidance")) as server:
        first, *others = with_client(server.url, work)
    assert formats_of(first)[-1] == ("propose", "llguidance")
    assert [formats_of(each) for each in others] == [[("propose", "llguidance")]] * 2
