"""Bars from the files that a spec names: each file one symbol, or several in a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.data.source import Fetched, Spec, match_extension

if TYPE_CHECKING:
    import pandas as pd


def fetch_files(
    spec: Spec,
    kind: str,
    endings: Sequence[str],
    read: Callable[[Path, str], pd.DataFrame],
    row_name: Callable[[int], str],
) -> Fetched:
    """The bars of all files of a spec on the union of their times.

    Args:
        spec: a path, a folder or a pattern.
        kind, endings: of its files.
        read: path and what to call it -> its table.
        row_name: position of a row -> how a person finds it.
    """
    from evolve.data.align import align
    from evolve.data.frames import bars_from_frame

    spec.only()
    paths = spec.files(kind, endings)
    parts = []
    for path in paths:
        origin = spec.name if len(paths) == 1 and path.name in spec.name else str(path)
        symbol = path.name[: len(path.name) - len(match_extension(path, endings))] or path.name
        parts.append(bars_from_frame(read(path, origin), symbol, origin, row_name))
    return Fetched(align(parts))
