"""Request formats: one row for each way in which a server accepts a constraint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Strictness = Literal["grammar", "json_schema", "text"]
Endpoint = Literal["chat", "responses"]
Fields = dict[str, Any]
ANSWER = "strategy"  # the name of the schema, and of the tool of the Responses API
NOT_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


@dataclass(frozen=True)
class Constraint:
    """A constraint on an answer, in each notation that servers accept.

    Attributes:
        lark: a grammar for llguidance.
        gbnf: a grammar for llama.cpp and XGrammar.
        schema: a JSON schema.
        about: a description of the answer.
        notes: text to append to the last message, by strictness.
    """

    lark: str
    gbnf: str
    schema: Mapping[str, Any]
    about: str = ""
    notes: Mapping[Strictness, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestFormat:
    """A way to request a constrained answer.

    Attributes:
        name: its name in the journal.
        strictness: the kind of constraint that it enforces.
        servers: the servers that accept it.
        fields: maps a constraint to fields of the request.
        endpoint: chat completions, or OpenAI's Responses API.
    """

    name: str
    strictness: Strictness
    servers: str
    fields: Callable[[Constraint], Fields]
    endpoint: Endpoint = "chat"


def _structured_outputs(constraint: Constraint) -> Fields:
    return {"structured_outputs": {"grammar": constraint.lark}, **NOT_THINKING}


def _llguidance(constraint: Constraint) -> Fields:
    return {"grammar": "%llguidance {}\n" + constraint.lark, **NOT_THINKING}


def _gbnf(constraint: Constraint) -> Fields:
    return {"grammar": constraint.gbnf, **NOT_THINKING}


def _ebnf(constraint: Constraint) -> Fields:
    return {"ebnf": constraint.gbnf, **NOT_THINKING}


def _custom_tool(constraint: Constraint) -> Fields:
    grammar = {"type": "grammar", "syntax": "lark", "definition": constraint.lark}
    tool = {"type": "custom", "name": ANSWER, "description": constraint.about, "format": grammar}
    return {"tools": [tool], "tool_choice": {"type": "custom", "name": ANSWER}}


def _response_format(constraint: Constraint) -> Fields:
    schema = {"name": ANSWER, "strict": True, "schema": dict(constraint.schema)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _no_fields(constraint: Constraint) -> Fields:
    return {}


# In the order in which they are tried, the strictest first.
REQUEST_FORMATS = (
    RequestFormat("structured_outputs", "grammar", "vLLM", _structured_outputs),
    RequestFormat("llguidance", "grammar", "llama.cpp built with llguidance", _llguidance),
    RequestFormat("gbnf", "grammar", "llama.cpp", _gbnf),
    RequestFormat("ebnf", "grammar", "SGLang", _ebnf),
    RequestFormat("custom_tool", "grammar", "OpenAI's Responses API", _custom_tool, "responses"),
    RequestFormat("response_format", "json_schema", "Ollama, LM Studio, OpenRouter, OpenAI",
          _response_format),
    RequestFormat("text", "text", "any server", _no_fields),
)  # fmt: skip
SCHEMA, TEXT = REQUEST_FORMATS[-2:]


def formats_for(constraint: str) -> tuple[RequestFormat, ...]:
    """Return the formats to try for `auto` or one strictness; plain text is always the last."""
    if constraint == "auto":
        return REQUEST_FORMATS
    return tuple(each for each in REQUEST_FORMATS if each.strictness == constraint or each is TEXT)


def list_weaker_formats(
    request_format: RequestFormat, candidates: Sequence[RequestFormat]
) -> tuple[RequestFormat, ...]:
    """Return the formats after one; plain text if none follows."""
    index = candidates.index(request_format) if request_format in candidates else -1
    return tuple(candidates[index + 1 :]) or (TEXT,)
