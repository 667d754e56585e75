"""Run folders with small journals, without a search."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evolve.store import JOURNAL, RESULT, Journal
from evolve.store.files import BARS, EXPERIMENT

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def write_run(
    folder: Path, hours_ago: float = 1.0, best: float | None = 0.5, verdict: str = "",
    usd: float | None = None,
) -> Path:  # fmt: skip
    """Write the folder of a run of one epoch.

    Args:
        folder: the folder.
        hours_ago: time since its start.
        best: its best score.
        verdict: label of the verdict of a finished run; empty for a stopped one.
        usd: cost of its models.
    """
    folder.mkdir(parents=True)
    events: list[tuple[str, dict[str, Any]]] = [("begin", {})]
    events.append(("epoch", {"number": 1, "evaluated": 0, "best": best}))
    if verdict:
        events.append(("finished", {}))
        result: dict[str, Any] = {"verdict": {"label": verdict}}
        if usd is not None:
            result["llm"] = {"usd": usd}
        (folder / RESULT).write_text(json.dumps(result), "utf-8")
    Journal.create(folder / JOURNAL, events).close()
    started = (NOW - timedelta(hours=hours_ago)).isoformat(timespec="milliseconds")
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute("UPDATE events SET at=?", (started,))
        if usd is not None:
            connection.execute(
                "INSERT INTO exchanges VALUES (1, 1, ?, 'propose', '', '', '', 1, 1, ?, 1, '{}')",
                (started, usd),
            )
    for name in (EXPERIMENT, BARS):
        (folder / name).touch()
    return folder
