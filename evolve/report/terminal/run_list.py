"""List of runs on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evolve.experiment.run_list import ListedRun, count_seconds
from evolve.report.formats import (
    NO_VALUE,
    format_count,
    format_duration,
    format_score,
    format_usd,
)
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.report.terminal.hanging import Hanging

MAX_COMMANDS = 3  # for the newest stopped runs


def list_runs_table(runs: Sequence[ListedRun], now: datetime) -> Iterator[RenderableType]:
    """Yield the table of runs, the faults, and the commands that continue stopped runs.

    Args:
        runs: the runs, newest first.
        now: the time, with a time zone.
    """
    yield _build_table(runs, now)
    for each in runs:
        if each.fault:
            yield Text()
            yield Hanging(each.fault, Text(f"{each.name}: ", "bold yellow"))
            if each.next_step:
                yield _format_command(each.next_step)
    stopped = [each.next_step for each in runs if each.state == "stopped" and not each.fault]
    stopped = [each for each in stopped if each]
    if stopped:
        yield Text("\nto go on:")
        yield from map(_format_command, stopped[:MAX_COMMANDS])
    if len(stopped) > MAX_COMMANDS:
        yield Text(f"  and {format_count(len(stopped) - MAX_COMMANDS, 'other')}, by name")


def _build_table(runs: Sequence[ListedRun], now: datetime) -> Table:
    table = blank_table()
    table.add_column("run", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("best", justify="right", no_wrap=True)
    table.add_column("verdict")
    table.add_column("trials", justify="right", no_wrap=True)
    has_cost = any(each.usd is not None for each in runs)
    if has_cost:
        table.add_column("cost", justify="right", no_wrap=True)
    for each in runs:
        age = count_seconds(each.started, now)
        cost = NO_VALUE if each.usd is None else format_usd(each.usd)
        table.add_row(
            format_text(each.name),
            each.shown_state,
            NO_VALUE if age is None else format_duration(age),
            format_score(each.best),
            each.verdict or NO_VALUE,
            NO_VALUE if each.trials is None else f"{each.trials:,}",
            *([cost] if has_cost else []),
        )
    return table


def _format_command(text: str) -> Text:
    """Format a command, which is not wrapped, so that it can be copied."""
    return Text(f"  {text}", no_wrap=True, overflow="ignore")
