"""The run folder: what a run keeps, whole at every moment and readable while it goes on."""

from evolve.store.folder import RunFolder
from evolve.store.journal import Journal

__all__ = ["Journal", "RunFolder"]
