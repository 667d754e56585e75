"""Toggle mutation: a setting, such as a stop, is added or removed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from dsl.syntax.vocabulary import SETTINGS
from evolve.search.grow import grow_setting
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one setting added if it is absent, else removed."""
    rules = parents[0]
    name = rng.choice(SETTINGS)
    is_set = getattr(rules, name) is not None
    return rules._replace(**{name: None if is_set else grow_setting(name, space, rng)})


PROPOSER = Proposer("toggle", "adds or removes a setting", 1, 0.4, propose)
