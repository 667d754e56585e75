"""Strategy files: the programs they hold, and the operators they define."""

from __future__ import annotations

from pathlib import Path

from dsl.analysis.catalog import Catalog, catalog
from dsl.analysis.check import check_file, definitions
from dsl.analysis.program import Program
from evolve.errors import EvolveError
from evolve.files import read_text


def read_strategies(
    path: Path, wanted_by: str = "", known: Catalog | None = None
) -> tuple[Program, ...]:
    """Every strategy of a file, for one that must hold at least one.

    Args:
        path: the file, or `-` for standard input.
        wanted_by: who asks for it, for messages.
        known: the operators it may use; the built-in ones if not given.

    Raises:
        EvolveError: if it cannot be read or holds no strategy.
        LanguageError: with everything that is wrong in it.
    """
    programs = check_file(read_text(path, wanted_by), str(path), known)
    if not programs:
        lead = f"{wanted_by}: " if wanted_by else ""
        raise EvolveError(f"{lead}{path} holds no strategy", "it may hold defines alone")
    return programs


def read_operators(paths: list[Path], wanted_by: str = "") -> Catalog:
    """The built-in operators and those that files define; each may use the files before it.

    Raises:
        EvolveError: if a file cannot be read.
        LanguageError: with everything that is wrong in one.
    """
    known = catalog()
    for path in paths:
        known = definitions(read_text(path, wanted_by), str(path), known)
    return known
