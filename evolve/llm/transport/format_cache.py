"""Cache of the request formats that servers support, shared by all runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dsl.cache_dir import cache_dir
from evolve.errors import EvolveError
from evolve.files import read_text, write_text
from evolve.llm.transport.request_formats import REQUEST_FORMATS, RequestFormat


def read_cached_format(key: str, candidates: Sequence[RequestFormat]) -> RequestFormat | None:
    """Return the cached format of a model if it is among the candidates."""
    name = _read_cache().get(key)
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
