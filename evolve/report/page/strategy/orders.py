"""Position of a strategy after the last bar, and its orders for the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.analysis.next_orders import NextOrders, list_next_orders
from evolve.backtest.market import Market
from evolve.errors import EvolveError
from evolve.experiment.run_parts import list_open_parts, select_part
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_iso
from evolve.report.page.blocks import Block, Column, Table, Text


def iterate_orders(program: Program, bars: Bars, market: Market, start: int) -> Iterator[Block]:
    """Yield the position and the next orders of each symbol after the last bar.

    Args:
        program: a checked strategy.
        bars: the window, preceded by the bars of the warm-up.
        market: fills and costs.
        start: first bar of the window.
    """
    try:
        found = list_next_orders(program, bars, market, start)
    except EvolveError:  # its equity overflows
        return
    if found:
        yield _build_table(found, "Orders that fill after the last bar.")


def iterate_run_orders(view: RunView, program: Program) -> Iterator[Block]:
    """Yield the next orders of the best strategy of a run, after the last part that is shown."""
    part = list_open_parts(view)[-1]
    data, holdout = select_part(view, part), view.data.split.holdout
    blocks = list(iterate_orders(program, data.bars, view.data.market, data.start))
    reasons = {"train": "The search has not ended"}
    if holdout.bars:
        days = f"from {holdout.first_day} to {holdout.last_day}"
        reasons["validation"] = f"The holdout {days} is sealed"
    if blocks and part in reasons:
        yield Text(
            f"{reasons[part]}, so the orders below are those after the last bar of {part}, not of "
            "today."
        )
    yield from blocks


def _build_table(found: Sequence[NextOrders], about: str) -> Table:
    return Table(
        "strategy-orders",
        "Position and next orders",
        (
            Column("symbol"),
            Column("last bar", "time"),
            Column("position"),
            Column("since", "time"),
            Column("orders for the next bar"),
        ),
        tuple(
            (
                each.symbol,
                format_iso(each.time),
                each.side,
                None if each.since is None else format_iso(each.since),
                ", ".join(each.orders) or "none",
            )
            for each in found
        ),
        about,
        is_long=len(found) > 10,
    )
