"""Program of a trial, read from its source in the journal."""

from __future__ import annotations

from functools import lru_cache

from dsl.analysis.check import check
from dsl.analysis.program import Program

MAX_PROGRAMS = 512  # of a page: those of its archive, of its finalists and of its lineage


@lru_cache(MAX_PROGRAMS)
def check_trial(source: str) -> Program:
    """Check the source of a trial.

    The pages of a run that goes on show mostly the same trials, and several parts of one page do.

    Raises:
        LanguageError, ValueError: if the source is not that of one strategy.
    """
    return check(source)
