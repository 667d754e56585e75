"""What a server answers, read whatever its dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evolve.errors import EvolveError

CHARACTERS_PER_TOKEN = 4  # of English and code, where a server counts nothing itself
MAX_SHOWN_CHARACTERS = 300
ERROR_IN_ANSWER = 200  # the status of an error that some servers send as an answer
CUT = {"max_output_tokens": "length"}  # what the Responses API calls it
STREAM_FIELDS = ("data:", "event:", "id:", "retry:", ":")  # how a stream of events begins


class ModelError(EvolveError):
    """A model that did not answer.

    Args:
        message: what happened.
        hint: how to mend it.
        status: the HTTP status; None where there was none.
        may_be_billed: whether the server may have worked for it all the same.
        is_out_of_reach: whether no word of the server came back.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        status: int | None = None,
        may_be_billed: bool = False,
        is_out_of_reach: bool = False,
    ) -> None:
        self.status = status
        self.may_be_billed = may_be_billed
        self.is_out_of_reach = is_out_of_reach
        super().__init__(message, hint)


@dataclass(frozen=True)
class Reply:
    """A model's answer.

    Attributes:
        text: what it says; reasoning: what it thought, where the server keeps that apart.
        finish: why it ended: `stop`, `length`, or as the server says.
        tokens_in, tokens_out: as the server counts them; estimated if it does not.
        seconds: how long it took.
    """

    text: str
    reasoning: str = ""
    finish: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


def read_reply(body: str, sent_characters: int, seconds: float) -> Reply:
    """The answer in a response's body: a chat completion, a stream of one, or a response.

    Args:
        body: as the server sent it.
        sent_characters: of the messages, to estimate what a server does not count.
        seconds: how long it took.

    Raises:
        ModelError: if there is no answer in it.
    """
    document = _document(body)
    if isinstance(document.get("error"), Mapping | str):
        said = _error_text(document["error"])
        raise ModelError(f"the server answered with an error: {said}", status=ERROR_IN_ANSWER)
    text, reasoning, finish, refusal = map(_unicode, _parts(document))
    if refusal and not text:
        raise ModelError(f"the model refused: {refusal[:MAX_SHOWN_CHARACTERS]}", may_be_billed=True)
    if not text and not reasoning:
        raise ModelError("the model answered nothing", may_be_billed=True)
    usage = document.get("usage")
    counted = usage if isinstance(usage, Mapping) else {}
    tokens_in = _count(counted, "prompt_tokens", "input_tokens")
    tokens_out = _count(counted, "completion_tokens", "output_tokens")
    return Reply(
        text, reasoning, finish,
        sent_characters // CHARACTERS_PER_TOKEN if tokens_in is None else tokens_in,
        len(text + reasoning) // CHARACTERS_PER_TOKEN if tokens_out is None else tokens_out,
        seconds,
    )  # fmt: skip


def _document(body: str) -> dict[str, Any]:
    body = body.lstrip("\ufeff \t\r\n")
    if body.startswith(STREAM_FIELDS):
        return _concat_events(body)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        shown = body[:MAX_SHOWN_CHARACTERS].strip() or "nothing"
        raise ModelError(f"the server's answer is not JSON: {shown}", may_be_billed=True) from None
    if not isinstance(document, dict):
        raise ModelError("the server's answer is not a JSON object", may_be_billed=True)
    return document


def _concat_events(body: str) -> dict[str, Any]:
    """A stream of server-sent events as the one completion it is a part of."""
    text: list[str] = []
    reasoning: list[str] = []
    refusal: list[str] = []
    finish, usage = "", None
    for event in _events(body):
        if event.get("error"):
            return event
        usage = event.get("usage") or usage
        for choice in _list(event.get("choices"))[:1]:
            part = choice.get("delta") or choice.get("message")
            delta = part if isinstance(part, Mapping) else {}
            text.append(_text(delta.get("content")))
            reasoning.append(_reasoning(delta))
            refusal.append(_text(delta.get("refusal")))
            finish = _text(choice.get("finish_reason")) or finish
    message = {
        "content": "".join(text),
        "reasoning_content": "".join(reasoning),
        "refusal": "".join(refusal),
    }
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def _events(body: str) -> Iterator[dict[str, Any]]:
    for line in body.split("\n"):
        try:
            event = json.loads(line.removeprefix("data:"))
        except (ValueError, RecursionError):
            continue  # a comment, the closing [DONE], or the cut end of a stream
        if isinstance(event, dict):
            yield event


def _parts(document: dict[str, Any]) -> tuple[str, str, str, str]:
    """Text, reasoning, why it ended, and a refusal."""
    if "output" in document:
        return _response_parts(document)
    choices = _list(document.get("choices"))
    if not choices:
        return "", "", "", ""
    message = choices[0].get("message")
    message = message if isinstance(message, Mapping) else {}
    text = _text(message.get("content")) or _text(choices[0].get("text"))
    finish = _text(choices[0].get("finish_reason"))
    return text, _reasoning(message), finish, _text(message.get("refusal"))


def _response_parts(document: dict[str, Any]) -> tuple[str, str, str, str]:
    """The parts of an answer of the Responses API: a custom tool's input, else its messages."""
    tools: list[str] = []
    said: list[str] = []
    thought: list[str] = []
    refused: list[str] = []
    for item in _list(document.get("output")):
        kind = item.get("type")
        if kind == "custom_tool_call":
            tools.append(_text(item.get("input")))
        for part in _list(item.get("content")):
            (thought if kind == "reasoning" else said).append(_text(part.get("text")))
            refused.append(_text(part.get("refusal")))
    details = document.get("incomplete_details")
    why = _text(details.get("reason")) if isinstance(details, Mapping) else ""
    finish = "stop" if document.get("status") != "incomplete" else CUT.get(why, why or "length")
    text = "\n".join(filter(None, tools or said))
    return text, "\n".join(thought), finish, "".join(refused)


def _reasoning(message: Mapping[str, Any]) -> str:
    return _text(message.get("reasoning_content")) or _text(message.get("reasoning"))


def _text(value: object) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(value, list):
        return "".join(_text(each.get("text")) for each in _list(value))
    return value if isinstance(value, str) else ""


def _unicode(text: str) -> str:
    """A text without the halves of characters that JSON can hold."""
    return text.encode("utf-8", "replace").decode()


def _list(value: object) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _error_text(error: object) -> str:
    message = error.get("message", json.dumps(error)) if isinstance(error, Mapping) else error
    return _unicode(str(message)[:MAX_SHOWN_CHARACTERS])
