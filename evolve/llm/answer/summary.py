"""Summaries of learnings in answers."""

from __future__ import annotations

from contextlib import suppress

from evolve.llm.answer.extraction import list_regions
from evolve.llm.prompt.learnings import Learnings, read_summary
from evolve.llm.transport.exchange import Exchange


def merge_summary(learnings: Learnings, answer: Exchange | None, summarized: int) -> Learnings:
    """Return learnings after an answer that summarizes them; shorten them if it is unusable.

    Args:
        learnings: the learnings.
        answer: the answer; None if there is none.
        summarized: number of the records that it summarizes.
    """
    if answer is not None and not answer.error:
        for region in list_regions(answer.text, answer.reasoning):
            with suppress(ValueError, RecursionError):
                return learnings.replace_merged(read_summary(region.text), summarized)
    return learnings.shorten()
