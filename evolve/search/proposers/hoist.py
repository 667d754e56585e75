"""Hoist mutation: a part is replaced by one of its subparts, which shrinks the strategy.

Kinnear (1993), "Evolving a sort: lessons in genetic programming".
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from evolve.search.edit import choose_series, list_parts, list_replacements, replace_part
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one part replaced by a subpart of the same kind, if it has one."""
    rules = parents[0]
    index = choose_series(rules, rng)
    if index is None:
        return None
    candidates = list_replacements(list_parts(rules)[index])
    return replace_part(rules, index, rng.choice(candidates)) if candidates else None


PROPOSER = Proposer("hoist", "replaces a part by a subpart", 1, 0.4, propose)
