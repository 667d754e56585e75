"""Parsing of responses in the dialects of OpenAI-compatible servers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evolve.errors import EvolveError
from evolve.llm.transport.refusals import read_message

CHARACTERS_PER_TOKEN = 4  # of English and code, to estimate usage that a server omits
MAX_TEXT_CHARACTERS = 200_000  # of an answer, and of its reasoning
MAX_TOKENS = 10_000_000  # in or out; a higher number is an error of the server
MAX_SHOWN_CHARACTERS = 300
MAX_NAME_CHARACTERS = 200  # of a model or a finish reason
ERROR_IN_ANSWER = 200  # some servers send an error with this status
CUT = "length"  # the finish reason of an answer that ends at `max_tokens`
# The names of that reason in the Responses API, and at Anthropic, Google and Mistral.
CUT_NAMES = ("max_output_tokens", "max_tokens", "max_completion_tokens", "model_length")
STREAM_FIELDS = ("data:", "event:", "id:", "retry:", ":")  # a stream of events begins with one


class ModelError(EvolveError):
    """A request to a model that failed.

    Args:
        message: the error.
        hint: its remedy.
        status: the HTTP status; None if there was none.
        may_be_billed: whether the server may bill the request although it failed.
        is_unreachable: whether the server sent nothing.
        body: the beginning of the body of an error.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        status: int | None = None,
        may_be_billed: bool = False,
        is_unreachable: bool = False,
        body: str = "",
    ) -> None:
        self.status = status
        self.may_be_billed = may_be_billed
        self.is_unreachable = is_unreachable
        self.body = body
        super().__init__(message, hint)


class OtherFormatError(ModelError):
    """A response in a format that is not of the API: the address may be wrong."""


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
    error = document.get("error")
    if error and isinstance(error, Mapping | str | list):
        message = _replace_surrogates(read_message(error))[:MAX_SHOWN_CHARACTERS]
        raise ModelError(f"the server reported an error: {message}", status=ERROR_IN_ANSWER)
    text, reasoning, finish, refusal = map(_replace_surrogates, _read_parts(document))
    if refusal and not text:
        raise ModelError(f"the model refused: {refusal[:MAX_SHOWN_CHARACTERS]}", may_be_billed=True)
    if not text and not reasoning:
        is_cut = finish == CUT
        raise ModelError(
            f"the answer is empty{': it was cut at `max_tokens`' if is_cut else ''}",
            "raise `max_tokens` of the model: its reasoning used all of them" if is_cut else "",
            may_be_billed=True,
        )
    usage = document.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    return Reply(
        clip_text(text), clip_text(reasoning), finish,
        _read_count(usage, sent_characters, "prompt_tokens", "input_tokens"),
        _read_count(usage, len(text + reasoning), "completion_tokens", "output_tokens"),
        seconds,
    )  # fmt: skip


def read_model_names(body: str) -> list[str]:
    """Parse a list of models: of OpenAI, of Ollama, or a list of names.

    A name that is no printable text is omitted.

    Args:
        body: the body as the server sent it.

    Raises:
        ModelError: if it has no list of models.
    """
    document = _parse_json(body)
    if isinstance(document, Mapping):
        error = document.get("error")
        if error:
            message = _replace_surrogates(read_message(error))[:MAX_SHOWN_CHARACTERS]
            raise OtherFormatError(f"the server reported an error: {message}")
        document = document.get("data", document.get("models"))
    if not isinstance(document, list):
        raise OtherFormatError(f"expected a list of models, found: {_shorten(body)}")
    names: dict[str, None] = {}
    for each in document:
        keys = ("id", "name", "model") if isinstance(each, Mapping) else ()
        values = [each, *(each[key] for key in keys if key in each)]
        name = next((value for value in values if isinstance(value, str) and value.strip()), "")
        if name.isprintable() and 0 < len(name) <= MAX_NAME_CHARACTERS:
            names[name] = None
    return list(names)


def clip_text(text: str) -> str:
    """Return a text, or the beginning and the end of it if it is too long."""
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    half = MAX_TEXT_CHARACTERS // 2
    return f"{text[:half]}\n{text[1 - half :]}"


def _parse_body(body: str) -> dict[str, Any]:
    body = body.lstrip("\ufeff \t\r\n")
    if body.startswith(STREAM_FIELDS):
        return _concat_events(body)
    document = _parse_json(body)
    if not isinstance(document, dict):
        raise OtherFormatError("expected a JSON object", may_be_billed=True)
    return document


def _parse_json(body: str) -> object:
    try:
        return json.loads(body.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise OtherFormatError(f"expected JSON, found: {_shorten(body)}", may_be_billed=True) \
            from None  # fmt: skip


def _shorten(body: str) -> str:
    return body[:MAX_SHOWN_CHARACTERS].strip() or "nothing"


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
            finish = _read_finish(choice.get("finish_reason")) or finish
    message = {
        "content": "".join(text),
        "reasoning_content": "".join(reasoning),
        "refusal": "".join(refusal),
    }
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def _parse_events(body: str) -> Iterator[dict[str, Any]]:
    for line in body.split("\n"):
        data = line.removeprefix("data:").lstrip()
        if not data.startswith("{"):
            continue  # a comment, another field or the final [DONE]
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            continue  # a truncated event
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
    finish = _read_finish(choices[0].get("finish_reason"))
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
    reason = _read_finish(details.get("reason")) if isinstance(details, Mapping) else ""
    finish = (reason or CUT) if document.get("status") == "incomplete" else "stop"
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


def _read_finish(value: object) -> str:
    """Return a finish reason; `length` in each of its names."""
    reason = value.get("type") if isinstance(value, Mapping) else value
    name = reason[:MAX_NAME_CHARACTERS] if isinstance(reason, str) else ""
    return CUT if name.lower() in CUT_NAMES else name


def _read_count(usage: Mapping[str, Any], characters: int, *names: str) -> int:
    """Return a number of tokens; estimate it from the text if the reported one is impossible."""
    least = 1 if characters else 0
    for name in names:
        value = usage.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if least <= value <= MAX_TOKENS and value == int(value):
            return int(value)
    return max(least, characters // CHARACTERS_PER_TOKEN)
