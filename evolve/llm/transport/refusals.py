"""Refusals of servers: their words, and the field of a request that they do not support."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

MAX_READ_CHARACTERS = 4000  # of an error
# The keys of an error in the dialects of servers, in order of precedence.
MESSAGE_KEYS = ("error", "message", "detail", "msg")
_TAG = re.compile(r"<(?:[^<>]*)>")
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted"
    r"|extra_forbidden|only the default",
    re.IGNORECASE,
)

_LIMIT_TOO_HIGH = re.compile(
    r"max_(?:completion_|output_)?tokens\b[^{}]{0,200}?"
    r"(?:too (?:large|high|big)|at most|less than|<=|maximum|valid range)",
    re.IGNORECASE,
)
LIMIT_HINT = "lower `max_tokens` of the model in `llm.models`"


def suggest_remedy(body: str) -> str:
    """Return a remedy of a refused request; empty if its error names no setting of the user."""
    return LIMIT_HINT if _LIMIT_TOO_HIGH.search(body[:MAX_READ_CHARACTERS]) else ""


def read_server_words(body: str) -> str:
    """Return the message in the body of an error: JSON in any dialect, HTML or text."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return " ".join(_TAG.sub(" ", body[:MAX_READ_CHARACTERS]).split())
    return read_message(document)


def read_message(error: object) -> str:
    """Return the message in an error of a server."""
    while isinstance(error, Mapping):
        key = next((key for key in MESSAGE_KEYS if error.get(key)), None)
        if key is None:
            break
        error = error[key]
    return (error if isinstance(error, str) else json.dumps(error))[:MAX_READ_CHARACTERS]


def find_unsupported_field(body: str, names: Collection[str]) -> str:
    """Return the field that an error reports as unsupported; empty if it reports none.

    Args:
        body: the body of the error.
        names: the fields that a request can omit.
    """
    body = body[:MAX_READ_CHARACTERS]
    if not names or not _UNSUPPORTED.search(body):
        return ""
    pattern = r"(?<![\w.])(?:" + "|".join(map(re.escape, names)) + r")(?!\w)"
    found = re.search(pattern, _read_parameter(body)) or re.search(pattern, body)
    return found.group() if found else ""


def _read_parameter(body: str) -> str:
    """Return the parameter that an error of OpenAI names; empty if it names none."""
    try:
        error = json.loads(body)["error"]["param"]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        return ""
    return error if isinstance(error, str) else ""
