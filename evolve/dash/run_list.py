"""List of runs as a page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dsl.printable import make_printable
from evolve.dash.stamp import Stamp
from evolve.dash.summary import SummaryCache
from evolve.errors import EvolveError
from evolve.experiment.run_list import ListedRun, count_seconds
from evolve.report.formats import DURATIONS
from evolve.report.page.blocks import Block, Column, Page, Section, Table, Text
from evolve.report.page.charts import Cell

SECONDS = len("2026-11-01T12:00:00")
COLUMNS = (
    Column("run", "link", "folder of the run, and a link to its page"),
    Column("state", "text", "a run that was interrupted or killed is stopped"),
    Column("age", "duration", "time since its start"),
    Column("best", "ratio", "best score so far, on the bars that score"),
    Column("verdict", "text", "the claim that the evidence of the run supports"),
    Column("trials", "count", "distinct strategies evaluated"),
    Column("cost", "usd", "cost of the models"),
    Column("started", "time", "time of its start (UTC)"),
)
FAULT = Column("note", "text", "why a folder cannot be read")
FAULT_AT = [each.heading for each in COLUMNS].index("trials")


class RunList:
    """Page with the list of runs; a source of pages.

    Attributes:
        key: its key among the sources.
    """

    key = ""

    def __init__(self, runs: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """
        Args:
            runs: the folder with the run folders, which may not exist yet.
            now: returns the time.
        """
        self._runs, self._now = runs, now
        self._cache = SummaryCache(runs)

    def read_stamp(self) -> Stamp:
        """Return the signature of the list: its rows."""
        return Stamp(self._read_blocks(), False)

    def build(self) -> Page:
        """Build the page."""
        blocks = self._read_blocks()
        count = sum(len(each.rows) for each in blocks if isinstance(each, Table))
        noun = "run" if count == 1 else "runs"
        subtitle = f"{count:,} {noun} in {make_printable(str(self._runs))}"
        return Page("evolve", subtitle, "", (Section("runs", "Runs", blocks),))

    def _read_blocks(self) -> tuple[Block, ...]:
        try:
            return build_blocks(self._runs, self._cache.read(), self._now())
        except EvolveError as error:
            return (Text(str(error), "warning"),)


def build_blocks(
    runs: Path, summaries: tuple[ListedRun, ...], now: datetime
) -> tuple[Block, ...]:  # fmt: skip
    """Build the blocks of the list.

    Args:
        runs: the folder with the run folders.
        summaries: the runs, newest first.
        now: the time, with a time zone.
    """
    if not summaries:
        text = (
            f"No run in {make_printable(str(runs))} yet. The list shows the first one as soon as"
            " it starts, for example by: evolve run experiments/quick.yaml"
        )
        return (Text(text),)
    has_fault = any(each.fault for each in summaries)
    columns = (*COLUMNS[:FAULT_AT], FAULT, *COLUMNS[FAULT_AT:]) if has_fault else COLUMNS
    rows = tuple(_build_row(each, now, has_fault) for each in summaries)
    about = "Newest first. A run is listed as soon as its folder exists."
    return (Table("run-list", "All runs", columns, rows, about, is_long=True),)


def measure_age(started: str, now: datetime) -> float | None:
    """Measure the time since a start in whole units of its size; None if the start is unknown.

    It changes only when the list shows another age.

    Args:
        started: the start in ISO 8601.
        now: the time, with a time zone.
    """
    seconds = count_seconds(started, now)
    if seconds is None:
        return None
    size = next((size for size, _ in DURATIONS if seconds >= size), None)
    return seconds // size * size if size else 0.0


def _build_row(each: ListedRun, now: datetime, has_fault: bool) -> tuple[Cell, ...]:
    fault = (each.fault,) if has_fault else ()
    return (
        each.name, each.shown_state, measure_age(each.started, now), each.best,
        each.verdict, *fault, each.trials, each.usd, each.started[:SECONDS] or None,
    )  # fmt: skip
