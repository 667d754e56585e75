"""Bodies of requests: the prompt, the parameters of the model and the fields of a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evolve.llm.transport.model import OPENAI, Model

Message = dict[str, str]
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")  # names of one field; a server accepts one
# Fields that a request can omit if a server does not support them.
OPTIONAL_FIELDS = (*LIMIT_FIELDS, "temperature", "reasoning_effort", "reasoning")


def build_chat_body(
    model: Model,
    messages: Sequence[Message],
    fields: Mapping[str, Any],
    limit: int,
    unsupported: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Build a request for chat completions.

    Args:
        model: the model and its parameters; a field that is null in its `extra_body` is omitted.
        messages: the prompt.
        fields: the fields of the request format.
        limit: the maximum length of the answer, in tokens.
        unsupported: the fields that the server does not support.
    """
    is_openai = model.base_url == OPENAI  # which accepts `max_tokens` for old models only
    names = LIMIT_FIELDS[::-1] if is_openai else LIMIT_FIELDS
    own = {
        next(name for name in names if name not in unsupported): limit,
        "temperature": model.temperature,
        "reasoning_effort": model.reasoning_effort,
    }
    prompt = {"model": model.name, "messages": list(messages)}
    return _complete(prompt | _select(own, unsupported) | dict(fields), model)


def build_response_body(
    model: Model,
    messages: Sequence[Message],
    fields: Mapping[str, Any],
    limit: int,
    unsupported: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Build a request for the Responses API, with the arguments of `build_chat_body`."""
    effort = model.reasoning_effort
    own = {
        "max_output_tokens": limit,
        "store": False,
        "temperature": model.temperature,
        "reasoning": None if effort is None else {"effort": effort},
    }
    prompt = {"model": model.name, "input": list(messages)}
    return _complete(prompt | _select(own, unsupported) | dict(fields), model)


def list_optional_fields(
    body: Mapping[str, Any], model: Model, unsupported: frozenset[str]
) -> list[str]:
    """Return the fields that a request can omit. Those of `extra_body` belong to the user.

    The limit on tokens is renamed once, but never omitted.
    """
    is_renamed = bool(unsupported.intersection(LIMIT_FIELDS))
    names = OPTIONAL_FIELDS[len(LIMIT_FIELDS) :] if is_renamed else OPTIONAL_FIELDS
    return [name for name in names if name in body and name not in model.extra_body]


def _select(own: Mapping[str, Any], unsupported: frozenset[str]) -> dict[str, Any]:
    return {
        name: value for name, value in own.items() if value is not None and name not in unsupported
    }


def _complete(body: dict[str, Any], model: Model) -> dict[str, Any]:
    """Return a body with the fields of the user."""
    extra = model.extra_body
    omitted = {name for name, value in extra.items() if value is None}
    return {name: value for name, value in (body | dict(extra)).items() if name not in omitted}
