"""Random texts: each is a program or has errors, and a program prints, hashes and evaluates.

`random_texts` writes the texts. The slow test checks sixty times as many as the fast one, and
examines the programs of every fourth; the soak examines those of 100,000.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from random import Random

import pytest

from dsl.analysis.check import check, inspect
from dsl.analysis.program import Program
from dsl.evaluate import Evaluator
from dsl.printing.decompile import compact_text, format_program
from dsl.syntax.printer import format_text
from tests.dsl.random_texts import write_text
from tests.dsl.values import assert_identical
from tests.samples import gappy_bars

BATCH = 250
FEW, MANY, ALL = 1, 61, 401
BARS, KNOWN = gappy_bars(3, 130), 77


@cache
def evaluators() -> tuple[Evaluator, Evaluator]:
    """Return the evaluators of the bars, and of those that are known at an earlier time."""
    return Evaluator(BARS), Evaluator(BARS.slice(0, KNOWN))


def list_programs(text: str) -> tuple[Program, ...]:
    """Check a text, whose messages can be shown; return its programs, none if it has errors."""
    report = inspect(text)
    for each in report.diagnostics:
        each.render().encode()
        json.dumps(each.as_json()).encode()
    return () if report.errors else report.programs


def examine(text: str, programs: Sequence[Program], is_evaluated: bool) -> None:
    """Examine what follows from the programs of a text."""
    tidy = format_text(text)
    assert format_text(tidy) == tidy
    assert [each.hash for each in inspect(tidy).programs] == [each.hash for each in programs]
    for program in programs:
        assert check(format_program(program)).rules == program.rules
        line = compact_text(program)  # without the comments of defines
        again = check(line)
        assert (compact_text(again), again.hash) == (line, program.hash)
        if is_evaluated:
            assert_no_lookahead(program)


def assert_no_lookahead(program: Program) -> None:
    whole, part = (each.signals([program]) for each in evaluators())
    assert (whole.orders[:, :KNOWN] == part.orders).all()
    assert_identical(whole.settings[:, :KNOWN], part.settings)


def examine_batch(batch: int, step: int = 1) -> None:
    """Check the texts of a batch, and examine the programs of every text that `step` divides."""
    valid = 0
    for index in range(BATCH):
        text = write_text(Random(batch * BATCH + index))
        try:
            programs = list_programs(text)
            valid += bool(programs)
            if programs and index % step == 0:
                examine(text, programs, is_evaluated=index % 5 == 0)
        except Exception as error:
            error.add_note(f"seed {batch * BATCH + index}:\n{text!r}")
            raise
    assert BATCH // 8 < valid < BATCH


@pytest.mark.parametrize("batch", range(FEW))
def test_a_random_text_is_a_sound_program_or_has_errors(batch: int) -> None:
    examine_batch(batch)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(FEW, MANY))
def test_many_random_texts_are_sound_programs_or_have_errors(batch: int) -> None:
    examine_batch(batch, step=4)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(FEW, ALL))
def test_every_program_of_many_random_texts_is_sound(batch: int) -> None:
    examine_batch(batch)
