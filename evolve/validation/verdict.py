"""The verdict on a run: one of few labels, and the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass

NOT_TESTED = "NOT TESTED"


@dataclass(frozen=True)
class Verdict:
    """A label, and one plain sentence."""

    label: str
    sentence: str


def untested(fills_at_close: bool, on_validation: bool) -> Verdict:
    """The verdict on a run of which no null run was made.

    Args:
        fills_at_close: orders filled at the close of their own signal, which nobody can trade.
        on_validation: the search was scored on validation, so that nothing was left to test on.
    """
    reasons = ["no null run was made, so this may be luck"]
    if on_validation:
        reasons.append("the search was scored on validation, so nothing unseen is left of it")
    if fills_at_close:
        reasons.append("orders filled at the very close that gave the signal, as no one can trade")
    sentence = "; ".join(reasons)
    return Verdict(NOT_TESTED, f"{sentence[0].upper()}{sentence[1:]}.")
