"""Constant tuning: windows, thresholds and params move a little."""

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
    """The parent with one constant moved, sometimes two or three."""
    rules = parents[0]
    tuned = _tune_once(rules, rng)
    while tuned is not None and rng.random() < REPEAT_SHARE:
        tuned = _tune_once(tuned, rng)
    return tuned


def _tune_once(rules: Rules, rng: Random) -> Rules | None:
    movable = tunable_indices(rules)
    if not movable:
        return None
    at = rng.choice(movable)
    here = list_parts(rules)[at]
    leaf = here.term.leaf
    if isinstance(leaf, Parameter):
        return replace_parameter(rules, leaf, move_parameter(leaf, rng))
    value = here.term.value or 0.0
    percent = isinstance(leaf, Number) and leaf.percent
    if isinstance(here.domain, Window):
        new = number(here.domain.shift(value, rng.choice(WINDOW_STEPS)))
    else:
        assert isinstance(here.domain, Constant)
        width = here.domain.high - here.domain.low
        shifted = value + rng.gauss(0.0, CONSTANT_SPREAD * width)
        clipped = min(max(shifted, here.domain.low), here.domain.high)
        new = number(here.domain.round_value(clipped), percent)
    return replace_part(rules, at, new)


def move_parameter(param: Parameter, rng: Random) -> Parameter:
    """A parameter at another value of its range, on its step."""
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


PROPOSER = Proposer("tune", "constants moved a little", 1, 2.0, propose)
