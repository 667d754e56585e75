"""Clients that are used in turns, and servers that refuse parts of requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from evolve.llm.transport.client import Client
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from tests.llm.scripted import Answer, Script
from tests.llm.test_client import MESSAGES, OPENINGS, PROBE, REAL

# Errors with status 400 as servers word them, none of which is about a format.
OTHER_REFUSALS = [
    "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.",
    "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "max_tokens is too large: 2000. This model supports at most 512 completion tokens.",
    "Your request was rejected by our safety system. It may violate our content policy.",
    "`temperature` must be at most 2",
    "The model `tiny` does not exist or you do not have access to it.",
    "Invalid value for 'seed'",
]


def refuse(message: str, status: int = 400, **fields: str) -> Answer:
    return Answer(json.dumps({"error": {"message": message, **fields}}).encode(), status)


def refuse_fields(script: Script, **answers: Answer) -> Script:
    """Return a script that refuses some fields of a request."""

    def refusing(body: dict[str, Any]) -> Answer:
        found = [answer for name, answer in answers.items() if name in body]
        return found[0] if found else script(body)

    return refusing


class Session:
    """A client that is used in turns, while the script of its server changes."""

    def __init__(self, url: str, constraint: str = "auto", **of_model: Any) -> None:
        self.log = NoticeList()
        self._loop = asyncio.new_event_loop()
        server = Server(Model("tiny", url, **of_model), None, 5.0)
        self.client = Client(server, constraint, PROBE, OPENINGS, self.log)

    def ask(self) -> tuple[Exchange, ...]:
        return self._loop.run_until_complete(self.client.exchange("propose", MESSAGES, REAL))

    def probe(self) -> tuple[Exchange, ...]:
        return self._loop.run_until_complete(self.client.probe(REAL))

    def summarize(self) -> tuple[Exchange, ...]:
        work = self.client.read_json("summarize", MESSAGES, REAL)
        return self._loop.run_until_complete(work)

    @property
    def format(self) -> str:
        found = self.client.request_format
        return found.name if found else "unknown"

    def close(self) -> None:
        self._loop.run_until_complete(self.client.server.close())
        self._loop.close()
