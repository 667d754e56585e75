"""Bodies of `/models` with status 200, and the names in each; None if it has no list."""

from __future__ import annotations

import json

LONG = 100_000


def listed(*ids: object) -> bytes:
    return json.dumps({"data": [{"id": each} for each in ids]}).encode()


LISTS: dict[str, tuple[bytes, list[str] | None]] = {
    "OpenAI": (listed("a", "b"), ["a", "b"]),
    "Ollama": (b'{"models": [{"name": "a:7b", "model": "a:7b"}]}', ["a:7b"]),
    "llama.cpp": (b'{"models": [{"name": "x"}], "data": [{"id": "a"}]}', ["a"]),
    "a list of objects": (b'[{"id": "a"}]', ["a"]),
    "a list of names": (b'["a", "b"]', ["a", "b"]),
    "an empty list": (b"[]", []),
    "no models": (listed(), []),
    "ids that are no text": (listed(5, None, [], {}, True, "a"), ["a"]),
    "odd ids": (listed("", " ", "\x1b[2J", "a\nb", "\ud800", "x" * LONG, "a"), ["a"]),
    "items that are no objects": (b'{"data": [5, null, [], {}, {"id": "a"}]}', ["a"]),
    "a mark before it": (b"\xef\xbb\xbf" + listed("a"), ["a"]),
    "duplicates": (listed("a", "b", "a"), ["a", "b"]),
    "a long list": (listed(*range(LONG), "a"), ["a"]),
    "null": (b"null", None),
    "a number": (b"5", None),
    "a string": (b'"a"', None),
    "no data": (b"{}", None),
    "data null": (b'{"data": null}', None),
    "data text": (b'{"data": "a"}', None),
    "data as an object": (b'{"data": {"id": "a"}}', None),
    "an error": (b'{"error": "Unexpected endpoint or method. (GET /models)"}', None),
    "an odd error": (b'{"error": [5]}', None),
    "HTML": (b"<!doctype html><html><body>Sign in</body></html>", None),
    "text": (b"Ollama is running", None),
    "nothing": (b"", None),
    "bytes": (b"\xff\xfe\x00\x1b[2J", None),
    "deep lists": (b"[" * LONG, None),
    "a huge number": (b"9" * LONG, None),
    "truncated": (listed("a")[:-3], None),
}
