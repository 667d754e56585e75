"""What goes over the wire to each kind of server, byte for byte as the golden file has it."""

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
    """An answer of the API that was asked."""
    return Answer(json.dumps(TOOL_CALL).encode()) if "input" in body else say("buy")


def sent(
    shape: RequestFormat, constraint: Constraint | None, **of_model: Any
) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request, as the server saw them."""

    async def ask(url: str) -> str:
        server = Server(Model("org/tiny", url, **of_model), "sk-key", 5.0)
        try:
            return (await server.ask(MESSAGES, shape, constraint, 64)).text
        finally:
            await server.close()

    with serving(answer) as server:
        assert asyncio.run(ask(server.url)) == "buy"
    ((path, body),) = zip(server.paths, server.bodies, strict=True)
    return path, body


def worded(title: str, path: str, body: dict[str, Any]) -> str:
    return f"=== {title}\nPOST {path}\n{json.dumps(body, indent=2)}\n"


def test_every_request_reads_as_the_golden_file_says() -> None:
    written = "\n".join(
        [
            worded(f"{each.name}: {each.servers}", *sent(each, CONSTRAINT))
            for each in REQUEST_FORMATS
        ]
        + [
            worded(f"{each.name}, all that a model can set", *sent(each, CONSTRAINT, **FULL))
            for each in (NAMED["custom_tool"], NAMED["gbnf"])
        ]
    )
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(written, "utf-8")
    assert written == GOLDEN.read_text("utf-8")


@pytest.mark.parametrize("shape", REQUEST_FORMATS, ids=lambda each: each.name)
def test_without_a_constraint_nothing_is_added(shape: RequestFormat) -> None:
    _, body = sent(shape, None, temperature=None)
    limit = "max_output_tokens" if shape.endpoint == "responses" else "max_tokens"
    assert set(body) - {"input", "messages", "store"} == {"model", limit}


@pytest.mark.parametrize("shape", REQUEST_FORMATS, ids=lambda each: each.name)
def test_no_shape_changes_what_it_is_given(shape: RequestFormat) -> None:
    before = json.dumps([CONSTRAINT.schema, MESSAGES, NOT_THINKING])
    first, second = sent(shape, CONSTRAINT), sent(shape, CONSTRAINT)
    assert first == second
    assert json.dumps([CONSTRAINT.schema, MESSAGES, NOT_THINKING]) == before


def test_what_a_model_sets_comes_before_what_a_shape_does() -> None:
    thinking = {"chat_template_kwargs": {"enable_thinking": True}}
    _, body = sent(NAMED["gbnf"], CONSTRAINT, extra_body=thinking)
    assert body["chat_template_kwargs"] == {"enable_thinking": True}
    assert body["grammar"] == CONSTRAINT.gbnf


def test_an_empty_schema_and_letters_of_any_language_arrive_whole() -> None:
    letters = 'start: "käufe" | "買" | "\\n" | "😀"\n'
    _, body = sent(NAMED["structured_outputs"], Constraint(letters, "", {}))
    assert body["structured_outputs"] == {"grammar": letters}
    _, body = sent(SCHEMA, Constraint("", "", {}))
    assert body["response_format"]["json_schema"]["schema"] == {}


def test_llguidance_is_told_apart_from_a_grammar_of_llama_cpp() -> None:
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
def test_shapes_are_tried_from_the_strictest_to_plain_text(
    constraint: str, names: list[str]
) -> None:
    assert [each.name for each in formats_for(constraint)] == names


def exchanged(
    shape: str, ask: Callable[[Client], Awaitable[tuple[Exchange, ...]]]
) -> tuple[Exchange, dict[str, Any]]:
    """What a client makes of a server whose shape it remembers, and the one body it sends."""

    async def run(url: str) -> tuple[Exchange, ...]:
        memory = Path(os.environ["EVOLVE_HOME"]) / "llm" / "shapes.json"
        memory.parent.mkdir(parents=True)
        memory.write_text(json.dumps({f"{url} org/tiny": shape} if shape else {}), "utf-8")
        server = Server(Model("org/tiny", url), None, 5.0)
        try:
            return await ask(Client(server, "auto", "?", {}, NoticeList()))
        finally:
            await server.close()

    with serving(answer) as server:
        (made,) = asyncio.run(run(server.url))
    (body,) = server.bodies
    return made, body


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize(
    ("shape", "note"),
    [("gbnf", "\n\nIn one line."), ("response_format", "\n\nAs JSON."), ("text", "")],
)
def test_a_note_ends_the_last_message_at_its_level_alone(shape: str, note: str) -> None:
    noted = replace(CONSTRAINT, notes={"grammar": "In one line.", "json_schema": "As JSON."})
    made, body = exchanged(shape, lambda client: client.exchange("propose", MESSAGES, noted))
    last = {"role": "user", "content": MESSAGES[1]["content"] + note}
    assert body["messages"] == list(made.messages) == [MESSAGES[0], last]
    assert (made.kind, made.request_format, made.model, made.text) == (
        "propose",
        shape,
        "tiny",
        "buy",
    )
    assert MESSAGES[1]["content"] == "Write one.\nIn one line."


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize(
    ("known", "used"),
    [("", "text"), ("text", "text"), ("response_format", "response_format"),
     ("ebnf", "response_format"), ("custom_tool", "response_format")],
)  # fmt: skip
def test_a_document_is_held_to_a_schema_where_any_constraint_is_kept(known: str, used: str) -> None:
    made, body = exchanged(
        known, lambda client: client.read_json("summarize", MESSAGES, CONSTRAINT)
    )
    assert (made.kind, made.request_format, made.text) == ("summarize", used, "buy")
    assert ("response_format" in body) == (used == "response_format")
    assert not {"ebnf", "tools", "grammar", "structured_outputs"} & set(body)


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize("known", ["", "gbnf"])
def test_what_is_asked_freely_is_neither_probed_nor_held_to_anything(known: str) -> None:
    made, body = exchanged(known, lambda client: client.exchange("ask", MESSAGES))
    assert (made.kind, made.request_format) == ("ask", "text")
    assert set(body) == {"model", "messages", "max_tokens", "temperature"}
    assert body["messages"] == MESSAGES


def test_the_two_shapes_that_others_name_are_what_they_are_called() -> None:
    assert (SCHEMA.name, SCHEMA.strictness) == ("response_format", "json_schema")
    assert (TEXT.name, TEXT.strictness, TEXT.fields(CONSTRAINT)) == ("text", "text", {})
    assert len(NAMED) == len(REQUEST_FORMATS)
