"""Subtree mutation: a part is grown anew, or shrinks, or a setting comes or goes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dsl.analysis.program import Rules
from dsl.syntax.vocabulary import SETTINGS
from dsl.types.kinds import Kind
from evolve.search.edit import parts, replaced, series_places, series_within
from evolve.search.grow import grow, grow_setting
from evolve.search.proposer import Proposer
from evolve.search.space import Space

SETTING, SHRINK = 0.2, 0.25
GROWN_DEPTH = 3


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """The parent with one part made anew."""
    rules = parents[0]
    if rng.random() < SETTING:
        return _toggle_setting(rules, space, rng)
    at = rng.choice(series_places(rules))
    here = parts(rules)[at]
    if rng.random() < SHRINK:
        inner = series_within(here)
        return replaced(rules, at, rng.choice(inner)) if inner else None
    if not isinstance(here.place, Kind) or here.place not in space.productions:
        return None
    return replaced(rules, at, grow(here.place, GROWN_DEPTH, space, rng))


def _toggle_setting(rules: Rules, space: Space, rng: Random) -> Rules:
    name = rng.choice(SETTINGS)
    is_there = getattr(rules, name) is not None
    return rules._replace(**{name: None if is_there else grow_setting(name, space, rng)})


PROPOSER = Proposer("subtree", "a part grown anew", 1, 2.0, propose)
