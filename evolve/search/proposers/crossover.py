"""Crossover: a part of one strategy takes the place of a like part of another."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from evolve.search.edit import adopted, parts, replaced, series_by_kind, series_places
from evolve.search.proposer import Proposer
from evolve.search.space import Space

WHOLE_RULE = 0.3


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """The first parent with a whole rule, or a part of the same kind, from the second."""
    host, donor = parents
    if rng.random() < WHOLE_RULE:
        name, term = rng.choice(donor.named())
        return host._replace(**{name: adopted(term, host)})
    at = rng.choice(series_places(host))
    here = parts(host)[at]
    like = series_by_kind(donor).get(here.place)
    if not like:
        return None
    other = rng.choice(like)
    return replaced(host, at, adopted(other, host)) if other is not here.term else None


PROPOSER = Proposer("crossover", "parts of two strategies in one", 2, 4.0, propose)
