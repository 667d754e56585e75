"""Request formats that servers are known to support: from the cache of all runs, or a recording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dsl.cache_dir import cache_dir
from evolve.errors import EvolveError
from evolve.files import read_text, write_text
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.request_formats import REQUEST_FORMATS, RequestFormat

CONSTRAINED = ("propose", "repair")  # kinds of calls in the strictest format


def read_cached_format(key: str, candidates: Sequence[RequestFormat]) -> RequestFormat | None:
    """Return the cached format of a model if it is among the candidates."""
    name = _read_cache().get(key)
    return next((each for each in candidates if each.name == name), None)


def find_recorded_format(
    exchanges: Sequence[Exchange], candidates: Sequence[RequestFormat]
) -> RequestFormat | None:
    """Return the format of a recorded call if it is among the candidates.

    Returns:
        The format of its answer; None if there is no answer, or if the server refused the format
        of the first request.
    """
    answers = [each for each in exchanges if each.kind in CONSTRAINED]
    if len(answers) != 1 or answers[0].error:
        return None
    name = answers[0].request_format
    return next((each for each in candidates if each.name == name), None)


def write_cached_format(key: str, request_format: RequestFormat) -> None:
    """Write the format of a model to the cache; ignore an error, as it can be detected again."""
    cached = _read_cache()
    if cached.get(key) == request_format.name:
        return
    path = _cache_path()
    with suppress(OSError, EvolveError):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**cached, key: request_format.name}, indent=1, sort_keys=True)
        write_text(path, text, is_durable=False)


def _read_cache() -> dict[str, str]:
    names = {each.name for each in REQUEST_FORMATS}
    try:
        cached = json.loads(read_text(_cache_path()))
        return {str(key): name for key, name in cached.items() if name in names}
    except (EvolveError, OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}


def _cache_path() -> Path:
    return cache_dir() / "llm" / "request_formats.json"
