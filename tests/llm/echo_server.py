"""A server on loopback that returns the credentials that it receives in every field."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

RULES = "buy when rsi(close, {window}) < 30 sell when rsi(close, {window}) > 60 hold 10"


@dataclass
class Echo:
    """A running server.

    Attributes:
        url: the address of its API.
        authorizations: the header `Authorization` of each request; empty if it has none.
        headers: all headers of each request.
        redirect: the address to which requests are redirected; empty for none.
    """

    url: str = ""
    authorizations: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    redirect: str = ""


def reveal(authorization: str) -> str:
    """Return a credential, in all forms in which a server knows it."""
    scheme, _, value = authorization.partition(" ")
    with suppress(ValueError):
        if scheme == "Basic":
            return f"{value} {b64decode(value).decode()} {b64decode(value).decode()[5:]}"
    return f"{value} {authorization}"


def _chat(secret: str, number: int) -> tuple[int, object]:
    strategy = f'strategy s{number} {{ about "{secret} dips" {RULES.format(window=3 + number)} }}'
    message = {"content": strategy, "reasoning_content": secret, "role": secret}
    choice = {"index": 0, "message": message, "finish_reason": secret, secret: secret}
    return 200, {"id": secret, "model": secret, "choices": [choice], "usage": {secret: 1}}


def _only_reasoning(secret: str, number: int) -> tuple[int, object]:
    _, document = _chat(secret, number)
    document["choices"][0]["message"]["content"] = f"no strategy, {secret}"  # type: ignore[index]
    return 200, document


def _error(secret: str, number: int) -> tuple[int, object]:
    return 400, {"error": {"message": f"bad key {secret}", "code": secret, "type": secret}}


def _long_error(secret: str, number: int) -> tuple[int, object]:
    return 400, {"error": {"message": " " * number + "x" * (290 - number) + secret}}


def _error_in_answer(secret: str, number: int) -> tuple[int, object]:
    return 200, {"error": {"message": "x" * (295 - number) + secret}}


def _not_json(secret: str, number: int) -> tuple[int, object]:
    return 200, f"<html>{'x' * (288 - number)}{secret}</html>"


ANSWERS: tuple[Callable[[str, int], tuple[int, object]], ...] = (
    _chat, _only_reasoning, _error, _chat, _error_in_answer, _long_error, _not_json,
)  # fmt: skip


def _build_handler(echo: Echo) -> type[BaseHTTPRequestHandler]:
    numbers, lock = count(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            secret = self._record()
            names = [{"id": f"{secret} tiny", "object": "model"}, {"id": secret}]
            self._send(200, {"object": "list", "data": names}, secret)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            secret = self._record()
            with lock:
                number = next(numbers)
            self._send(*ANSWERS[number % len(ANSWERS)](secret, number), secret)

        def _record(self) -> str:
            echo.authorizations.append(self.headers.get("authorization", ""))
            echo.headers.append(dict(self.headers.items()))
            return reveal(echo.authorizations[-1])

        def _send(self, status: int, document: object, secret: str) -> None:
            text = document if isinstance(document, str) else _escape(json.dumps(document))
            with suppress(ConnectionError):
                self.send_response(307 if echo.redirect else status, secret)
                if echo.redirect:
                    self.send_header("location", echo.redirect + self.path.removeprefix("/v1"))
                self.send_header("content-type", "application/json")
                self.send_header("x-request-id", secret)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    return Handler


def _escape(text: str) -> str:
    """Write some characters as JSON escapes, so that the body does not contain the secret."""
    return text.replace("-", "\\u002d")


@contextmanager
def echoing() -> Iterator[Echo]:
    """Yield a server that returns what it receives."""
    echo = Echo()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(echo))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    echo.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield echo
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
