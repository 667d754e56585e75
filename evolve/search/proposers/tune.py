"""Constant mutation: windows, thresholds and params change slightly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from dsl.analysis.program import Rules
from dsl.generate.productions import Constant, Window
from dsl.terms.terms import Number, Parameter, number
from evolve.search.edit import list_parts, replace_parameter, replace_part, tunable_indices
from evolve.search.proposer import Proposer
from evolve.search.space import Space

REPEAT_SHARE = 0.3
WINDOW_STEPS = (-3, -2, -1, -1, 1, 1, 2, 3)
CONSTANT_SPREAD, PARAMETER_SPREAD = 0.1, 0.15


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one constant changed, or sometimes several."""
    rules = parents[0]
    tuned = _tune_once(rules, rng)
    while tuned is not None and rng.random() < REPEAT_SHARE:
        tuned = _tune_once(tuned, rng)
    return tuned


def _tune_once(rules: Rules, rng: Random) -> Rules | None:
    tunable = tunable_indices(rules)
    if not tunable:
        return None
    index = rng.choice(tunable)
    term, domain = list_parts(rules)[index][:2]
    leaf = term.leaf
    if isinstance(leaf, Parameter):
        return replace_parameter(rules, leaf, move_parameter(leaf, rng))
    value = term.value or 0.0
    percent = isinstance(leaf, Number) and leaf.percent
    if isinstance(domain, Window):
        new = number(domain.shift(value, rng.choice(WINDOW_STEPS)))
    else:
        assert isinstance(domain, Constant)
        width = domain.high - domain.low
        shifted = value + rng.gauss(0.0, CONSTANT_SPREAD * width)
        clipped = min(max(shifted, domain.low), domain.high)
        new = number(domain.round_value(clipped), percent)
    return replace_part(rules, index, new)


def move_parameter(param: Parameter, rng: Random) -> Parameter:
    """Move a parameter to a nearby value of its range, on its step."""
    assert param.low is not None and param.high is not None
    width = param.high - param.low
    value = param.value + rng.gauss(0.0, PARAMETER_SPREAD * width)
    step = param.step or (1.0 if param.is_whole else 0.0)
    if step:
        value = param.low + round((value - param.low) / step) * step
        if value == param.value:
            value += rng.choice((-step, step))
    digits = Constant(param.low, param.high).digits + 1
    value = round(min(max(value, param.low), param.high), digits)
    return replace(param, value=value)


PROPOSER = Proposer("tune", "changes constants slightly", 1, 2.0, propose)
