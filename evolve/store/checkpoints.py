"""Checkpoints of a search, from which it goes on as if it had never ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

FIRST_EPOCH = -1  # of the checkpoint before the search

_COLUMNS = "epoch, trials, last_event, last_proposal, seconds, state"


@dataclass(frozen=True)
class Checkpoint:
    """State of a run at the end of an epoch.

    Attributes:
        epoch: its number; -1 before the search.
        trials: number of trials so far.
        last_event: id of the last event; 0 for none.
        last_proposal: id of the last proposal of a model; 0 for none.
        seconds: time of the search so far, summed over all processes that continued it.
        state: state of the search as JSON values; empty before the search.
    """

    epoch: int
    trials: int
    last_event: int
    last_proposal: int
    seconds: float
    state: dict[str, Any]


class CheckpointName(NamedTuple):
    """Epoch of a checkpoint, and number of trials so far."""

    epoch: int
    trials: int


def insert_checkpoint(
    connection: sqlite3.Connection, epoch: int, seconds: float, state: Mapping[str, Any]
) -> None:
    """Insert a checkpoint of all rows so far, in the transaction of its epoch."""
    connection.execute(
        f"INSERT INTO checkpoints ({_COLUMNS}) VALUES (?, "
        "(SELECT COALESCE(MAX(trial), 0) FROM trials), "
        "(SELECT COALESCE(MAX(id), 0) FROM events), "
        "(SELECT COALESCE(MAX(id), 0) FROM proposals), ?, ?)",
        (epoch, seconds, json.dumps(state, separators=(",", ":"))),
    )


def list_checkpoints(connection: sqlite3.Connection) -> list[CheckpointName]:
    """Return the names of all checkpoints in order."""
    rows = connection.execute("SELECT epoch, trials FROM checkpoints ORDER BY epoch")
    return [CheckpointName(*row) for row in rows]


def read_checkpoint(connection: sqlite3.Connection, epoch: int | None) -> Checkpoint | None:
    """Return the checkpoint of an epoch, or the last one; None if there is none.

    Raises:
        ValueError: if its state is damaged.
    """
    query = f"SELECT {_COLUMNS} FROM checkpoints ORDER BY epoch DESC LIMIT 1"
    values: tuple[int, ...] = ()
    if epoch is not None:
        query, values = f"SELECT {_COLUMNS} FROM checkpoints WHERE epoch=?", (epoch,)
    row = connection.execute(query, values).fetchone()
    if row is None:
        return None
    number, trials, last_event, last_proposal, seconds, text = row
    state = json.loads(text)
    if not isinstance(state, dict):
        raise ValueError(f"expected the state of epoch {number} as a JSON object")
    return Checkpoint(number, trials, last_event, last_proposal, seconds, state)


def delete_later(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Delete the rows after a checkpoint; calls and their exchanges are paid for and remain."""
    for table, column, last in (
        ("trials", "trial", checkpoint.trials),
        ("events", "id", checkpoint.last_event),
        ("proposals", "id", checkpoint.last_proposal),
        ("checkpoints", "epoch", checkpoint.epoch),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} > ?", (last,))
