"""Rows of trials as a journal stores them."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.printing.decompile import compact_text
from evolve.search.individual import Individual


def build_trial_row(number: int, each: Individual) -> tuple[object, ...]:
    """Return the row of a trial.

    Args:
        number: its number, from 1.
        each: its individual.
    """
    return (
        number,
        each.program.hash,
        compact_text(each.program),
        each.program.nodes,
        each.proposer,
        " ".join(each.parents),
        each.island,
        each.epoch,
        _encode_numbers(each.scores.values),
        _encode_numbers(each.scores.folds),
        each.scores.trades,
        each.scores.infeasible_reason,
    )


def _encode_numbers(values: Sequence[float]) -> str:
    """Encode finite numbers as JSON, faster than `json.dumps`."""
    return f"[{', '.join(map(repr, values))}]"
