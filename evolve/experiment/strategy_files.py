"""Strategy files: their programs and the operators that they define."""

from __future__ import annotations

from pathlib import Path

from dsl.analysis.catalog import Catalog, catalog
from dsl.analysis.check import check_file, extend_catalog
from dsl.analysis.program import Program
from evolve.errors import EvolveError
from evolve.files import read_text


def read_strategies(
    path: Path, wanted_by: str = "", known: Catalog | None = None
) -> tuple[Program, ...]:
    """Read the strategies of a file.

    Args:
        path: the file, or `-` for standard input.
        wanted_by: the setting that names the file, for messages; empty for none.
        known: the operators that it may use; None for the built-in ones.

    Raises:
        EvolveError: if it cannot be read or has no strategy.
        LanguageError: with all errors of the file.
    """
    return check_strategies(read_text(path, wanted_by), path, wanted_by, known)


def check_strategies(
    text: str, path: Path, wanted_by: str = "", known: Catalog | None = None
) -> tuple[Program, ...]:
    """Check the text of a file, and return its strategies; see `read_strategies`."""
    programs = check_file(text, str(path), known)
    if not programs:
        lead = f"{wanted_by}: " if wanted_by else ""
        raise EvolveError(f"{lead}no strategy in {path}", "expected `strategy NAME { ... }`")
    return programs


def read_operators(paths: list[Path], wanted_by: str = "") -> Catalog:
    """Read the operators that files define, and add them to the built-in ones.

    Args:
        paths: the files; each may use the operators of those before it.
        wanted_by: the setting that names them, for messages; empty for none.

    Raises:
        EvolveError: if a file cannot be read.
        LanguageError: with all errors of a file.
    """
    known = catalog()
    for path in paths:
        known = extend_catalog(read_text(path, wanted_by), str(path), known)
    return known
