"""Every answer of a hostile server ends in an exchange, within bounds."""

from __future__ import annotations

import asyncio
import json
import re
import tracemalloc
from dataclasses import asdict

import pytest

from evolve.llm.answer.parse import parse_answer
from evolve.llm.transport.client import Client
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import MAX_TEXT_CHARACTERS, MAX_TOKENS
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from evolve.search.space import build_space
from tests.llm.hostile_server import ANSWERED, MODES, hostile
from tests.llm.scripted import say, serving
from tests.params import thin_out

MESSAGES = [{"role": "user", "content": "Write one."}]
CONSTRAINT = Constraint('start: "x"\n', 'root ::= "x"\n', {"type": "object"})
OPENINGS = {"grammar": "strategy", "json_schema": "{"}
SLOW_SECONDS, QUICK_SECONDS, HANGING_SECONDS = 1.0, 20.0, 60.0
MAX_PEAK_BYTES = 250_000_000
MAX_ERROR_CHARACTERS = 2500
SPACE = build_space(["sma", "rsi"], ("long",), 40)

pytestmark = pytest.mark.usefixtures("own_home", "fast_retries")


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the delay before a retry."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("evolve.llm.transport.server.RETRIES", 1)


@pytest.fixture(scope="module", autouse=True)
def _loaded_client() -> None:
    """Load the `openai` client, so that no time limit includes it."""

    async def load(url: str) -> None:
        server = Server(Model("tiny", url), None, HANGING_SECONDS)
        await server.ask(MESSAGES)
        await server.close()

    with serving([say("ok")]) as server:
        asyncio.run(load(server.url))


def exchange(mode: str, constraint: str) -> Exchange:
    """Return the last exchange of a call to a server in a mode."""

    async def run(url: str) -> Exchange:
        seconds = SLOW_SECONDS if MODES[mode].is_slow else QUICK_SECONDS
        server = Server(Model("tiny", url), None, seconds)
        client = Client(server, constraint, "?", OPENINGS, NoticeList())
        try:
            work = client.exchange("propose", MESSAGES, CONSTRAINT)
            return (await asyncio.wait_for(work, HANGING_SECONDS))[-1]
        finally:
            await server.close()

    with hostile() as server:
        server.mode = MODES[mode]
        return asyncio.run(run(server.url))


def check_bounds(each: Exchange) -> None:
    assert len(each.text) <= MAX_TEXT_CHARACTERS
    assert len(each.reasoning) <= MAX_TEXT_CHARACTERS
    assert len(each.error) <= MAX_ERROR_CHARACTERS
    assert len(each.finish) <= 200
    assert all(line.isprintable() for line in each.error.split("\n"))
    assert 0 <= each.tokens_in <= MAX_TOKENS
    assert 0 <= each.tokens_out <= MAX_TOKENS
    assert json.dumps(asdict(each)).encode()
    if not each.error:
        assert each.tokens_in > 0
        assert each.tokens_out > 0


@pytest.mark.parametrize("name", thin_out(MODES, 8))
def test_a_call_to_a_hostile_server_ends_in_an_exchange(name: str) -> None:
    mode = MODES[name]
    answer = exchange(name, "text")
    check_bounds(answer)
    if mode.expected == ANSWERED:
        assert answer.error == ""
        if name != "a deep content":
            programs = parse_answer(answer.text, answer.reasoning, SPACE).programs
            assert [each.name for each in programs] == ["good"]
    else:
        assert re.search(mode.expected, answer.error), answer.error
    if not (mode.is_slow or mode.is_bomb):
        check_bounds(exchange(name, "auto"))


@pytest.mark.parametrize(
    "name", thin_out([name for name, mode in MODES.items() if mode.is_bomb], 3)
)
def test_a_bomb_takes_little_memory(name: str) -> None:
    tracemalloc.start()
    exchange(name, "text")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < MAX_PEAK_BYTES


def test_the_table_has_modes_of_every_kind() -> None:
    assert len(MODES) > 200
    assert sum(each.is_bomb for each in MODES.values()) >= 9
    assert sum(each.is_slow for each in MODES.values()) >= 7
