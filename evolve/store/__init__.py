"""Storage of runs: a folder whose files are consistent and readable during the run."""

from typing import TYPE_CHECKING

from evolve.store.files import JOURNAL, REPORT, RESULT
from evolve.store.journal_errors import JOURNAL_ERRORS, JournalError

if TYPE_CHECKING:
    from evolve.store.folder import RunFolder
    from evolve.store.journal import Journal

__all__ = ["JOURNAL", "JOURNAL_ERRORS", "REPORT", "RESULT", "Journal", "JournalError", "RunFolder"]


def __getattr__(name: str) -> object:
    """Import a class at its first use; a list of runs needs none of their slow imports."""
    if name == "RunFolder":
        from evolve.store.folder import RunFolder

        return RunFolder
    if name == "Journal":
        from evolve.store.journal import Journal

        return Journal
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
