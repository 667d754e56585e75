"""What was said to a model and what it said: the record that a run can be replayed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evolve.llm.transport.server import Message

Kind = Literal["probe", "propose", "repair", "summarize", "ask", "audit"]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, or why there is none.

    Attributes:
        kind: what it was for.
        model: the label of the model asked; shape: how it was held to the language.
        messages: as they were sent.
        text, reasoning, finish: the answer.
        tokens_in, tokens_out, usd, seconds: what it took.
        error: why there is no answer; empty if there is one.
        status: the HTTP status of an error; None where there was none.
        may_be_billed: whether the server may have worked for an answer that never came.
        is_out_of_reach: whether no word of it came back.
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
