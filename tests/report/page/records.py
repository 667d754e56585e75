"""Strategies on windows, and blocks of pages by name, for tests of the section on performance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.backtest.market import Market, market
from evolve.report.page.blocks import Block, Table
from evolve.report.page.performance.windows import TrackRecord, Window


def whole(
    program: Program | str, bars: Bars, terms: Market | None = None, start: int = 0
) -> TrackRecord:
    """Backtest a strategy on all bars from `start` on."""
    program = check(program) if isinstance(program, str) else program
    terms = terms or market()
    result = backtest(program, bars, terms, start)
    return TrackRecord(program, terms, (Window("", "strategy", bars, start, result),))


def in_parts(program: Program | str, bars: Bars, terms: Market | None = None) -> TrackRecord:
    """Backtest a strategy on train, the first six tenths, and on validation, the rest."""
    program = check(program) if isinstance(program, str) else program
    terms, first = terms or market(), len(bars) * 6 // 10
    train = bars.slice(0, first)
    return TrackRecord(
        program,
        terms,
        (
            Window("train", "train", train, 0, backtest(program, train, terms)),
            Window("validation", "validation", bars, first, backtest(program, bars, terms, first)),
        ),
    )


def by_name(blocks: Iterable[Block]) -> dict[str, Any]:
    """Return the blocks that have a name, without the name of the section; names are unique."""
    named = [each for each in blocks if hasattr(each, "name")]
    found = {each.name.removeprefix("performance-"): each for each in named}
    assert len(found) == len(named)
    return found


def column(table: Table, heading: str) -> list[Any]:
    """Return the cells of a column."""
    number = [each.heading for each in table.columns].index(heading)
    return [row[number] for row in table.rows]
