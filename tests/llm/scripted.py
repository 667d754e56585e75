"""A scripted OpenAI-compatible server on loopback."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = "strategy good { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 hold 10 }"
LISTED = {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
ONLY_WORD = re.compile(r'(?:start:|root ::=) "([a-z]+)"')


@dataclass(frozen=True)
class Answer:
    """A response of the server, which may be delayed or truncated."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    sent: int | None = None  # bytes of the body before the connection is cut


def say(
    text: str,
    reasoning: str = "",
    finish: str = "stop",
    tokens: tuple[int, int] | None = (100, 20),
    seconds: float = 0.0,
) -> Answer:
    """Return a chat completion."""
    message = {"role": "assistant", "content": text}
    if reasoning:
        message["reasoning_content"] = reasoning
    document: dict[str, Any] = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }  # fmt: skip
    if tokens is not None:
        names = ("prompt_tokens", "completion_tokens")
        document["usage"] = {**dict(zip(names, tokens, strict=True)), "total_tokens": sum(tokens)}
    return Answer(json.dumps(document).encode(), seconds=seconds)


def fail(status: int, message: str = "no", **headers: str) -> Answer:
    """Return an error in the format of OpenAI."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps({"error": {"message": message}}).encode(), status, named)


def stream(parts: Sequence[str], ends: bool = True) -> Answer:
    """Return a completion as server-sent events."""
    events = [{"choices": [{"delta": {"content": each}}]} for each in parts]
    lines = [f"data: {json.dumps(each)}\n\n" for each in events]
    if ends:
        lines.append("data: [DONE]\n\n")
    return Answer("".join(lines).encode(), headers={"content-type": "text/event-stream"})


def cut(answer: Answer, sent: int) -> Answer:
    """Return an answer whose connection closes after `sent` bytes."""
    return Answer(answer.body, answer.status, answer.headers, answer.seconds, sent)


Script = Callable[[dict[str, Any]], Answer]


class Scripted:
    """A running server.

    Attributes:
        url: the address of its API.
        documents: documents beside the API, by path; all other paths answer 404.
        bodies, paths: of the requests to the API, in order of arrival.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.documents: dict[str, Any] = {"/v1/models": LISTED}
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.in_flight, self.max_in_flight = 0, 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        """Stop the server; it refuses further connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = scripted.documents.get(self.path)
                found = document is not None
                self._send(Answer(json.dumps(document).encode()) if found else fail(404))

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = json.loads(self.rfile.read(length))
                if self.path.startswith("/api/"):
                    return self.do_GET()
                with scripted._lock:
                    scripted.bodies.append(body)
                    scripted.paths.append(self.path)
                    scripted.keys.append(self.headers.get("authorization", ""))
                    scripted.in_flight += 1
                    scripted.max_in_flight = max(scripted.max_in_flight, scripted.in_flight)
                answer = scripted.script(body)
                time.sleep(answer.seconds)
                with scripted._lock:
                    scripted.in_flight -= 1
                self._send(answer)

            def _send(self, answer: Answer) -> None:
                with suppress(ConnectionError):
                    self.send_response(answer.status)
                    headers = {"content-type": "application/json", **answer.headers}
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body[: answer.sent])
                    if answer.sent is not None:
                        self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing."""

        return Handler


@contextmanager
def serving(script: Script | Sequence[Answer]) -> Iterator[Scripted]:
    """Yield a server that answers by a function of the request, or by a list of answers.

    The last answer of a list is repeated.
    """
    server = Scripted(script if callable(script) else in_turn(script))
    try:
        yield server
    finally:
        server.close()


def in_turn(answers: Sequence[Answer]) -> Script:
    """Return a script that gives the answers in order and repeats the last."""
    left = list(answers)
    lock = threading.Lock()

    def script(body: dict[str, Any]) -> Answer:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


def only_word(body: dict[str, Any], field_name: str) -> str:
    """Return the word of a grammar that allows only one word; empty for other grammars."""
    value = body.get(field_name, "")
    text = value.get("grammar", "") if isinstance(value, dict) else value
    match = ONLY_WORD.search(text) if isinstance(text, str) and text.count("\n") <= 2 else None
    return match.group(1) if match else ""


def keeping_to(field_name: str, then: Script) -> Script:
    """Return a script that enforces one field and ignores unknown fields."""

    def script(body: dict[str, Any]) -> Answer:
        word = only_word(body, field_name)
        if word:
            return say(word)
        if body["messages"][-1]["content"] == "Answer in one line.":
            return say(GOOD if field_name in body else "Certainly! Here is a line.")
        return then(body)

    return script
