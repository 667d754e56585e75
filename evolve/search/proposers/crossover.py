"""Crossover: a part of one strategy is replaced by a part of another, of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from dsl.syntax.vocabulary import DIRECTION_ORDERS, DirectionName
from evolve.search.edit import (
    adopt_parameters,
    choose_series,
    group_series,
    list_parts,
    replace_part,
)
from evolve.search.proposer import Proposer
from evolve.search.space import Space

WHOLE_RULE_SHARE = 0.3
SIDE_OF_ENTRY: dict[str, DirectionName] = {
    order.entry: side for side, order in DIRECTION_ORDERS.items()
}


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the first parent with a rule or a part replaced by one of the second."""
    host, donor = parents
    if rng.random() < WHOLE_RULE_SHARE:
        if not any(donor):
            return None
        name, term = rng.choice(donor.written.named())
        rules = host.replace_rule(name, adopt_parameters(term, host))
        side = SIDE_OF_ENTRY.get(name)
        return rules.tie(side) if side is not None and donor.is_tied(side) else rules
    index = choose_series(host, rng)
    if index is None:
        return None
    part = list_parts(host)[index]
    candidates = group_series(donor).get(part.domain)
    if not candidates:
        return None
    new = rng.choice(candidates)
    return replace_part(host, index, adopt_parameters(new, host)) if new is not part.term else None


PROPOSER = Proposer("crossover", "combines parts of two strategies", 2, 4.0, propose)
