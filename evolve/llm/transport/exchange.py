"""Exchanges with models: the records from which a run can be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evolve.llm.transport.request_body import Message

Kind = Literal["probe", "propose", "repair", "summarize", "ask", "audit"]


@dataclass(frozen=True)
class Exchange:
    """One request, and its response or error.

    Attributes:
        kind: the purpose of the request.
        model: the label of the model.
        request_format: the name of the request format.
        messages: the prompt, as it was sent.
        text, reasoning, finish: the completion and its finish reason.
        tokens_in, tokens_out, usd, seconds: usage, cost and duration.
        error: the reason for a missing completion; empty if there is one.
        status: the HTTP status of an error; None if there was none.
        may_be_billed: whether the server may bill a completion that did not arrive.
        is_unreachable: whether the server sent nothing.
        omitted: names of fields that the server had refused before it answered.
    """

    kind: Kind
    model: str
    request_format: str
    messages: tuple[Message, ...]
    text: str = ""
    reasoning: str = ""
    finish: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    error: str = ""
    status: int | None = None
    may_be_billed: bool = False
    is_unreachable: bool = False
    omitted: tuple[str, ...] = ()
