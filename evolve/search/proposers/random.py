"""Random strategies, which add diversity to the population."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from evolve.search.grow import grow_rules
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Grow a random strategy."""
    return grow_rules(space, rng)


PROPOSER = Proposer("random", "grows a random strategy", 0, 1.0, propose)
