"""Requests in each format, byte for byte as in the golden file."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.llm.transport.client import Client
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_formats import (
    NOT_THINKING,
    REQUEST_FORMATS,
    SCHEMA,
    TEXT,
    Constraint,
    RequestFormat,
    formats_for,
)
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from tests.llm.scripted import Answer, say, serving

GOLDEN = Path(__file__).parent / "golden" / "requests.txt"
MESSAGES = [
    {"role": "system", "content": "You write strategies."},
    {"role": "user", "content": "Write one.\nIn one line."},
]
CONSTRAINT = Constraint(
    lark='start: side\nside: "buy" | "sell"\n',
    gbnf='root ::= side\nside ::= "buy" | "sell"\n',
    schema={"type": "object", "properties": {"side": {"enum": ["buy", "sell"]}}},
    about="A side of the market.",
    notes={"json_schema": "a note is added by the client, not here"},
)
FULL = {"reasoning_effort": "low", "extra_body": {"seed": 7}, "temperature": None}
TOOL_CALL = {"output": [{"type": "custom_tool_call", "name": "strategy", "input": "buy"}]}
NAMED = {each.name: each for each in REQUEST_FORMATS}


def answer(body: dict[str, Any]) -> Answer:
    """Return an answer of the API of the request."""
    return Answer(json.dumps(TOOL_CALL).encode()) if "input" in body else say("buy")


def sent(
    request_format: RequestFormat, constraint: Constraint | None, **of_model: Any
) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of a request, as the server received them."""

    async def ask(url: str) -> str:
        server = Server(Model("org/tiny", url, **of_model), "sk-key", 5.0)
        try:
            return (await server.ask(MESSAGES, request_format, constraint, 64)).text
        finally:
            await server.close()

    with serving(answer) as server:
        assert asyncio.run(ask(server.url)) == "buy"
    ((path, body),) = zip(server.paths, server.bodies, strict=True)
    return path, body


def render(title: str, path: str, body: dict[str, Any]) -> str:
    return f"=== {title}\nPOST {path}\n{json.dumps(body, indent=2)}\n"


def test_every_request_matches_the_golden_file() -> None:
    written = "\n".join(
        [
            render(f"{each.name}: {each.servers}", *sent(each, CONSTRAINT))
            for each in REQUEST_FORMATS
        ]
        + [
            render(f"{each.name}, all that a model can set", *sent(each, CONSTRAINT, **FULL))
            for each in (NAMED["custom_tool"], NAMED["gbnf"])
        ]
    )
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(written, "utf-8")
    assert written == GOLDEN.read_text("utf-8")


@pytest.mark.parametrize("request_format", REQUEST_FORMATS, ids=lambda each: each.name)
def test_without_a_constraint_nothing_is_added(request_format: RequestFormat) -> None:
    _, body = sent(request_format, None, temperature=None)
    limit = "max_output_tokens" if request_format.endpoint == "responses" else "max_tokens"
    assert set(body) - {"input", "messages", "store"} == {"model", limit}


@pytest.mark.parametrize("request_format", REQUEST_FORMATS, ids=lambda each: each.name)
def test_no_format_mutates_its_constraint_or_messages(request_format: RequestFormat) -> None:
    before = json.dumps([CONSTRAINT.schema, MESSAGES, NOT_THINKING])
    first, second = sent(request_format, CONSTRAINT), sent(request_format, CONSTRAINT)
    assert first == second
    assert json.dumps([CONSTRAINT.schema, MESSAGES, NOT_THINKING]) == before


def test_extra_fields_of_a_model_override_those_of_a_format() -> None:
    thinking = {"chat_template_kwargs": {"enable_thinking": True}}
    _, body = sent(NAMED["gbnf"], CONSTRAINT, extra_body=thinking)
    assert body["chat_template_kwargs"] == {"enable_thinking": True}
    assert body["grammar"] == CONSTRAINT.gbnf


def test_an_empty_schema_and_unicode_letters_arrive_unchanged() -> None:
    letters = 'start: "käufe" | "買" | "\\n" | "😀"\n'
    _, body = sent(NAMED["structured_outputs"], Constraint(letters, "", {}))
    assert body["structured_outputs"] == {"grammar": letters}
    _, body = sent(SCHEMA, Constraint("", "", {}))
    assert body["response_format"]["json_schema"]["schema"] == {}


def test_llguidance_is_distinguished_from_gbnf_by_its_first_line() -> None:
    _, guided = sent(NAMED["llguidance"], CONSTRAINT)
    _, plain = sent(NAMED["gbnf"], CONSTRAINT)
    assert guided["grammar"] == "%llguidance {}\n" + CONSTRAINT.lark
    assert plain["grammar"] == CONSTRAINT.gbnf


@pytest.mark.parametrize(
    ("constraint", "names"),
    [
        ("auto", ["structured_outputs", "llguidance", "gbnf", "ebnf", "custom_tool",
                  "response_format", "text"]),
        ("grammar", ["structured_outputs", "llguidance", "gbnf", "ebnf", "custom_tool", "text"]),
        ("json_schema", ["response_format", "text"]),
        ("text", ["text"]),
    ],
)  # fmt: skip
def test_formats_are_tried_from_the_strictest_to_plain_text(
    constraint: str, names: list[str]
) -> None:
    assert [each.name for each in formats_for(constraint)] == names


def exchanged(
    request_format: str, ask: Callable[[Client], Awaitable[tuple[Exchange, ...]]]
) -> tuple[Exchange, dict[str, Any]]:
    """Return the exchange of a client with a cached format, and the body that it sends."""

    async def run(url: str) -> tuple[Exchange, ...]:
        cache = Path(os.environ["EVOLVE_HOME"]) / "llm" / "request_formats.json"
        cache.parent.mkdir(parents=True)
        cache.write_text(
            json.dumps({f"{url} org/tiny": request_format} if request_format else {}), "utf-8"
        )
        server = Server(Model("org/tiny", url), None, 5.0)
        try:
            return await ask(Client(server, "auto", "?", {}, NoticeList()))
        finally:
            await server.close()

    with serving(answer) as server:
        (exchange,) = asyncio.run(run(server.url))
    (body,) = server.bodies
    return exchange, body


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize(
    ("request_format", "note"),
    [("gbnf", "\n\nIn one line."), ("response_format", "\n\nAs JSON."), ("text", "")],
)
def test_a_note_is_appended_only_at_its_strictness(request_format: str, note: str) -> None:
    noted = replace(CONSTRAINT, notes={"grammar": "In one line.", "json_schema": "As JSON."})
    exchange, body = exchanged(
        request_format, lambda client: client.exchange("propose", MESSAGES, noted)
    )
    last = {"role": "user", "content": MESSAGES[1]["content"] + note}
    assert body["messages"] == list(exchange.messages) == [MESSAGES[0], last]
    assert (exchange.kind, exchange.request_format, exchange.model, exchange.text) == (
        "propose",
        request_format,
        "tiny",
        "buy",
    )
    assert MESSAGES[1]["content"] == "Write one.\nIn one line."


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize(
    ("cached", "used"),
    [("", "text"), ("text", "text"), ("response_format", "response_format"),
     ("ebnf", "response_format"), ("custom_tool", "response_format")],
)  # fmt: skip
def test_a_document_is_constrained_if_the_server_supports_any_constraint(
    cached: str, used: str
) -> None:
    exchange, body = exchanged(
        cached, lambda client: client.read_json("summarize", MESSAGES, CONSTRAINT)
    )
    assert (exchange.kind, exchange.request_format, exchange.text) == ("summarize", used, "buy")
    assert ("response_format" in body) == (used == "response_format")
    assert not {"ebnf", "tools", "grammar", "structured_outputs"} & set(body)


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize("cached", ["", "gbnf"])
def test_a_call_without_a_constraint_needs_no_probe(cached: str) -> None:
    exchange, body = exchanged(cached, lambda client: client.exchange("ask", MESSAGES))
    assert (exchange.kind, exchange.request_format) == ("ask", "text")
    assert set(body) == {"model", "messages", "max_tokens", "temperature"}
    assert body["messages"] == MESSAGES


def test_the_named_formats_are_json_schema_and_text() -> None:
    assert (SCHEMA.name, SCHEMA.strictness) == ("response_format", "json_schema")
    assert (TEXT.name, TEXT.strictness, TEXT.fields(CONSTRAINT)) == ("text", "text", {})
    assert len(NAMED) == len(REQUEST_FORMATS)
