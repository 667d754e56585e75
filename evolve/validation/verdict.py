"""Verdict on a run: a label and its reasons."""

from __future__ import annotations

from dataclasses import dataclass

NOT_TESTED = "NOT TESTED"


@dataclass(frozen=True)
class Verdict:
    """Label of a run, and the sentence that explains it."""

    label: str
    sentence: str


def untested(fills_at_close: bool, on_validation: bool) -> Verdict:
    """Return the verdict on a run without a null run.

    Args:
        fills_at_close: whether orders fill at the close of their own signal.
        on_validation: whether the search is scored on validation, which leaves no unseen data.
    """
    reasons = ["no null run was performed, so this may be luck"]
    if on_validation:
        reasons.append("the search was scored on validation, so no unseen data is left")
    if fills_at_close:
        reasons.append("orders filled at the close of their own signal, which cannot be traded")
    sentence = "; ".join(reasons)
    return Verdict(NOT_TESTED, f"{sentence[0].upper()}{sentence[1:]}.")
