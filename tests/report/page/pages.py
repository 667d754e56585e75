"""Pages of runs for tests: their texts, tables and charts, and views with changed parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evolve.experiment.result_reader import ResultDocument
from evolve.experiment.run_view import RunView, read_view
from evolve.report.page import luck, repeat, verdict
from evolve.report.page.blocks import Block, Table, Text
from evolve.report.page.charts import Cell, Chart
from evolve.search.progress import Progress
from evolve.store import JOURNAL, RESULT, RunFolder
from evolve.store.rows import EventRow
from evolve.validation.null_run import NullRun
from tests.experiment.small_runs import Notices

SECTIONS = (verdict, luck, repeat)
MINIMAL: dict[str, Any] = {
    "name": "small", "seed": 1,
    "data": {"from": "x", "fallback_used": False, "hash": "", "symbols": ["X"],
             "start": "2000-01-03", "end": "2001-01-03", "bars": 1, "bars_per_year": 252.0},
    "trials": {"evaluated": 0, "proposed": 0, "duplicate": 0},
    "verdict": {"label": "NOT TESTED", "sentence": "", "gates": []},
    "proposers": {}, "finalists": [],
}  # fmt: skip
"""Parts that each result document has."""


class Watcher(Notices):
    """Observer that reads the run after its second epoch and after its second null search.

    Attributes:
        folder: the folder of the run.
        views: the views by event.
        pages: the blocks of the sections by event.
    """

    def __init__(self, folder: Any) -> None:
        super().__init__()
        self.folder = folder
        self.views: dict[str, RunView] = {}
        self.pages: dict[str, list[Block]] = {}

    def progress(self, progress: Progress, seconds: float) -> None:
        if progress.epoch == 1:
            self._read("search")

    def null_search(self, run: NullRun) -> None:
        if len(run.results) == 2:
            self._read("null run")

    def _read(self, event: str) -> None:
        self.views[event] = view = read_view(self.folder)
        self.pages[event] = list_blocks(view)


def list_blocks(view: RunView) -> list[Block]:
    """Return the blocks of the sections verdict, luck and repetition."""
    return [block for section in SECTIONS for block in section.iterate_blocks(view)]


def list_warnings(view: RunView) -> list[str]:
    """Return the texts of the warnings of the verdict."""
    blocks = verdict.iterate_blocks(view)
    return [each.text for each in blocks if isinstance(each, Text) and each.tone == "warning"]


def find_label(blocks: Iterable[Block]) -> Text:
    """Return the label of a page, of which there is one."""
    (found,) = [each for each in blocks if isinstance(each, Text) and each.tone == "label"]
    return found


def find_table(blocks: Iterable[Block], name: str) -> Table:
    (found,) = [each for each in blocks if isinstance(each, Table) and each.name == name]
    return found


def find_chart(blocks: Iterable[Block], name: str) -> Chart:
    (found,) = [each for each in blocks if isinstance(each, Chart) and each.name == name]
    return found


def read_pairs(table: Table) -> dict[Cell, Cell]:
    """Return the second cell of each row by the first one."""
    return {row[0]: row[1] for row in table.rows}


def change_result(view: RunView, **parts: Any) -> RunView:
    """Return a view with other parts of its result document, which is read again."""
    result: Mapping[str, Any] = {**view.result, **parts}
    return replace(view, result=result, document=ResultDocument.model_validate(result))


def change_prices(folder: Path, first: int) -> None:
    """Replace the prices of a run folder from a bar on, and the hash of the bars in its files."""
    bars = read_view(folder).data.dataset.bars
    factor = np.where(np.arange(len(bars)) >= first, 1.5 + np.arange(len(bars)) % 7 / 3, 1.0)
    prices: dict[str, Any] = {
        name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")
    }
    changed = replace(bars, **prices)
    RunFolder(folder).write_bars(changed)
    result = folder / RESULT
    if result.exists():
        result.write_text(result.read_text("utf-8").replace(bars.hash, changed.hash), "utf-8")
    query = "UPDATE events SET detail = replace(detail, ?, ?) WHERE kind = 'data'"
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute(query, (bars.hash, changed.hash))


def add_event(view: RunView, kind: str, **detail: Any) -> RunView:
    """Return a view with a further event."""
    event = EventRow("2026-01-01T00:00:00.000+00:00", kind, detail)
    return replace(view, rows=replace(view.rows, events=(*view.rows.events, event)))
