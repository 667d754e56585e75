"""Rules of a strategy: how often each was true, and the metric without it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dsl.analysis.program import Program
from dsl.syntax.vocabulary import ORDERS
from dsl.terms.terms import Term
from dsl.terms.text import format_term
from evolve.analysis.counterfactuals import (
    Counterfactuals,
    Figures,
    describe_negation,
    describe_removal,
)
from evolve.backtest.activity import Activity, Tally, iterate_operands
from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_value
from evolve.report.page.blocks import Block, Column, Table, Text
from evolve.report.page.charts import Cell, CellUnit

Row = tuple[Cell, ...]

_COUNTS = (
    Column("rule"),
    Column("condition or value", "code"),
    Column("bars true", "count", "bars on which the condition is true, over all symbols"),
    Column("share true", "percent", "of the bars on which the condition is known"),
)


def iterate_rules(
    program: Program, activity: Activity, found: Counterfactuals | None, window: str
) -> Iterator[Block]:
    """Yield a table with one row per rule and condition, and what random entries earn.

    Args:
        program: a checked strategy.
        activity: counts of its rules and of their conditions.
        found: its counterfactuals; None if they are not measured.
        window: name of the bars.
    """
    columns: tuple[Column, ...] = _COUNTS
    about = f"How often each rule and condition was true on {window}."
    if found is not None:
        metric = found.metric.replace("_", " ")
        columns += (
            Column("without it", "ratio", f"{metric} without it, less that of the strategy"),
            Column("negated", "ratio", f"{metric} with it negated, less that of the strategy"),
        )
        about += (
            f" Without a part that earns something, the {metric} falls: its difference is below 0."
            " A dash is a strategy without an entry, or a part that is not a condition."
        )
    rows = tuple(row[: len(columns)] for row in _iterate_rows(program, activity, found))
    yield Table("strategy-rules", "Rules and conditions", columns, rows, about)
    if found is not None:
        yield _build_entries_table(program, found, window)
        yield Text(_describe_random_entries(found))


def _iterate_rows(
    program: Program, activity: Activity, found: Counterfactuals | None
) -> Iterator[Row]:
    differences = {each.change: each.difference for each in found.rows} if found else {}
    counts = {each.name: each for each in activity.rules}
    for name, term in program.rules.named():
        without = differences.get(describe_removal(name))
        if name not in ORDERS:
            yield (name, format_term(term), None, None, without, None)
            continue
        rule, operands = counts[name], list(iterate_operands(term))
        if len(operands) == 1:
            negated = differences.get(describe_negation(name, term))
            yield _build_row(name, rule.whole, without, negated)
            continue
        yield _build_row(name, rule.whole, without, None)
        for operand, tally in zip(operands, rule.parts, strict=True):
            yield _build_row(f"{name}: condition", tally, *_find(differences, name, operand))


def _find(
    differences: dict[str, float], name: str, operand: Term
) -> tuple[float | None, float | None]:
    removal, negation = describe_removal(name, operand), describe_negation(name, operand)
    return differences.get(removal), differences.get(negation)


def _build_row(label: str, tally: Tally, without: Cell, negated: Cell) -> Row:
    share = tally.true / tally.known if tally.known else None
    return (label, tally.text, tally.true, share, without, negated)


def _build_entries_table(program: Program, found: Counterfactuals, window: str) -> Table:
    """Build the table of the strategy beside entries without its entry rule."""
    drawn, name = found.random_entries, found.metric.replace("_", " ")
    unit: CellUnit = "percent" if METRICS[found.metric].unit == "percent" else "ratio"
    always = [each for each in found.rows if "on every bar" in each.change]
    rows = [
        ("the strategy", *_list_figures(found.strategy)),
        *((each.change.replace("`", ""), *_list_figures(each.figures)) for each in always),
        (f"entries on random bars, mean of {drawn.draws:,}", *_list_figures(drawn.mean)),
    ]
    about = f"If other entries earn as much on {window}, the entry rule earns nothing."
    if program.rules.tied:
        about += " With `while`, the exits move with the entries."
    return Table(
        "strategy-entries",
        "With other entries" if program.rules.tied else "With other entries and the same exits",
        (
            Column("entries"),
            Column(name, unit),
            Column("total return", "percent"),
            Column("trades", "count"),
        ),
        tuple(rows),
        about,
    )


def _list_figures(figures: Figures) -> tuple[Cell, ...]:
    return (figures.metric, figures.total_return, figures.trades)


def _describe_random_entries(found: Counterfactuals) -> str:
    drawn, name = found.random_entries, found.metric.replace("_", " ")
    if math.isnan(drawn.mean.metric):
        return f"With entries on random bars the {name} has no value."
    own, mean = (format_value(each, "ratio") for each in (found.strategy.metric, drawn.mean.metric))
    share = format_value(drawn.share, "percent")
    return (
        f"{share} of {drawn.draws:,} draws of as many entries on random bars reach the {name} of "
        f"the strategy, {own}; their mean is {mean}. Few draws reach an entry rule with skill."
    )
