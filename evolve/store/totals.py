"""Totals of a journal, read by a few queries that do not depend on its length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from evolve.store.database import open_journal
from evolve.store.schema import CALLS, EVENTS, TRIALS


@dataclass(frozen=True)
class JournalTotals:
    """Totals of a journal at one moment.

    Attributes:
        started: time of the first event in ISO 8601; empty if there is none.
        trials: number of trials.
        best: best score so far; None if no trial is feasible.
        usd: cost of the models in US dollars; None if no model was asked.
        is_finished: whether the run has ended with its verdict.
    """

    started: str
    trials: int
    best: float | None
    usd: float | None
    is_finished: bool


def read_totals(path: Path) -> JournalTotals:
    """Read the totals of a journal, also while the run goes on.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(path, TRIALS + EVENTS + CALLS) as connection:
        connection.execute("BEGIN")  # one moment for all tables
        first = connection.execute("SELECT at FROM events ORDER BY id LIMIT 1").fetchone()
        epoch = connection.execute(
            "SELECT detail FROM events WHERE kind='epoch' ORDER BY id DESC LIMIT 1"
        ).fetchone()
        (trials,) = connection.execute("SELECT MAX(trial) FROM trials").fetchone()
        (usd,) = connection.execute("SELECT SUM(usd) FROM exchanges").fetchone()
        (is_finished,) = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM events WHERE kind='finished')"
        ).fetchone()
        best = json.loads(epoch[0]).get("best") if epoch else None
        return JournalTotals(
            started=str(first[0]) if first else "",
            trials=int(trials or 0),
            best=None if best is None else float(best),
            usd=None if usd is None else float(usd),
            is_finished=bool(is_finished),
        )
