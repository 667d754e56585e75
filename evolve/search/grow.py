"""Random typed terms and rules, grown from the productions of a space."""

from __future__ import annotations

from random import Random

from dsl.analysis.program import Rules
from dsl.generate.productions import DISTANCE_FACTOR, Constant, Domain, Window, domain_of
from dsl.syntax.vocabulary import (
    DIRECTION_ORDERS,
    DISTANCES,
    DirectionName,
    DirectionOrders,
    SettingName,
)
from dsl.terms.terms import Term, call, number
from dsl.types.kinds import BOOL, Kind
from evolve.search.space import SETTING_DOMAINS, Space

CONDITION_DEPTH = 4
REDRAWS = 3

LEAVE_PROBABILITY = 0.85
SETTING_PROBABILITIES: dict[SettingName, float] = {
    "stop": 0.25, "trail": 0.15, "target": 0.12, "hold": 0.15, "size": 0.08,
}  # fmt: skip
SHALLOW_PROBABILITY = 0.7  # of a term of depth 2 or less
NEXT_CONDITION_PROBABILITY = 0.25
DISTANCE_PROBABILITY = 0.5  # of a stop, trail or target in units of price, not in percent


def grow_rules(space: Space, rng: Random) -> Rules:
    """Grow the rules of a random strategy, without the fixed ones."""
    rules = Rules()
    for side, order in DIRECTION_ORDERS.items():
        if side in space.directions:
            rules = _grow_side(rules, side, order, space, rng)
    for name, probability in SETTING_PROBABILITIES.items():
        if space.is_free(name) and rng.random() < probability:
            rules = rules._replace(**{name: grow_setting(name, space, rng)})
    return rules


def _grow_side(
    rules: Rules, side: DirectionName, order: DirectionOrders, space: Space, rng: Random
) -> Rules:
    """Return the rules with an entry, and an exit that may be tied to it."""
    if space.is_free(order.entry):
        rules = rules._replace(**{order.entry: grow_condition(space, rng)})
        if space.is_free(order.exit) and rng.random() < space.prior.tied:
            return rules.tie(side)
    return (
        rules._replace(**{order.exit: grow_exit(space, rng)})
        if space.is_free(order.exit)
        else rules
    )


def grow_exit(space: Space, rng: Random) -> Term | None:
    """Grow the condition of an exit, or none."""
    return grow_condition(space, rng) if rng.random() < LEAVE_PROBABILITY else None


def grow_condition(space: Space, rng: Random) -> Term:
    """Grow one comparison, or several joined by `and`."""
    condition = grow(BOOL, CONDITION_DEPTH, space, rng)
    while rng.random() < NEXT_CONDITION_PROBABILITY:
        other = grow(BOOL, CONDITION_DEPTH - 1, space, rng)
        condition = call(space.catalog.operator("and"), condition, other)
    return condition


def grow_setting(name: SettingName, space: Space, rng: Random) -> Term:
    """Grow the value of a setting: a literal, or for a distance a multiple of a volatility."""
    can_be_distance = name in DISTANCES and space.volatilities
    if can_be_distance and rng.random() < DISTANCE_PROBABILITY:
        return grow_distance(space, rng)
    domain = SETTING_DOMAINS[name]
    return draw_window(domain, rng) if isinstance(domain, Window) else draw_constant(domain, rng)


def grow_distance(space: Space, rng: Random) -> Term:
    """Grow a distance such as `2 * atr(14)`.

    An arbitrary difference of prices may be smaller than what a fill costs, or below zero.
    """
    operator = rng.choice(space.volatilities)
    args = [
        draw_window(domain, rng) if isinstance(domain := domain_of(slot), Window) else
        call(space.catalog.operator("close"))
        for slot in operator.slots
    ]  # fmt: skip
    factor = draw_constant(DISTANCE_FACTOR, rng)
    return call(space.catalog.operator("*"), factor, call(operator, *args))


def grow(kind: Kind, depth: int, space: Space, rng: Random) -> Term:
    """Grow a term of a kind, at most `depth` deep unless its productions are deeper."""
    depth = max(depth, space.min_depth(kind))
    if kind == BOOL:
        choices = space.comparisons(depth)
    elif depth > 1 and rng.random() < SHALLOW_PROBABILITY:
        choices = space.within(kind, max(space.min_depth(kind), min(2, depth - 1)))
    else:
        choices = space.within(kind, depth)
    production = choices.draw(rng).draw(rng)
    args: list[Term] = []
    for domain in production.domains:
        arg = grow_in(domain, depth - 1, space, rng)
        for _ in range(REDRAWS):
            if arg not in args:  # `x > x` and `x / x` are constant
                break
            arg = grow_in(domain, depth - 1, space, rng)
        args.append(arg)
    return call(production.operator, *args)


def grow_in(domain: Domain, depth: int, space: Space, rng: Random) -> Term:
    """Grow a term within a domain: a window, a literal, or a term of a kind."""
    if isinstance(domain, Window):
        return draw_window(domain, rng)
    if isinstance(domain, Constant):
        return draw_constant(domain, rng)
    return grow(domain, depth, space, rng)


def draw_window(window: Window, rng: Random) -> Term:
    """Draw one of the preferred numbers of bars."""
    return number(rng.choice(window.steps))


def draw_constant(constant: Constant, rng: Random) -> Term:
    """Draw a literal, rounded to the digits of its domain."""
    return number(constant.round_value(rng.uniform(constant.low, constant.high)))
