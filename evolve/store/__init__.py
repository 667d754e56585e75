"""Storage of runs: a folder whose files are consistent and readable during the run."""

from evolve.store.folder import RunFolder
from evolve.store.journal import Journal

__all__ = ["Journal", "RunFolder"]
