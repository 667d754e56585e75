"""Bodies of responses with status 200, each with a pattern in the error, or an empty one."""

from __future__ import annotations

import json

TEXT = "strategy good { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 hold 10 }"
DRAFT = "strategy draft { buy when close > sma(close, 50) hold 5 }"
EMPTY, NO_JSON, NO_OBJECT = "the answer is empty", "expected JSON", "expected a JSON object"
USAGES: dict[str, object] = {
    "text": "many", "a list": [1], "negative": {"prompt_tokens": -1, "completion_tokens": -1},
    "zero": {"prompt_tokens": 0, "completion_tokens": 0},
    "2**63": {"prompt_tokens": 2**63, "completion_tokens": 2**63},
    "2**200": {"prompt_tokens": 2**200, "completion_tokens": 2**200},
    "fractions": {"prompt_tokens": 1.5, "completion_tokens": 0.1},
    "strings": {"prompt_tokens": "7", "completion_tokens": "3"},
    "infinity": {"prompt_tokens": float("inf"), "completion_tokens": float("nan")},
    "booleans": {"prompt_tokens": True, "completion_tokens": False},
    "nested": {"prompt_tokens": {"a": 1}, "completion_tokens": [3]},
}  # fmt: skip

CHOICES: tuple[object, ...] = (None, [], {}, "text", 5, [None], [5], [[]], [{}], {"0": {}})
MESSAGES: tuple[object, ...] = (None, [], "text", 5, {}, {"role": 5})
CONTENTS: tuple[object, ...] = (
    None,
    [],
    {},
    5,
    "",
    [None, 5],
    [{"type": "text"}],
    [{"text": None}],
    True,
)
OUTPUTS: tuple[object, ...] = (
    None,
    [],
    {},
    "text",
    [5],
    [{"content": 5}],
    [{"content": [{"text": 5}]}],
)


def completion(text: object = TEXT, finish: object = "stop", **more: object) -> bytes:
    """Return a chat completion."""
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode()


def message(**fields: object) -> bytes:
    return json.dumps({"choices": [{"message": fields}]}).encode()


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def events(*documents: object, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: %s\r\n\r\n" % json.dumps(each).encode() for each in documents) + end


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"delta": fields}]}


# The body, and a pattern in the error; no pattern if the body has an answer.
BODIES: dict[str, tuple[bytes, str]] = {
    # -- no JSON
    "no body at all": (b"", "found: nothing"),
    "spaces": (b" " * 100_000, "found: nothing"),
    "NUL": (b"\x00" * 1000, NO_JSON),
    "HTML": (b"<!doctype html><title>Sign in</title>", f"{NO_JSON}, found: <!doctype html>"),
    "plain text": (b"I am a teapot", NO_JSON),
    "control sequences": (b"\x1b[2J\x1b]0;owned\x07", NO_JSON),
    "invalid UTF-8": (b'{"choices": "\xff\xfe"}', EMPTY),
    "UTF-16": (completion().decode().encode("utf-16"), NO_JSON),
    "truncated JSON": (completion()[:-9], NO_JSON),
    "two documents": (completion() * 2, NO_JSON),
    "deep lists": (b"[" * 100_000, NO_JSON),
    "deep objects": (b'{"a":' * 100_000, NO_JSON),
    "a deep content": (b'{"choices":[{"message":{"content":' + b'[{"text":' * 200 + b'"x"'
                       + b"}]" * 200 + b"}}]}", ""),
    "a number of 100,000 digits": (b'{"usage": ' + b"9" * 100_000 + b"}", NO_JSON),
    # -- JSON of another shape
    "null": (b"null", NO_OBJECT), "true": (b"true", NO_OBJECT), "a string": (b'"x"', NO_OBJECT),
    "a list": (b"[]", NO_OBJECT), "a number": (b"5", NO_OBJECT), "NaN": (b"NaN", NO_OBJECT),
    "an empty object": (b"{}", EMPTY),
    **{f"choices {each}": (body({"choices": each}), EMPTY)
       for each in CHOICES},
    **{f"message {each}": (body({"choices": [{"message": each}]}), EMPTY)
       for each in MESSAGES},
    **{f"content {each}": (message(content=each), EMPTY)
       for each in CONTENTS},
    "content in parts": (message(content=[{"type": "text", "text": TEXT}, None, 5]), ""),
    "reasoning of another type": (message(content=TEXT, reasoning_content=[5], reasoning={}), ""),
    "tool calls alone": (message(content=None, tool_calls=[{"function": {"arguments": 5}}]), EMPTY),
    "tool calls of another type": (message(content=TEXT, tool_calls="no"), ""),
    "a refusal": (message(content=None, refusal="I will not"), "the model refused: I will not"),
    "a refusal of another type": (message(content=None, refusal={"a": 1}), EMPTY),
    "duplicate keys": (b'{"choices": 5, ' + completion()[1:], ""),
    "an empty error": (completion(error={}), ""),
    "an error": (body({"error": {"message": "boom"}}), "reported an error: boom"),
    "an error as a list": (body({"error": ["boom"]}), "reported an error: .*boom"),
    "an error in an error": (body({"error": {"error": {"detail": "boom"}}}), "error: boom"),
    "an error as a number": (body({"error": 5}), EMPTY),
    **{f"finish reason {each}": (completion(finish=each), "")
       for each in (None, 5, {"type": "stop"}, ["stop"], "x" * 100_000, "\x1b[2J")},
    **{f"usage of {name}": (completion(usage=each), "") for name, each in USAGES.items()},
    "a surrogate": (completion(f"{TEXT}\ud800"), ""),
    "NUL in the text": (completion(f"\x00{TEXT}\x00"), ""),
    "control sequences in the text": (completion(f"\x1b[2J{TEXT}\x1b]0;owned\x07"), ""),
    # -- the Responses API
    **{f"output {each}": (body({"output": each}), EMPTY)
       for each in OUTPUTS},
    "incomplete without details": (body({"output": [], "status": "incomplete"}),
                                   "empty: it was cut at `max_tokens`"),
    "incomplete with odd details": (
        body({"output": [], "status": "incomplete", "incomplete_details": [5]}), "cut at"),
    # -- streams
    "a stream": (events(delta(content=TEXT[:9]), delta(content=TEXT[9:])), ""),
    "a stream without an end": (events(delta(content=TEXT), end=b'data: {"cho'), ""),
    "a stream of garbage": (b"data: x\n\ndata: 5\n\nevent: \xff\n\nid: 1\n\n:\n\n", EMPTY),
    "a stream of odd events": (
        events(None, 5, [], "x", {"choices": 5}, {"choices": [{"delta": 5}]}, delta(content=5),
               {"choices": [{"message": {"content": TEXT}}], "usage": "none"}), ""),
    "a stream with an error": (events(delta(content="x"), {"error": {"message": "boom"}}), "boom"),
    "comments alone": (b": ping\n" * 100_000, EMPTY),
    # -- thinking
    "thinking": (completion(f"<think>{DRAFT}</think>{TEXT}"), ""),
    "thinking without a start": (completion(f"{DRAFT}[/THINK]{TEXT}"), ""),
    "thinking in harmony": (completion(
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final"
        f"<|message|>{TEXT}<|return|>"), ""),
    "thinking in stripped harmony": (completion(f"analysisSo {DRAFT}assistantfinal{TEXT}"), ""),
    "thinking in the reasoning": (message(content="", reasoning=f"<think>{DRAFT}</think>{TEXT}"),
                                  ""),
    # -- long answers
    **{f"{size:,} characters of {name}": (completion(f"{(part * size)[:size]}\n{TEXT}"), "")
       for name, part, size in (
           ("strategies", "strategy s { buy when ", 17_000), ("braces", "{", 200_000),
           ("tags", "<think>x</think>", 100_000), ("fences", "```\n", 50_001),
           ("lines", "x\n", 2_000_000))},
}  # fmt: skip
