"""Loading of the files of a spec; a file holds one symbol or a part of it, or several symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.printable import make_printable
from evolve.data.source import FetchedBars, Spec, match_extension

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog


def fetch_files(
    spec: Spec,
    kind: str,
    extensions: Sequence[str],
    read: Callable[[Path, str], pd.DataFrame],
    row_name: Callable[[int], str],
    notices: NoticeLog,
) -> FetchedBars:
    """Load all files of a spec as one panel on the union of their times; join parts of a symbol.

    Args:
        spec: names a file, a folder or a pattern.
        kind: the file format, for messages.
        extensions: the extensions of that format.
        read: returns the table of a path; its second argument is the name for messages.
        row_name: returns the name of a row for messages, from its index in the file.
        notices: receives the symbols whose parts are joined, and how columns were read.

    Raises:
        EvolveError: if no file matches, if parts of a symbol overlap, or for the first error in a
            file.
    """
    from evolve.data.align import align
    from evolve.data.parts import FileBars, join_parts
    from evolve.data.tables.frames import bars_from_frame

    spec.check_options()
    paths = spec.list_files(kind, extensions)
    files = []
    for path in paths:
        origin = spec.name if len(paths) == 1 and path.name in spec.name else str(path)
        name = path.name[: len(path.name) - len(match_extension(path, extensions))] or path.name
        symbol = make_printable(name)  # a name that is not UTF-8 can be neither hashed nor written
        bars = bars_from_frame(read(path, origin), symbol, origin, row_name, notices)
        is_named = bars.symbols != (symbol,)
        files += [
            FileBars(path, bars.select_symbol(row), is_named) for row in range(len(bars.symbols))
        ]
    return FetchedBars(align(join_parts(files, notices)))
