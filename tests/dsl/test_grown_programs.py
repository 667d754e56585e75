"""Tests of programs that the search grows, with each operator in turn.

The draw depends only on the name of the operator, so that a new one changes no other programs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_expression, inspect
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.printing.decompile import compact_text, format_program
from dsl.syntax.printer import format_text
from dsl.terms.canonical import canonicalize
from dsl.terms.terms import Term
from dsl.terms.text import format_term
from evolve.search.grow import grow_condition, grow_rules
from evolve.search.prior import PRIORS
from evolve.search.space import build_space
from tests.dsl.naive import evaluate_naively, find_failures
from tests.dsl.values import assert_identical
from tests.samples import gappy_bars, random_bars, tied_bars, with_other_future

MakeBars = Callable[[int, int], Bars]
OPERATORS = [each.name for each in catalog() if not each.series]
MAX_TRIES = 30


def uses(terms: list[Term], name: str) -> bool:
    return any(
        part.operator and part.operator.name == name for each in terms for part in each.walk()
    )


@cache
def grow(name: str) -> tuple[Program, Term]:
    """Grow a program and a condition of few operators, if possible with the given one."""
    space, rng = (
        build_space([name, "sma", "-"], ("long", "short"), 60, prior=PRIORS["flat"]),
        Random(name),
    )
    for _ in range(MAX_TRIES):
        rules, condition = grow_rules(space, rng), grow_condition(space, rng)
        if uses([*filter(None, rules)], name) and uses([condition], name):
            break
    return Program("p", rules), condition


def test_most_operators_occur_in_their_programs() -> None:
    assert sum(uses([*filter(None, grow(name)[0].rules)], name) for name in OPERATORS) > 60


@pytest.mark.parametrize("name", OPERATORS)
def test_a_printed_program_parses_to_the_same_program(name: str) -> None:
    rules = grow(name)[0].rules
    repeated = rules._replace(sell=rules.buy) if rules.buy is not None else rules
    for program in (Program("p", rules), Program("p", repeated)):
        for text in (format_program(program), compact_text(program)):
            again = check(text)
            assert again.rules == program.rules
            assert again.hash == program.hash
        printed = format_program(program)
        assert format_text(printed) == printed
        assert not {"W406", "W409"} & {each.code for each in inspect(printed).diagnostics}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("make_bars", [random_bars, gappy_bars, tied_bars])
def test_the_canonical_form_has_the_values_of_the_written_one(
    name: str, make_bars: MakeBars
) -> None:
    _, written = grow(name)
    bars = make_bars(len(name), 120)
    found = Evaluator(bars).series(canonicalize(written, catalog().operator))
    assert_identical(found.astype(float), evaluate_naively(written, bars))
    negated = check_expression(f"not ({format_term(written)})")
    assert_identical(Evaluator(bars).series(negated).astype(float), find_failures(written, bars))


@pytest.mark.parametrize("name", OPERATORS)
def test_no_program_looks_ahead(name: str) -> None:
    program, bars = grow(name)[0], random_bars(len(name), 150)
    whole = Evaluator(bars).signals([program])
    for known in (Random(name).randrange(1, 150), 149):
        for other in (bars.slice(0, known), with_other_future(bars, known, 3)):
            signals = Evaluator(other).signals([program])
            assert (signals.orders[:, :known] == whole.orders[:, :known]).all()
            assert_identical(signals.settings[:, :known], whole.settings[:, :known])
