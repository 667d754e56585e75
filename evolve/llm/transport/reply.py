"""Parsing of responses in the dialects of OpenAI-compatible servers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evolve.errors import EvolveError

CHARACTERS_PER_TOKEN = 4  # of English and code, to estimate usage that a server omits
MAX_SHOWN_CHARACTERS = 300
ERROR_IN_ANSWER = 200  # some servers send an error with this status
FINISH_REASONS = {"max_output_tokens": "length"}  # of the Responses API
STREAM_FIELDS = ("data:", "event:", "id:", "retry:", ":")  # a stream of events begins with one


class ModelError(EvolveError):
    """A request to a model that failed.

    Args:
        message: the error.
        hint: its remedy.
        status: the HTTP status; None if there was none.
        may_be_billed: whether the server may bill the request although it failed.
        is_unreachable: whether the server sent nothing.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        status: int | None = None,
        may_be_billed: bool = False,
        is_unreachable: bool = False,
    ) -> None:
        self.status = status
        self.may_be_billed = may_be_billed
        self.is_unreachable = is_unreachable
        super().__init__(message, hint)


@dataclass(frozen=True)
class Reply:
    """A completion.

    Attributes:
        text: the answer.
        reasoning: the reasoning, if the server returns it separately.
        finish: the finish reason: `stop`, `length` or another of the server.
        tokens_in, tokens_out: usage; estimated if the server does not report it.
        seconds: the duration of the request.
    """

    text: str
    reasoning: str = ""
    finish: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


def read_reply(body: str, sent_characters: int, seconds: float) -> Reply:
    """Parse the body of a response: a chat completion, a stream of one, or a Responses object.

    Args:
        body: the body as the server sent it.
        sent_characters: the length of the prompt, to estimate usage that a server omits.
        seconds: the duration of the request.

    Raises:
        ModelError: if it has no completion.
    """
    document = _parse_body(body)
    if isinstance(document.get("error"), Mapping | str):
        message = _read_error(document["error"])
        raise ModelError(f"the server reported an error: {message}", status=ERROR_IN_ANSWER)
    text, reasoning, finish, refusal = map(_replace_surrogates, _read_parts(document))
    if refusal and not text:
        raise ModelError(f"the model refused: {refusal[:MAX_SHOWN_CHARACTERS]}", may_be_billed=True)
    if not text and not reasoning:
        raise ModelError("the answer is empty", may_be_billed=True)
    usage = document.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    tokens_in = _read_count(usage, "prompt_tokens", "input_tokens")
    tokens_out = _read_count(usage, "completion_tokens", "output_tokens")
    return Reply(
        text, reasoning, finish,
        sent_characters // CHARACTERS_PER_TOKEN if tokens_in is None else tokens_in,
        len(text + reasoning) // CHARACTERS_PER_TOKEN if tokens_out is None else tokens_out,
        seconds,
    )  # fmt: skip


def _parse_body(body: str) -> dict[str, Any]:
    body = body.lstrip("\ufeff \t\r\n")
    if body.startswith(STREAM_FIELDS):
        return _concat_events(body)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        shown = body[:MAX_SHOWN_CHARACTERS].strip() or "nothing"
        raise ModelError(f"expected JSON, found: {shown}", may_be_billed=True) from None
    if not isinstance(document, dict):
        raise ModelError("expected a JSON object", may_be_billed=True)
    return document


def _concat_events(body: str) -> dict[str, Any]:
    """Combine server-sent events into one completion."""
    text: list[str] = []
    reasoning: list[str] = []
    refusal: list[str] = []
    finish, usage = "", None
    for event in _parse_events(body):
        if event.get("error"):
            return event
        usage = event.get("usage") or usage
        for choice in _list_mappings(event.get("choices"))[:1]:
            part = choice.get("delta") or choice.get("message")
            delta = part if isinstance(part, Mapping) else {}
            text.append(_read_text(delta.get("content")))
            reasoning.append(_read_reasoning(delta))
            refusal.append(_read_text(delta.get("refusal")))
            finish = _read_text(choice.get("finish_reason")) or finish
    message = {
        "content": "".join(text),
        "reasoning_content": "".join(reasoning),
        "refusal": "".join(refusal),
    }
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def _parse_events(body: str) -> Iterator[dict[str, Any]]:
    for line in body.split("\n"):
        try:
            event = json.loads(line.removeprefix("data:"))
        except (ValueError, RecursionError):
            continue  # a comment, the final [DONE] or a truncated event
        if isinstance(event, dict):
            yield event


def _read_parts(document: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return the text, the reasoning, the finish reason and the refusal."""
    if "output" in document:
        return _read_response_parts(document)
    choices = _list_mappings(document.get("choices"))
    if not choices:
        return "", "", "", ""
    message = choices[0].get("message")
    message = message if isinstance(message, Mapping) else {}
    text = _read_text(message.get("content")) or _read_text(choices[0].get("text"))
    finish = _read_text(choices[0].get("finish_reason"))
    return text, _read_reasoning(message), finish, _read_text(message.get("refusal"))


def _read_response_parts(document: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return the parts of a Responses object: its text is a tool's input, else its messages."""
    tools: list[str] = []
    texts: list[str] = []
    reasoning: list[str] = []
    refusals: list[str] = []
    for item in _list_mappings(document.get("output")):
        kind = item.get("type")
        if kind == "custom_tool_call":
            tools.append(_read_text(item.get("input")))
        for part in _list_mappings(item.get("content")):
            (reasoning if kind == "reasoning" else texts).append(_read_text(part.get("text")))
            refusals.append(_read_text(part.get("refusal")))
    details = document.get("incomplete_details")
    reason = _read_text(details.get("reason")) if isinstance(details, Mapping) else ""
    finish = (
        "stop"
        if document.get("status") != "incomplete"
        else FINISH_REASONS.get(reason, reason or "length")
    )
    text = "\n".join(filter(None, tools or texts))
    return text, "\n".join(reasoning), finish, "".join(refusals)


def _read_reasoning(message: Mapping[str, Any]) -> str:
    return _read_text(message.get("reasoning_content")) or _read_text(message.get("reasoning"))


def _read_text(value: object) -> str:
    """Return a text, or the concatenated texts of a list of parts."""
    if isinstance(value, list):
        return "".join(_read_text(each.get("text")) for each in _list_mappings(value))
    return value if isinstance(value, str) else ""


def _replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can contain but UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _list_mappings(value: object) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [each for each in items if isinstance(each, Mapping)]


def _read_count(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _read_error(error: object) -> str:
    message = error.get("message", json.dumps(error)) if isinstance(error, Mapping) else error
    return _replace_surrogates(str(message)[:MAX_SHOWN_CHARACTERS])
