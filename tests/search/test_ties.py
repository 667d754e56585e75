"""Tied sides, whose exit is `not` of the entry, in random strategies and through breeding."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program, Rules
from dsl.printing.decompile import format_program
from evolve.search.grow import grow_rules
from evolve.search.prior import PRIORS
from evolve.search.proposers import PROPOSERS
from evolve.search.space import build_space

SPACE = build_space(directions=("long", "short"), max_nodes=80)
TIED = build_space(prior=replace(PRIORS["usual"], tied=1.0))
KEEPING = ("hoist", "point", "subtree", "toggle", "tune")


def propose(name: str, rng: Random, *parents: Rules) -> Rules:
    children = (PROPOSERS[name].propose(parents, SPACE, rng) for _ in range(100))
    return next(each for each in children if each is not None)


@pytest.mark.parametrize("tied", [0.0, 0.3, 1.0])
def test_the_share_of_tied_sides_is_that_of_the_space(tied: float) -> None:
    rng, space = (
        Random(1),
        build_space(directions=("long", "short"), prior=replace(PRIORS["usual"], tied=tied)),
    )
    rules = [grow_rules(space, rng) for _ in range(500)]
    sides = [each.is_tied(side) for each in rules for side in ("long", "short")]
    assert sum(sides) / len(sides) == pytest.approx(tied, abs=0.05)


@pytest.mark.parametrize("name", KEEPING)
def test_an_operator_that_changes_the_entry_changes_the_exit(name: str) -> None:
    rng = Random(2)
    changed = 0
    for _ in range(300):
        parent = grow_rules(TIED, rng)
        child = PROPOSERS[name].propose([parent], SPACE, rng)
        if child is not None:
            assert child.is_tied("long")
            changed += child.buy is not parent.buy
    assert changed > 50 or name == "toggle"


def test_tie_ties_and_unties() -> None:
    rng, parent = Random(3), check("strategy s { buy when rsi(close, 3) < 20 }").rules
    tied = propose("tie", rng, parent)
    assert format_program(Program("s", tied)) == (
        "strategy s {\n  buy while rsi(close, 3) < 20\n}\n"
    )
    exits = {propose("tie", rng, tied).sell for _ in range(20)}
    assert len(exits) > 10
    assert not any(propose("tie", rng, tied).is_tied("long") for _ in range(20))


def test_crossover_hands_a_tie_on() -> None:
    rng = Random(4)
    host = check("strategy a { buy when close > open sell when close < open }").rules
    donor = check("strategy b { buy while rsi(close, 3) < 20 }").rules
    children = [propose("crossover", rng, host, donor) for _ in range(200)]
    whole = [each for each in children if each.buy is donor.buy]
    assert whole
    assert all(each.is_tied("long") for each in whole if each.sell is not host.sell)
    children = [propose("crossover", rng, donor, host) for _ in range(200)]
    entries = [each for each in children if each.buy is host.buy]
    assert entries
    assert all(each.is_tied("long") for each in entries)
