"""Hill climbing: one constant of one of the best strategies moves by one step.

Known neighbors are no new programs, so the search tries each of them once, in random order.
"""

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

STEPS = 20  # of the range of a literal
SIGNS = (-1, 1)


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one constant moved by one step, up or down."""
    rules = parents[0]
    tunable = tunable_indices(rules)
    if not tunable:
        return None
    index, sign = rng.choice(tunable), rng.choice(SIGNS)
    term, domain = list_parts(rules)[index][:2]
    leaf = term.leaf
    if isinstance(leaf, Parameter):
        return replace_parameter(rules, leaf, replace(leaf, value=_step_parameter(leaf, sign)))
    value = term.value or 0.0
    if isinstance(domain, Window):
        return replace_part(rules, index, number(domain.shift(value, sign)))
    assert isinstance(domain, Constant)
    is_percent = isinstance(leaf, Number) and leaf.percent
    return replace_part(rules, index, number(_step_literal(domain, value, sign), is_percent))


def _step_literal(domain: Constant, value: float, sign: int) -> float:
    moved = value + sign * (domain.high - domain.low) / STEPS
    return domain.round_value(min(max(moved, domain.low), domain.high))


def _step_parameter(param: Parameter, sign: int) -> float:
    assert param.low is not None and param.high is not None
    domain = Constant(param.low, param.high)
    step = param.step or (1.0 if param.is_whole else 0.0)
    if not step:
        return _step_literal(domain, param.value, sign)
    moved = round(param.value + sign * step, domain.digits + 1)
    return moved if param.low <= moved <= param.high else param.value


PROPOSER = Proposer("climb", "moves one constant of a best strategy", 1, 1.0, propose, elite=True)
