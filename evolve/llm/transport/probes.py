"""Probes of request formats: the word that a probe requires, and the meaning of its failure."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from string import ascii_lowercase

from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import ERROR_IN_ANSWER
from evolve.llm.transport.request_formats import Constraint, RequestFormat

WORD_LETTERS = 12
PROBE_TOKENS = 400  # enough for a reasoning model
# Statuses with which servers reject an unsupported field, or anything else in a request.
REFUSAL_STATUSES = (ERROR_IN_ANSWER, 400, 404, 405, 415, 422, 500, 501)


def draw_word(model: Model, request_format: RequestFormat) -> str:
    """Return a word that no model writes unprompted, determined by model and format."""
    rng = Random(f"{model.base_url} {model.name} {request_format.name}")
    return "".join(rng.choices(ascii_lowercase, k=WORD_LETTERS))


def build_word_constraint(word: str) -> Constraint:
    """Return a constraint that only one word matches."""
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": [word]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return Constraint(f'start: "{word}"\n', f'root ::= "{word}"\n', schema)


def is_unreachable(
    answer: Exchange, request_format: RequestFormat, before: Sequence[Exchange]
) -> bool:
    """Return whether an error means an unreachable server, not an unsupported format."""
    if answer.is_unreachable:
        has_answered = any(not each.error for each in before)
        return answer.may_be_billed or not has_answered
    is_refusal = answer.status in REFUSAL_STATUSES or request_format.endpoint == "responses"
    return answer.status is not None and not is_refusal
