"""Section of a page: what a repetition of the run needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from dsl.printable import make_lines_printable, make_printable
from evolve.experiment.result_parts import DataDocument
from evolve.experiment.run_view import RunView
from evolve.files import read_text
from evolve.report.page.blocks import Block, Code, Column, Table, Text
from evolve.store.files import EXPERIMENT, format_command

SETTING = re.compile(r"^(\s*(?:- )*)([\w.\"'-]+)(:)(?=\s|$)")
SAVED_BARS = "data.from=parquet:bars.parquet"
Row = tuple[str, str]


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the commands, the origin of the run, its data, its versions and its settings."""
    yield Text(
        "The same settings, bars and versions give the same result, for any number of processes; "
        "the folder of the run has its settings and its bars."
    )
    yield Code("commands", "Commands", tuple(_list_commands(view)))
    columns = (Column("figure"), Column("value"))
    yield Table("run", "Run", columns, tuple(_iterate_run(view)))
    if view.origin is not None:
        yield Table("data", "Data", columns, tuple(_iterate_data(view, view.origin)))
    versions = (view.document.versions if view.document else {}) or view.begin.versions
    if versions:
        headings = (Column("package"), Column("version"))
        yield Table("versions", "Versions", headings, tuple(versions.items()))
    text = make_lines_printable(read_text(view.folder / EXPERIMENT))
    yield Code("settings", EXPERIMENT, tuple(_iterate_tokens(text)))


def _list_commands(view: RunView) -> list[tuple[str, str]]:
    """Return tokens: the command of the run if it is known, and those that repeat it."""
    original = view.begin.command
    again = format_command("run", view.folder / EXPERIMENT)
    commands = [("the run", original)] if original else []
    commands.append(("with the bars that its source has today", again))
    if view.origin is None or not view.origin.fallback_used:  # which may have another split
        commands.append(("with the bars of the run", f"{again} --set {SAVED_BARS}"))
    return [
        token
        for about, command in commands
        for token in (("comment", f"# {about}\n"), ("", f"{make_printable(command)}\n"))
    ]


def _iterate_run(view: RunView) -> Iterator[Row]:
    experiment, document = view.plan.experiment, view.document
    yield "experiment", make_printable(experiment.name)
    yield "seed", str(experiment.seed)
    events = view.rows.events
    if events:
        yield "begin", f"{events[0].at[:19]} UTC"
    yield "trials", f"{document.trials.evaluated if document else len(view.rows.trials):,}"
    if document is not None:
        trials = document.trials
        yield "proposed", f"{trials.proposed:,}, of which {trials.duplicate:,} duplicates"
        yield "trials per second", f"{document.evaluations_per_second:,.0f}"
    if document is not None and view.state == "finished":
        yield "seconds in all", f"{document.elapsed_seconds:,.1f}"
    elif (seconds := _measure_seconds(view)) is not None:
        yield "seconds so far", f"{seconds:,.1f}"
    if document is not None and document.stop_reason:
        yield "end of the search", make_printable(document.stop_reason)


def _iterate_data(view: RunView, data: DataDocument) -> Iterator[Row]:
    yield "source", make_printable(data.name)
    if data.fallback_used:
        yield "fallback", make_printable(data.fallback_reason or "used")
    yield "range", make_printable(f"{data.start} to {data.end}")
    yield "bars", f"{data.bars:,}"
    yield "symbols", make_printable(", ".join(data.symbols))
    yield "bars per year", f"{data.bars_per_year:.4g}"
    for name, size in zip(("train", "validation", "holdout"), _list_sizes(view), strict=True):
        yield name, f"{size:,} bars"
    yield "hash of the bars", make_printable(data.hash)
    if data.as_of:
        yield "fetched", make_printable(data.as_of)


def _list_sizes(view: RunView) -> tuple[int, int, int]:
    split = view.data.split
    validation = len(split.seen) - split.validation_start
    return split.validation_start, validation, split.holdout.bars


def _measure_seconds(view: RunView) -> float | None:
    """Return the seconds from the first to the last event; None without events."""
    events = view.rows.events
    if not events:
        return None
    first, last = (datetime.fromisoformat(each.at) for each in (events[0], events[-1]))
    return (last - first).total_seconds()


def _iterate_tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield the tokens of settings in YAML: names of settings, comments and the rest."""
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("#"):
            yield "comment", line
        elif match := SETTING.match(line):
            yield "", match[1]
            yield "keyword", match[2]
            yield "", line[match.start(3) :]
        else:
            yield "", line
