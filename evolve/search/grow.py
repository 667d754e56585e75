"""Random typed terms and rules, grown from a space's productions."""

from __future__ import annotations

from random import Random

from dsl.analysis.program import Rules
from dsl.generate.productions import HOLD, RATIO_OF_PRICE, SIZE, Constant, Domain, Window
from dsl.syntax.vocabulary import SIDES
from dsl.terms.terms import Term, call, number
from dsl.types.kinds import BOOL, DIFF, Kind
from evolve.search.space import Space

CONDITION_DEPTH = 4
REDRAWS = 3
DISTANCE_DEPTH = 3

# How often a fresh strategy has each part.
SELL, STOP, TRAIL, TARGET, HOLDS, SIZED = 0.85, 0.25, 0.15, 0.12, 0.15, 0.08
LEAF, FURTHER_CONDITION = 0.7, 0.25


def grow_rules(space: Space, rng: Random) -> Rules:
    """A fresh random strategy."""
    rules: dict[str, Term] = {}
    for direction, (entry, leave) in SIDES.items():
        if direction in space.directions:
            rules[entry] = grow_condition(space, rng)
            if rng.random() < SELL:
                rules[leave] = grow_condition(space, rng)
    for name, chance in (
        ("stop", STOP),
        ("trail", TRAIL),
        ("target", TARGET),
        ("hold", HOLDS),
        ("size", SIZED),
    ):
        if rng.random() < chance:
            rules[name] = grow_setting(name, space, rng)
    return Rules(**rules)


def grow_condition(space: Space, rng: Random) -> Term:
    """One comparison, or a few of them joined by `and`."""
    condition = grow(BOOL, CONDITION_DEPTH, space, rng)
    while rng.random() < FURTHER_CONDITION:
        further = grow(BOOL, CONDITION_DEPTH - 1, space, rng)
        condition = call(space.catalog.operator("and"), condition, further)
    return condition


def grow_setting(name: str, space: Space, rng: Random) -> Term:
    """A random `size`, `stop`, `trail`, `target` or `hold`."""
    if name == "hold":
        return draw_window(HOLD, rng)
    if name == "size":
        return draw_constant(SIZE, rng)
    if DIFF in space.productions and rng.random() < 0.5:
        return grow(DIFF, DISTANCE_DEPTH, space, rng)
    return draw_constant(RATIO_OF_PRICE, rng)


def grow(kind: Kind, depth: int, space: Space, rng: Random) -> Term:
    """A random term of a kind, at most `depth` deep where the kind allows it."""
    depth = max(depth, space.min_depth(kind))
    if kind == BOOL:
        groups = space.comparisons(depth)
    elif depth > 1 and rng.random() < LEAF:
        groups = space.within(kind, max(space.min_depth(kind), min(2, depth - 1)))
    else:
        groups = space.within(kind, depth)
    production = rng.choice(rng.choice(groups))
    args: list[Term] = []
    for place in production.domains:
        arg = grow_in(place, depth - 1, space, rng)
        for _ in range(REDRAWS):
            if arg not in args:  # `x > x` and `x / x` say nothing
                break
            arg = grow_in(place, depth - 1, space, rng)
        args.append(arg)
    return call(production.operator, *args)


def grow_in(place: Domain, depth: int, space: Space, rng: Random) -> Term:
    """What goes in a slot: a window, a literal, or a term of a kind."""
    if isinstance(place, Window):
        return draw_window(place, rng)
    if isinstance(place, Constant):
        return draw_constant(place, rng)
    return grow(place, depth, space, rng)


def draw_window(window: Window, rng: Random) -> Term:
    """A preferred number of bars."""
    return number(rng.choice(window.steps))


def draw_constant(constant: Constant, rng: Random) -> Term:
    """A literal, rounded as it will be printed."""
    return number(constant.round_value(rng.uniform(constant.low, constant.high)))
