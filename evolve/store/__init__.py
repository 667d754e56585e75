"""Storage of runs: a folder whose files are consistent and readable during the run."""

from evolve.store.database import JOURNAL_ERRORS, JournalError
from evolve.store.folder import JOURNAL, REPORT, RESULT, RunFolder
from evolve.store.journal import Journal

__all__ = ["JOURNAL", "JOURNAL_ERRORS", "REPORT", "RESULT", "Journal", "JournalError", "RunFolder"]
