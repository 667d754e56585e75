"""Hoist mutation: a part is replaced by one of its own parts, so that the strategy shrinks.

Kinnear (1993), "Evolving a sort: lessons in genetic programming".
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from evolve.search.edit import list_parts, list_replacements, replace_part, series_indices
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one part replaced by a part of itself; None if there is none."""
    rules = parents[0]
    at = rng.choice(series_indices(rules))
    inner = list_replacements(list_parts(rules)[at])
    return replace_part(rules, at, rng.choice(inner)) if inner else None


PROPOSER = Proposer("hoist", "a part replaced by a part of itself", 1, 0.4, propose)
