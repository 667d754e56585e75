"""Addresses without a version, and lists of models of any shape."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import ModelError, read_model_names
from evolve.llm.transport.server import Server
from tests.llm.hostile_server import Mode, hostile, http
from tests.llm.model_lists import LISTS
from tests.llm.scripted import Answer, fail, serving

MESSAGES = [{"role": "user", "content": "hi"}]


def error_of(url: str, work: Callable[[Server], Awaitable[object]]) -> ModelError:
    async def run() -> None:
        server = Server(Model("tiny", url), None, 5.0)
        try:
            await work(server)
        finally:
            await server.close()

    with pytest.raises(ModelError) as caught:
        asyncio.run(run())
    return caught.value


def ask_at(url: str) -> ModelError:
    return error_of(url, lambda server: server.ask(MESSAGES))


@pytest.mark.parametrize(
    "answer",
    [fail(404, "no such path"), fail(405, "no such path"),
     Answer(b'{"error": "no such path"}'), Answer(b"<html>no such path")],
)  # fmt: skip
def test_an_address_without_a_version_gets_a_hint(answer: Answer) -> None:
    with serving([answer]) as server:
        error = ask_at(server.url.removesuffix("/v1"))
        assert "no such path" in error.message
        assert error.hint.startswith(
            f"set OPENAI_BASE_URL to {server.url}, if the server has its API there"
        )
        assert "OPENAI_BASE_URL to" not in ask_at(server.url).hint


def test_a_list_of_models_at_the_address_with_a_version_is_found() -> None:
    with hostile() as server:
        server.mode = Mode(http(b"404 page not found", 404))
        server.routes = {"GET /v1/models": Mode(http(b'{"data": [{"id": "tiny"}]}'))}
        url = server.url.removesuffix("/v1")
        error = error_of(url, lambda server: server.models())
        assert error.message == f"{url} answered 404: 404 page not found"
        assert error.hint == f"the server answers at {server.url}: set OPENAI_BASE_URL to it"
        server.routes = {}
        error = error_of(f"{url}/", lambda server: server.models())
        assert error.hint.startswith(f"set OPENAI_BASE_URL to {server.url}, if")


@pytest.mark.parametrize("path", ["/v1", "/api/v2", "/v1beta/openai", "/openai/v1"])
def test_an_address_with_a_version_gets_no_hint(path: str) -> None:
    with hostile() as server:
        server.mode = Mode(http(b"404 page not found", 404))
        error = ask_at(server.url.removesuffix("/v1") + path)
        assert "OPENAI_BASE_URL" not in error.hint


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_models_is_read_in_any_shape(name: str) -> None:
    body, names = LISTS[name]
    text = body.decode("utf-8", "replace")
    if names is None:
        with pytest.raises(ModelError, match=r"expected|reported an error"):
            read_model_names(text)
    else:
        assert read_model_names(text) == names
