"""Stops, trails and targets of a search: a ratio or a multiple of a volatility."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from dsl.analysis.program import Rules
from dsl.generate.productions import DISTANCE_FACTOR, RATIO_OF_PRICE
from dsl.syntax.vocabulary import DISTANCES
from dsl.terms.terms import Term
from evolve.search.grow import grow_rules, grow_setting
from evolve.search.proposers import PROPOSERS
from evolve.search.space import VOLATILITIES, Space, build_space

SPACE = build_space(directions=("long", "short"), max_nodes=80)


def is_in_family(term: Term) -> bool:
    if term.value is not None:
        return RATIO_OF_PRICE.low <= term.value <= RATIO_OF_PRICE.high
    factor, volatility = term.args
    value = factor.value
    assert value is not None
    is_factor = DISTANCE_FACTOR.low <= value <= DISTANCE_FACTOR.high
    return term.head == "*" and is_factor and volatility.head in VOLATILITIES


def distances(rules: Rules) -> Iterator[Term]:
    return (each for name, each in rules.named() if name in DISTANCES)


def test_random_distances_are_ratios_or_multiples_of_a_volatility() -> None:
    rng = Random(1)
    drawn = [grow_setting("stop", SPACE, rng) for _ in range(300)]
    assert all(map(is_in_family, drawn))
    heads = {each.args[1].head for each in drawn if each.args}
    assert heads == set(VOLATILITIES)
    assert any(each.value is not None for each in drawn)


def test_without_a_volatility_a_distance_is_a_ratio() -> None:
    space, rng = build_space(["rsi", "sma"]), Random(2)
    assert all(grow_setting("stop", space, rng).value is not None for _ in range(100))


@pytest.mark.parametrize("name", PROPOSERS)
def test_breeding_stays_in_the_family(name: str) -> None:
    rng = Random(3)
    pool = [grow_rules(SPACE, rng) for _ in range(60)]
    changed = 0
    for _ in range(2_000):
        parents = [rng.choice(pool) for _ in range(PROPOSERS[name].parents)]
        child = PROPOSERS[name].propose(parents, SPACE, rng)
        if child is None:
            continue
        assert all(map(is_in_family, distances(child)))
        changed += bool(parents) and list(distances(child)) != list(distances(parents[0]))
        pool[rng.randrange(len(pool))] = child
    assert changed > 10 or name in ("hoist", "point", "random", "subtree", "tie")


def test_settings_are_never_parts_of_conditions() -> None:
    space: Space = SPACE
    rng = Random(4)
    for _ in range(300):
        rules = grow_rules(space, rng)
        child = PROPOSERS["subtree"].propose([rules], space, rng)
        assert child is None or list(distances(child)) == list(distances(rules))
