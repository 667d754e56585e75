"""Proposers: their programs pass the checker and depend only on the random generator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest

from dsl.analysis.check import check_file, inspect
from dsl.analysis.program import Program, Rules
from dsl.diagnostics import Diagnostic
from dsl.generate.productions import Window
from dsl.printing.decompile import format_program
from dsl.syntax.expressions import MAX_DEPTH
from dsl.syntax.vocabulary import ORDERS
from dsl.terms.canonical import MAX_WINDOW_BARS, MeaningError
from dsl.terms.infer import infer_kind
from dsl.types.kinds import BOOL
from evolve.search.edit import list_parts
from evolve.search.epoch import fits_space
from evolve.search.grow import grow_rules
from evolve.search.proposers import PROPOSERS
from evolve.search.proposers.tune import move_parameter
from evolve.search.space import Space, build_space

STRATEGIES = Path(__file__).parents[2] / "experiments" / "strategies"
MISMATCHES = {"W401", "W402", "W403", "W404"}


def is_mismatch(each: Diagnostic) -> bool:
    """Return whether a diagnostic reports a mismatch of kinds.

    A `W404` that quotes a term does not: a search may compare a value with itself.
    """
    return each.code in MISMATCHES and not (each.code == "W404" and "`" in each.message)


@cache
def space() -> Space:
    return build_space(directions=("long", "short"), max_nodes=80)


def parents(rng: Random) -> list[Rules]:
    """Return the example strategies, which have params, and random ones."""
    examples = [
        program.rules
        for path in sorted(STRATEGIES.glob("*.evo"))
        for program in check_file(path.read_text("utf-8"))
    ]
    return [*examples, *(grow_rules(space(), rng) for _ in range(40))]


def children(name: str, count: int, seed: int = 1) -> Iterator[Rules]:
    """Yield children of a pool to which each child is added."""
    rng = Random(seed)
    pool, proposer = parents(rng), PROPOSERS[name]
    size = len(pool) + count
    while len(pool) < size:
        chosen = [rng.choice(pool) for _ in range(proposer.parents)]
        rules = proposer.propose(chosen, space(), rng)
        if rules is None or not (rules.buy or rules.short):
            continue
        try:
            _ = Program("child", rules).key
        except MeaningError:
            continue
        pool.append(rules)
        yield rules


@pytest.mark.parametrize("name", PROPOSERS)
def test_children_pass_the_checker_without_mismatches(name: str) -> None:
    for rules in children(name, 200):
        text = format_program(Program("child", rules))
        report = inspect(text)
        mismatches = [each.render() for each in report.diagnostics if is_mismatch(each)]
        assert not report.errors, text
        assert not mismatches, text
        assert report.programs[0].rules == rules, text


@pytest.mark.slow
@pytest.mark.parametrize("name", PROPOSERS)
def test_ten_thousand_children_have_the_kinds_and_limits_of_the_space(name: str) -> None:
    admitted = 0
    for rules in children(name, 10_000, seed=9):
        for rule, term in rules.named():
            kind = infer_kind(term)
            if rule in ORDERS:
                assert kind == BOOL
            assert term.depth <= MAX_DEPTH or not fits_space(rules, space())
        for part in list_parts(rules):
            value = part.term.value
            if isinstance(part.domain, Window) and value is not None and part.is_tunable:
                assert value == int(value)
                assert 1 <= value <= MAX_WINDOW_BARS
        if fits_space(rules, space()):
            admitted += 1
            assert not space().rejection_reason(Program("child", rules))
    assert admitted > 5_000


@pytest.mark.parametrize("name", PROPOSERS)
def test_children_depend_on_the_seed_only(name: str) -> None:
    assert list(children(name, 60, seed=5)) == list(children(name, 60, seed=5))


@pytest.mark.parametrize("name", PROPOSERS)
def test_most_children_differ_from_their_parents(name: str) -> None:
    rng = Random(3)
    pool, proposer = parents(rng), PROPOSERS[name]
    changed = total = 0
    for _ in range(200):
        chosen = [rng.choice(pool) for _ in range(proposer.parents)]
        rules = proposer.propose(chosen, space(), rng)
        total += rules is not None
        changed += rules is not None and rules not in chosen
    assert changed > 0.8 * total


def test_a_tuned_parameter_stays_in_its_range_and_on_its_step() -> None:
    rng = Random(2)
    for program in check_file((STRATEGIES / "rsi_pullback.evo").read_text("utf-8")):
        for param in program.parameters:
            for _ in range(100):
                new = move_parameter(param, rng)
                assert param.low is not None
                assert param.high is not None
                assert param.low <= new.value <= param.high
                assert new.value.is_integer()


def test_params_of_a_crossover_have_distinct_names() -> None:
    for rules in children("crossover", 200):
        params = Program("child", rules).parameters
        assert len({each.name for each in params}) == len(params)


def test_a_random_strategy_has_one_part_per_node() -> None:
    rng = Random(4)
    for _ in range(50):
        rules = grow_rules(space(), rng)
        assert len(list_parts(rules)) == rules.nodes
