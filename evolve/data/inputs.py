"""Files that data specs read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from evolve.data.dataset import DataRequest
from evolve.data.source import parse_spec
from evolve.data.sources import SOURCES
from evolve.errors import EvolveError


def list_input_files(request: DataRequest) -> list[Path]:
    """Return the existing files that a request reads, with those of its fallback."""
    files: list[Path] = []
    for specs in (request.source, request.fallback or ()):
        for text in (specs,) if isinstance(specs, str) else specs:
            with suppress(EvolveError):  # the load reports it
                spec = parse_spec(text, SOURCES, request.base)
                if extensions := SOURCES[spec.source].extensions:
                    files.extend(spec.list_files(spec.source, extensions))
    return files
