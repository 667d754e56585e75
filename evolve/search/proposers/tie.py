"""Tie mutation: the exit of a side becomes `not` of its entry, as in `buy while C`, or its own.

A strategy that is in the market while a condition holds has one condition instead of two that must
fit each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from dsl.syntax.vocabulary import DIRECTION_ORDERS, DirectionName
from evolve.search.grow import grow_exit
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one side tied if it is not, else untied."""
    rules = parents[0]
    sides: list[DirectionName] = [
        side
        for side, order in DIRECTION_ORDERS.items()
        if getattr(rules, order.entry) is not None and space.is_free(order.exit)
    ]
    if not sides:
        return None
    side = rng.choice(sides)
    return rules.untie(side, grow_exit(space, rng)) if rules.is_tied(side) else rules.tie(side)


PROPOSER = Proposer("tie", "makes the exit `not` of the entry, or its own", 1, 0.4, propose)
