"""Loading of the files of a spec; a file holds one symbol, or several with a symbol column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.data.source import FetchedBars, Spec, match_extension

if TYPE_CHECKING:
    import pandas as pd


def fetch_files(
    spec: Spec,
    kind: str,
    extensions: Sequence[str],
    read: Callable[[Path, str], pd.DataFrame],
    row_name: Callable[[int], str],
) -> FetchedBars:
    """Load all files of a spec as one panel on the union of their times.

    Args:
        spec: names a file, a folder or a pattern.
        kind: the file format, for messages.
        extensions: the extensions of that format.
        read: returns the table of a path; its second argument is the name for messages.
        row_name: returns the name of a row for messages, from its index in the file.

    Raises:
        EvolveError: if no file matches, or for the first error in a file.
    """
    from evolve.data.align import align
    from evolve.data.frames import bars_from_frame

    spec.check_options()
    paths = spec.list_files(kind, extensions)
    parts = []
    for path in paths:
        origin = spec.name if len(paths) == 1 and path.name in spec.name else str(path)
        symbol = path.name[: len(path.name) - len(match_extension(path, extensions))] or path.name
        parts.append(bars_from_frame(read(path, origin), symbol, origin, row_name))
    return FetchedBars(align(parts))
