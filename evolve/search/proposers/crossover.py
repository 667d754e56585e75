"""Crossover: a part of one strategy takes the place of a like part of another."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from evolve.search.edit import (
    adopt_parameters,
    group_series,
    list_parts,
    replace_part,
    series_indices,
)
from evolve.search.proposer import Proposer
from evolve.search.space import Space

WHOLE_RULE_SHARE = 0.3


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """The first parent with a whole rule, or a part of the same kind, from the second."""
    host, donor = parents
    if rng.random() < WHOLE_RULE_SHARE:
        name, term = rng.choice(donor.named())
        return host._replace(**{name: adopt_parameters(term, host)})
    at = rng.choice(series_indices(host))
    here = list_parts(host)[at]
    like = group_series(donor).get(here.domain)
    if not like:
        return None
    other = rng.choice(like)
    return replace_part(host, at, adopt_parameters(other, host)) if other is not here.term else None


PROPOSER = Proposer("crossover", "parts of two strategies in one", 2, 4.0, propose)
