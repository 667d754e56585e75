"""Errors of journals: what failed, and what its user can do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from evolve.errors import EvolveError
from evolve.store.files import NULL, format_command, format_resume

# Errors of a journal that cannot be written, or of a value that SQLite cannot store.
JOURNAL_ERRORS = (sqlite3.Error, OSError, UnicodeError, OverflowError)


class JournalError(EvolveError):
    """Error of a journal that cannot be written or continued; what it has is readable."""


def report_unbegun(folder: Path) -> EvolveError:
    """Return the error of a run that was stopped before its first commit."""
    hint = "run the experiment again, unless it begins at this moment"
    return EvolveError(f"the run in {folder} has not begun", hint)


def report_damage(journal: Path, error: Exception) -> JournalError:
    """Return the error of a journal whose content is damaged."""
    reason = " ".join(str(error).split("\n")[:3])  # pydantic adds the value
    hint = f"restore the file, or {_find_remedy(journal)}"
    return JournalError(f"cannot read {journal}: {reason}", hint)


def report_failure(journal: Path, error: Exception) -> JournalError:
    """Return the error of a journal that cannot be written."""
    reason, remedy = str(error), "free some space"
    name = getattr(error, "sqlite_errorname", "")
    if isinstance(error, FileNotFoundError):
        reason, remedy = "it was deleted", "restore the file"
    elif name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        remedy = "allow writing in the folder"
    elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        remedy = _find_remedy(journal)
    hint = f"{remedy}; to go on: {format_resume(_find_run(journal))}"
    return JournalError(f"cannot write {journal}: {reason}", hint)


def _find_remedy(journal: Path) -> str:
    """Return what helps if the content of a journal is damaged."""
    if _find_run(journal) == journal.parent:
        return f"rebuild what is whole: {format_command('runs --repair', journal.parent)}"
    return "delete it (models are then asked for its answers again)"


def _find_run(journal: Path) -> Path:
    """Return the folder of the run of a journal, which a null search may have written."""
    return journal.parent.parent if journal.parent.name == NULL else journal.parent
