"""Limits of responses, redirects that are not followed, and errors that nobody foresees."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from evolve.llm.transport.bounded_client import MAX_BODY_BYTES
from evolve.llm.transport.client import Client
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import ModelError, Reply
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from tests.llm.hostile_bodies import completion
from tests.llm.hostile_server import Mode, hostile, http
from tests.llm.scripted import GOOD, Answer, say, serving

MESSAGES = [{"role": "user", "content": "x" * 40}]


def asked(url: str) -> Reply:
    async def run() -> Reply:
        server = Server(Model("tiny", url), "sk-secret", 5.0)
        try:
            return await server.ask(MESSAGES)
        finally:
            await server.close()

    return asyncio.run(run())


def failed(url: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        asked(url)
    return caught.value


def fill(size: int) -> bytes:
    """Return a completion of a number of bytes."""
    short = completion()
    return short + b" " * (size - len(short))


@pytest.mark.parametrize("is_compressed", [False, True])
def test_the_limit_counts_decoded_bytes(is_compressed: bool) -> None:
    def respond(size: int) -> Mode:
        if is_compressed:
            return Mode(http(gzip.compress(fill(size)), content_encoding="gzip"))
        return Mode(http(fill(size)))

    with hostile() as server:
        server.mode = respond(MAX_BODY_BYTES)
        assert asked(server.url).text
        server.mode = respond(MAX_BODY_BYTES + 1)
        error = failed(server.url)
    assert f"a body of more than {MAX_BODY_BYTES:,} bytes" in error.message
    assert (error.may_be_billed, error.status) == (True, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_to_any_host(status: int) -> None:
    with serving([say("ok")]) as other, hostile() as server:
        for target in (f"{other.url}/chat/completions", "/v1/other"):
            server.mode = Mode(http(b"", status, location=target))
            server.routes = {"POST /v1/other": Mode(http(completion()))}
            error = failed(server.url)
            assert f"answered {status}: it redirects to {target}" in error.message
            assert error.hint.startswith("redirects are not followed: set OPENAI_BASE_URL")
            assert error.status == status
    assert other.bodies == []


def test_a_server_is_asked_for_plain_text() -> None:
    seen: list[str] = []

    async def run(url: str) -> None:
        server = Server(Model("tiny", url), None, 5.0)
        http_client: Any = server._client._client
        http_client.event_hooks = {"request": [note]}
        await server.ask(MESSAGES)
        await server.close()

    async def note(request: Any) -> None:
        seen.append(request.headers["accept-encoding"])

    with serving([say("ok")]) as server:
        asyncio.run(run(server.url))
    assert seen == ["identity"]


@pytest.mark.parametrize(
    "error", [KeyError("choices"), RecursionError(), MemoryError(), ValueError()]
)
def test_an_unforeseen_error_fails_its_call(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    async def fail_later(*arguments: object) -> None:
        raise error

    with serving([say("ok")]) as server:
        with monkeypatch.context() as patch:
            patch.setattr("evolve.llm.transport.server.read_reply", fail)
            message = failed(server.url).message
            assert message.startswith(f"cannot read the answer of {server.url}: ")
        monkeypatch.setattr(Server, "_post", fail_later)
        assert failed(server.url).message.startswith(f"the request to {server.url} failed: ")


@pytest.mark.parametrize(
    "finish", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"]
)
def test_an_empty_answer_names_the_limit_that_cut_it(finish: str) -> None:
    with serving([say("", finish=finish)]) as server:
        error = failed(server.url)
    assert error.message == "the answer is empty: it was cut at `max_tokens`"
    assert error.hint.startswith("raise `max_tokens` of the model")


def test_an_incomplete_response_without_text_names_the_limit() -> None:
    document = {
        "output": [], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}
    }  # fmt: skip
    with serving([Answer(json.dumps(document).encode())]) as server:
        assert "cut at `max_tokens`" in failed(server.url).message


def test_the_first_answer_that_is_cut_is_reported() -> None:
    log = NoticeList()

    async def run(url: str) -> None:
        server = Server(Model("tiny", url, max_tokens=50), None, 5.0)
        client = Client(server, "text", "?", {}, log)
        for _ in range(3):
            await client.exchange("propose", MESSAGES)
        await server.close()

    with serving([say(GOOD), say(GOOD, finish="length")]) as server:
        asyncio.run(run(server.url))
    (notice,) = log.texts
    assert notice.startswith("an answer of tiny was cut at `max_tokens` (50)\n  = raise")
