"""Source of a strategy with syntax colours, and its rules in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.analysis.program import Program
from dsl.printable import make_printable
from dsl.printing.decompile import format_program
from dsl.printing.highlight import tokenize
from dsl.printing.plain_words import describe_program
from evolve.report.page.blocks import Block, Code, Text


def iterate_source(program: Program, fill: str, source: str = "") -> Iterator[Block]:
    """Yield the source of a strategy, and each rule in plain words.

    Args:
        program: a checked strategy.
        fill: when its orders execute, as a phrase.
        source: its text; empty to print the program.
    """
    text = make_printable(source or format_program(program))
    yield Code("strategy-source", "Source", tokenize(text))
    for sentence in describe_program(program, fill):
        yield Text(sentence.text)
