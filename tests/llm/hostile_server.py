"""A loopback server that answers in every wrong way; one row of `MODES` for each.

A mode is the raw bytes of a response, or a function that yields them. Its expectation is a pattern
in the error of the call, or `ANSWERED` if the client must read the answer nevertheless.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.llm.hostile_bodies import BODIES, TEXT, completion

ANSWERED = ""
DRIP_SECONDS = 0.05
Chunks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Mode:
    """A way to answer.

    Attributes:
        send: the raw response, or a function that yields it.
        expected: a pattern in the error; `ANSWERED` if there is none.
        is_slow: whether the client waits for its time limit.
        is_bomb: whether a client without bounds would run out of memory.
        resets: whether the connection ends with a reset.
    """

    send: bytes | Chunks
    expected: str = ANSWERED
    is_slow: bool = False
    is_bomb: bool = False
    resets: bool = False


def http(body: bytes, status: int | str = 200, **headers: str) -> bytes:
    """Return a response as raw bytes; a header `content_length` replaces the true one."""
    named = {"content-type": "application/json", "content-length": str(len(body)),
             "connection": "close"}  # fmt: skip
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


def endless(head: bytes, part: bytes) -> Chunks:
    """Return a response that never ends."""

    def send() -> Iterator[bytes]:
        yield head
        while True:
            yield part

    return send


def drip(content: bytes, then: bytes = b"") -> Chunks:
    """Return a response whose bytes arrive one by one, and which then repeats `then`."""

    def send() -> Iterator[bytes]:
        for start in range(len(content)):
            time.sleep(DRIP_SECONDS)
            yield content[start : start + 1]
        while then:
            time.sleep(DRIP_SECONDS)
            yield then

    return send


def stall(content: bytes) -> Chunks:
    """Return a response that stops without an end."""

    def send() -> Iterator[bytes]:
        yield content
        time.sleep(5.0)

    return send


def zeros(count: int, wbits: int) -> bytes:
    """Return megabytes of zeros, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(packer.compress(b"0" * 1_000_000) for _ in range(count)) + packer.flush()


def error(message: object, status: int = 400, **fields: object) -> bytes:
    return http(json.dumps({"error": {"message": message, **fields}}).encode(), status)


GOOD = completion()
NO_END = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
TOO_LARGE, TIME = "more than 4,000,000 bytes", "did not answer within 1 seconds"
CLOSED, INVALID = "closed the connection", "closed the connection|cannot reach|expected JSON"
STATUSES = (
    400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 421, 422, 425, 429, 451, 500,
    501, 502, 503, 504, 507, 520, 529, 599, 300, 700, 999,
)  # fmt: skip
# A parameter or a prompt that a server refuses with 400.
REFUSALS = {
    "a prompt too long": "maximum context length is 4096 tokens, you requested 9000",
    "a limit too high": "max_tokens is too large: 2000. This model supports at most 512",
    "a content policy": "The response was filtered due to the content policy",
    "an unknown model": "The model `tiny` does not exist",
    "a null message": None,
    "a number": 5,
    "a list": ["a", {"b": 1}],
    "a long message": "x" * 1_000_000,
    "a sequence": "\x1b[2J\x1b]0;owned\x07\u202e boom",
    "a surrogate": "\ud800 boom",
}

MODES: dict[str, Mode] = {
    "a good answer": Mode(http(GOOD)),
    "a good answer by chunks": Mode(chunked(GOOD[:9], GOOD[9:])),
    "a good answer without a length": Mode(NO_END + GOOD),
    "a good answer in gzip": Mode(http(gzip.compress(GOOD), content_encoding="gzip")),
    "a good answer in deflate": Mode(http(zlib.compress(GOOD), content_encoding="deflate")),
    "a good answer after 100": Mode(b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + http(GOOD)),
    "a good answer as HTML": Mode(http(GOOD, content_type="text/html; charset=hex")),
    "a good answer with cookies": Mode(http(GOOD, set_cookie="a=b; Domain=.x; Path=/")),
    "a good answer with garbage after it": Mode(
        http(GOOD, connection="keep-alive") + b"\x00garbage" * 99
    ),
    "a good answer as 201": Mode(http(GOOD, 201)),
    # -- statuses
    **{f"status {each}": Mode(http(b"boom", each), f"{each}: boom") for each in STATUSES},
    "status 304": Mode(http(b"", 304), "304: nothing"),
    "status 204": Mode(http(b"", 204), "found: nothing"),
    "status 1000": Mode(http(b"", 1000), INVALID),
    "status abc": Mode(http(b"", "abc"), INVALID),
    **{f"retry after {each}": Mode(http(b"boom", 429, retry_after=each), "429: boom")
       for each in ("99999999", "-5", "soon", "", "nan", "1e999", "Wed, 21 Oct 2015 07:28:00 GMT")},
    "retry after a second": Mode(http(b"boom", 429, retry_after="2"), TIME, is_slow=True),
    **{f"refusal of {name}": Mode(error(text), "answered 400: .")
       for name, text in REFUSALS.items()},
    "an error page": Mode(http(b"<html><b>Bad</b> gateway", 502), "502: Bad gateway$"),
    "an empty error": Mode(http(b"", 500), "500: nothing$"),
    "an error of FastAPI": Mode(http(b'{"detail": "boom"}', 400), "400: boom$"),
    "an error in bytes": Mode(http(b"\xff\xfe\x00boom", 500), "500: .*boom"),
    # -- redirects
    **{f"redirect {each}": Mode(http(b"", each, location="http://127.0.0.1:9/v1"), "redirects to")
       for each in (301, 302, 303, 307, 308)},
    "a redirect loop": Mode(http(b"", 307, location="/v1/chat/completions"), "redirects to /v1"),
    "a redirect to nowhere": Mode(http(b"", 307, location="http://[::1"), "."),
    "a redirect to a file": Mode(http(b"", 302, location="file:///etc/passwd"), "redirects to"),
    # -- broken connections
    "nothing": Mode(b"", CLOSED),
    "a reset": Mode(b"", "closed the connection|cannot reach", resets=True),
    "a reset in the status": Mode(b"HTTP/1.1 2", CLOSED, resets=True),
    "a reset in the headers": Mode(http(GOOD)[:40], CLOSED, resets=True),
    "a reset in the body": Mode(http(GOOD)[:-20], CLOSED, resets=True),
    "an end in the status": Mode(b"HTTP/1.1 2", CLOSED),
    "an end in the headers": Mode(http(GOOD)[:40], CLOSED),
    "an end in the body": Mode(http(GOOD)[:-20], CLOSED),
    "an end in a chunk": Mode(chunked(GOOD)[:-40], CLOSED),
    "no last chunk": Mode(chunked(GOOD, end=b""), CLOSED),
    "a wrong chunk size": Mode(CHUNKS + b"zz\r\n" + GOOD, CLOSED),
    "a negative chunk size": Mode(CHUNKS + b"-5\r\n" + GOOD, CLOSED),
    "a length too long": Mode(http(GOOD, content_length="99999"), CLOSED),
    "a length too short": Mode(http(GOOD, content_length="5"), "expected JSON"),
    "a negative length": Mode(http(GOOD, content_length="-5"), INVALID),
    "a length in words": Mode(http(GOOD, content_length="ten"), INVALID),
    "another protocol": Mode(b"SSH-2.0-OpenSSH_9.6\r\n", INVALID),
    "an old protocol": Mode(b"HTTP/0.9 200 OK\r\n\r\n" + GOOD),
    "switching protocols": Mode(b"HTTP/1.1 101 X\r\nupgrade: websocket\r\n\r\n", "."),
    "control characters in a header": Mode(http(GOOD, x="a\x00b"), INVALID),
    "a header of 1 MB": Mode(http(GOOD, x="x" * 1_000_000), INVALID),
    "100,000 headers": Mode(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000, INVALID),
    # -- encodings
    "an unknown encoding": Mode(http(GOOD, content_encoding="br"), "encoding `br`"),
    "nested encodings": Mode(
        http(gzip.compress(gzip.compress(GOOD)), content_encoding="gzip, gzip"), "encoding `gzip, "
    ),
    "no gzip": Mode(http(GOOD, content_encoding="gzip"), "a body that is not `gzip`"),
    "a truncated gzip": Mode(http(gzip.compress(GOOD)[:-30], content_encoding="gzip"), "JSON"),
    # -- bombs
    "an endless body": Mode(endless(NO_END, b"x" * 65536), TOO_LARGE, is_bomb=True),
    "endless chunks": Mode(
        endless(CHUNKS, b"10000\r\n" + b" " * 65536 + b"\r\n"), TOO_LARGE, is_bomb=True
    ),
    "an endless stream": Mode(
        endless(NO_END, b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n' * 999),
        TOO_LARGE, is_bomb=True,
    ),
    "endless headers": Mode(endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 999), ".", is_bomb=True),
    "endless 100": Mode(endless(b"", b"HTTP/1.1 100 X\r\n\r\n"), TIME, is_slow=True, is_bomb=True),
    "an endless error": Mode(
        endless(b"HTTP/1.1 500 X\r\n\r\n", b"x" * 65536), TOO_LARGE, is_bomb=True
    ),
    "a gzip bomb": Mode(http(zeros(100, 31), content_encoding="gzip"), TOO_LARGE, is_bomb=True),
    "a deflate bomb": Mode(
        http(zeros(100, -15), content_encoding="deflate"), TOO_LARGE, is_bomb=True
    ),
    "half a million lists": Mode(
        http(b"[" + b"[]," * 500_000 + b"0]"), "JSON object", is_bomb=True
    ),
    # -- slow
    "no response": Mode(stall(b""), TIME, is_slow=True),
    "no body": Mode(stall(http(b"", content_length="9")), TIME, is_slow=True),
    "no end": Mode(stall(NO_END + GOOD), TIME, is_slow=True),
    "a drip of headers": Mode(drip(http(GOOD)), TIME, is_slow=True),
    "a drip of spaces": Mode(drip(NO_END, then=b" "), TIME, is_slow=True),
    "a drip of pings": Mode(drip(NO_END, then=b": ping\n\n"), TIME, is_slow=True),
    **{name: Mode(http(body), expected) for name, (body, expected) in BODIES.items()},
}  # fmt: skip


class HostileServer:
    """A running server.

    Attributes:
        url: the address of its API.
        mode: the way in which it answers.
        routes: the ways in which it answers some requests, such as `GET /v1/models`.
    """

    def __init__(self) -> None:
        self.mode = MODES["a good answer"]
        self.routes: dict[str, Mode] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse further connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):
            mode = self.routes.get(_read_request(connection), self.mode)
            for part in [mode.send] if isinstance(mode.send, bytes) else mode.send():
                connection.sendall(part)
            if mode.resets:
                time.sleep(DRIP_SECONDS)
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _read_request(connection: socket.socket) -> str:
    """Read a request, so that closing the connection does not reset it; return method and path."""
    connection.settimeout(5.0)
    with connection.makefile("rb") as file:
        request, length = file.readline().decode("latin-1").rpartition(" ")[0], 0
        while (line := file.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            length = int(value) if name.lower() == "content-length" else length
        file.read(length)
    return request


@contextmanager
def hostile() -> Iterator[HostileServer]:
    """Yield a server that answers well until its mode is set."""
    server = HostileServer()
    try:
        yield server
    finally:
        server.close()


assert TEXT.encode() in GOOD
