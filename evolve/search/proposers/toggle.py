"""Toggle mutation: a setting, such as a stop, is added, removed or drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from dsl.syntax.vocabulary import SETTINGS
from evolve.search.grow import grow_setting
from evolve.search.proposer import Proposer
from evolve.search.space import Space

REMOVE_SHARE = 0.5  # of the proposals that change a setting


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one setting added if it is absent, else removed or drawn again."""
    rules = parents[0]
    name = rng.choice(SETTINGS)
    is_removed = getattr(rules, name) is not None and rng.random() < REMOVE_SHARE
    return rules._replace(**{name: None if is_removed else grow_setting(name, space, rng)})


PROPOSER = Proposer("toggle", "adds, removes or replaces a setting", 1, 0.4, propose)
