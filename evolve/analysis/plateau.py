"""Plateau of a strategy: the scores of all strategies that differ by one step of one constant.

A rule that reflects the market keeps most of its score if a window, a threshold or a parameter
changes slightly. A rule that was fitted to noise is an isolated peak.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dsl.analysis.program import Program, Rules
from dsl.generate.productions import Constant, Domain, Window
from dsl.syntax.literals import format_number
from dsl.terms.canonical import MeaningError
from dsl.terms.terms import Number, Parameter, Term, number
from dsl.terms.text import format_term
from evolve.search.edit import list_parts, replace_parameter, replace_part
from evolve.search.proposers.tune import CONSTANT_SPREAD, PARAMETER_SPREAD

RETAINED_SHARE = 0.5  # of the score of the strategy

Score = Callable[[Sequence[Program]], Sequence[float]]
"""Returns the score of each program; -inf for an infeasible one."""


class Location(NamedTuple):
    """Place of a changed literal.

    Attributes:
        rule: name of the rule.
        old: the smallest call that contains it, or the literal if it is the whole rule.
        new: the same with the changed literal.
        slot: index of the literal in the arguments of the call; -1 for a whole rule.
    """

    rule: str
    old: Term
    new: Term
    slot: int


@dataclass(frozen=True)
class Neighbor:
    """Strategy that differs by one step of one constant.

    Attributes:
        change: the step, as a phrase.
        score: its score; -inf if it is infeasible.
    """

    change: str
    score: float


@dataclass(frozen=True)
class Plateau:
    """Score of a strategy and of its neighbors.

    Attributes:
        score: score of the strategy.
        neighbors: all neighbors, the worst first.
    """

    score: float
    neighbors: tuple[Neighbor, ...]

    @property
    def worst(self) -> Neighbor | None:
        """Neighbor with the lowest score; None if there is no neighbor."""
        return self.neighbors[0] if self.neighbors else None

    @property
    def median(self) -> float:
        """Median score of the neighbors; NaN if there is none."""
        scores = [each.score for each in self.neighbors]
        return float(np.median(scores)) if scores else math.nan

    @property
    def share(self) -> float:
        """Share of the neighbors with at least half of the score.

        It is NaN without neighbors, or if the score is not above 0.
        """
        if not self.neighbors or self.score <= 0:
            return math.nan
        threshold = RETAINED_SHARE * self.score
        return sum(each.score >= threshold for each in self.neighbors) / len(self.neighbors)


def measure_plateau(program: Program, score: Score) -> Plateau:
    """Score a strategy and all of its neighbors.

    One step of a window leads to the next preferred number. One step of a parameter is its `step`.
    Any other step is one standard deviation of constant mutation. Steps outside the range of a
    constant end at its limit.

    Args:
        program: a checked strategy.
        score: scores on the bars of the search.
    """
    changes = list(_list_neighbors(program))
    own, *scores = score([program, *[neighbor for _, neighbor in changes]])
    neighbors = [
        Neighbor(change, float(value)) for (change, _), value in zip(changes, scores, strict=True)
    ]
    return Plateau(float(own), tuple(sorted(neighbors, key=lambda each: each.score)))


def locate_change(rules: Rules, changed: Rules) -> Location:
    """Return where rules differ in one literal."""
    name, old = next(each for each in rules.named() if getattr(changed, each[0]) is not each[1])
    new, slot = getattr(changed, name), -1
    while old.operator is not None:
        slot, (one, other) = next(
            (index, pair)
            for index, pair in enumerate(zip(old.args, new.args, strict=True))
            if pair[0] is not pair[1]
        )
        if one.operator is None:
            break
        old, new = one, other
    return Location(name, old, new, slot)


def _list_neighbors(program: Program) -> Iterator[tuple[str, Program]]:
    """Yield the neighbors of distinct meaning, with the change as a phrase."""
    seen = {program.key}
    for change, rules in _list_steps(program):
        neighbor = program.change(rules=rules)
        try:
            key = neighbor.key
        except MeaningError:  # a computed window leaves its limits
            continue
        if key not in seen:
            seen.add(key)
            yield change, neighbor


def _list_steps(program: Program) -> Iterator[tuple[str, Rules]]:
    rules = program.rules
    for param in program.parameters:
        for value in _step_parameter(param):
            before, after = (format_number(each, param.percent) for each in (param.value, value))
            changed = replace_parameter(rules, param, replace(param, value=value))
            yield f"`{param.name}` from {before} to {after}", changed
    for index, part in enumerate(list_parts(rules)):
        leaf = part.term.leaf
        if part.is_tunable and isinstance(leaf, Number):
            for value in _step_literal(leaf.value, part.domain):
                changed = replace_part(rules, index, number(value, leaf.percent))
                yield _describe(rules, changed), changed


def _step_parameter(param: Parameter) -> list[float]:
    """Return the values one step below and above a parameter."""
    if param.low is None or param.high is None:
        return []
    if param.step is None and param.is_whole and param.low >= 0:
        return _step_window(param.value, Window(int(param.low), int(param.high)))
    domain, step = Constant(param.low, param.high), param.step
    if step is None:
        step = PARAMETER_SPREAD * (param.high - param.low)
        step = max(1.0, round(step)) if param.is_whole else step
    return _step_constant(param.value, domain, step, domain.digits + 1)


def _step_literal(value: float, domain: Domain) -> list[float]:
    """Return the values one step below and above a literal."""
    if isinstance(domain, Window):
        return _step_window(value, domain)
    assert isinstance(domain, Constant)
    step = CONSTANT_SPREAD * (domain.high - domain.low)
    return _step_constant(value, domain, step, domain.digits)


def _step_window(value: float, domain: Window) -> list[float]:
    below = [step for step in domain.steps if step < value]
    above = [step for step in domain.steps if step > value]
    return [float(each) for each in (*below[-1:], *above[:1])]


def _step_constant(value: float, domain: Constant, step: float, digits: int) -> list[float]:
    below, above = (
        round(min(max(each, domain.low), domain.high), digits)
        for each in (value - step, value + step)
    )
    return [below] * (below < value) + [above] * (above > value)


def _describe(rules: Rules, changed: Rules) -> str:
    """Return the smallest call, or the setting, that contains the changed literal."""
    found = locate_change(rules, changed)
    old, new = format_term(found.old), format_term(found.new)
    return f"`{old}` to `{new}`" if found.old.args else f"`{found.rule} {old}` to `{new}`"
