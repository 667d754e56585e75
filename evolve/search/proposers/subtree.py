"""Subtree mutation: a part is replaced by a new random one."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from dsl.types.kinds import Kind
from evolve.search.edit import choose_series, list_parts, replace_part
from evolve.search.grow import grow
from evolve.search.proposer import Proposer
from evolve.search.space import Space

MAX_DEPTH = 3


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one part replaced by a random term of its kind."""
    rules = parents[0]
    index = choose_series(rules, rng)
    if index is None:
        return None
    domain = list_parts(rules)[index].domain
    if not isinstance(domain, Kind) or domain not in space.productions:
        return None
    return replace_part(rules, index, grow(domain, MAX_DEPTH, space, rng))


PROPOSER = Proposer("subtree", "replaces a part by a random one", 1, 1.2, propose)
