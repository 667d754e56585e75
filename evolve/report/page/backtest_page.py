"""Page of the backtest of a strategy that its user wrote, without a run."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.analysis.program import LANGUAGE_VERSION, Program
from dsl.printable import make_printable
from evolve.backtest.backtest import Backtest
from evolve.backtest.market import FILLS, Market
from evolve.data import Dataset
from evolve.report.formats import format_rate
from evolve.report.page import strategy
from evolve.report.page.blocks import Block, Column, Page, Section, Table, Text
from evolve.report.page.performance import iterate_performance
from evolve.report.page.performance.windows import TrackRecord, Window


def build_backtest_page(
    program: Program, dataset: Dataset, market: Market, result: Backtest, command: str
) -> Page:
    """Build the page of one backtest: the strategy, its performance, and how to repeat it.

    Args:
        program: the strategy.
        dataset: the bars and their origin.
        market: fills and costs.
        result: the backtest on the range of the dataset.
        command: the command line.
    """
    window = Window("", "strategy", dataset.bars, dataset.start, result)
    blocks = {
        "strategy": ("The strategy", _iterate_strategy(program, dataset, market)),
        "performance": (
            "Performance",
            (
                *_iterate_fills(dataset, market),
                *iterate_performance(TrackRecord(program, market, (window,))),
            ),
        ),
        "repeat": ("To repeat this", (_build_origin(dataset, market, command),)),
    }
    sections = [Section(name, title, tuple(each)) for name, (title, each) in blocks.items()]
    return Page(
        title=program.name,
        subtitle=f"backtest on {dataset.name}, {dataset.first_day} to {dataset.last_day}",
        sections=tuple(each for each in sections if each.blocks),
    )


def _iterate_strategy(program: Program, dataset: Dataset, market: Market) -> Iterator[Block]:
    iterate = getattr(strategy, "iterate_strategy", None)
    if iterate is not None:
        yield from iterate(program, dataset.bars, market, dataset.start)


def _iterate_fills(dataset: Dataset, market: Market) -> Iterator[Text]:
    """Yield how orders fill, with a warning where nobody can trade so."""
    closes_only, bars_per_year = dataset.bars.closes_only, dataset.window.bars_per_year
    filled = market.filled_at(closes_only == dataset.bars.symbols)
    yield Text(
        f"{len(dataset.window):,} bars from {dataset.first_day} to {dataset.last_day}, "
        f"{format_rate(bars_per_year)} per year. Orders fill at the {filled}."
    )
    if not market.is_executable:
        yield Text(
            "Orders fill at the close that gives their signal, which nobody can trade.", "warning"
        )
    if closes_only:
        yield Text(
            f"{', '.join(closes_only)} without traded opens: filled at the "
            f"{market.filled_at(closes_only=True)}; stops, trails and targets at closes only",
            "warning",
        )
    if dataset.fallback_used:
        yield Text(f"{dataset.reason}: these are the prices of the fallback.", "warning")


def _build_origin(dataset: Dataset, market: Market, command: str) -> Table:
    """Build the table of what a repetition needs: command, data and costs."""
    rows = [
        ("command", make_printable(command)),
        ("data", dataset.name),
        *([("fetched", dataset.as_of)] if dataset.as_of else []),
        ("symbols", ", ".join(dataset.bars.symbols)),
        ("range", f"{dataset.first_day} to {dataset.last_day}, {len(dataset.window):,} bars"),
        ("hash of the bars", dataset.window.hash),
        ("language", LANGUAGE_VERSION),
        ("fill", FILLS[market.fill].replace("_", " ")),
        *[
            (name.replace("_", " "), f"{value:g}")
            for name, value in market._asdict().items()
            if name != "fill"
        ],
    ]
    return Table(
        "repeat-origin", "Data and costs", (Column(""), Column("", "code")), tuple(rows),
        "Costs and rates are fractions of the value that they apply to.",
    )  # fmt: skip
