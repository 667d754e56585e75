"""Rows of a journal as they are, read without parsing a program, also while the run goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    Strict,
    TypeAdapter,
)

from dsl.gc_pause import pause_gc
from evolve.store.database import open_journal
from evolve.store.schema import CALLS, EVENTS, RESUMES, TRIALS

BATCH = 10_000  # trials that are parsed at a time


@dataclass(frozen=True, slots=True)
class TrialRow:
    """Trial of a journal.

    Attributes:
        number: its number, from 1.
        hash: hash of the program.
        source: the program on one line.
        nodes: its size.
        proposer: who proposed it.
        parents: hashes of its parents.
        island: index of its island.
        epoch: number of its epoch.
        scores: float[objective].
        folds: the first objective by fold, float[fold].
        trades: number of closed trades over all folds.
        infeasible_reason: empty if it is feasible.
    """

    number: int
    hash: str
    source: str
    nodes: int
    proposer: str
    parents: tuple[str, ...]
    island: int
    epoch: int
    scores: tuple[float, ...]
    folds: tuple[float, ...]
    trades: int
    infeasible_reason: str

    @property
    def is_feasible(self) -> bool:
        """Whether it has a score and meets every requirement."""
        return bool(self.scores) and not self.infeasible_reason

    @property
    def behavior(self) -> tuple[tuple[float, ...], int]:
        """Values by fold and number of trades, which only programs that trade alike share."""
        return self.folds, self.trades


@dataclass(frozen=True)
class EventRow:
    """Event of a journal.

    Attributes:
        at: time in ISO 8601.
        kind: its kind.
        detail: its figures.
    """

    at: str
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class ExchangeRow:
    """Request to a model and its answer.

    Attributes:
        call: number of its call.
        at: time of the answer in ISO 8601.
        kind: `propose`, `repair`, `summarize`, `audit` or `probe`.
        model: label of the model.
        task: task of the call; empty for none.
        request_format: the constraint on the answer.
        text: the answer.
        error: empty if the model answered.
        tokens_in, tokens_out: tokens of the prompt and of the answer.
        usd: cost in US dollars.
        seconds: duration.
    """

    call: int
    at: str
    kind: str
    model: str
    task: str
    request_format: str
    text: str
    error: str
    tokens_in: int
    tokens_out: int
    usd: float
    seconds: float


@dataclass(frozen=True)
class ProposalRow:
    """Strategy of an answer of a model.

    Attributes:
        call: number of its call.
        source: its text as written.
        hash: hash of the program; empty if it was rejected.
        status: `evaluated`, `duplicate`, `rejected` or `no budget`.
        reason: why it was rejected or is infeasible; else empty.
    """

    call: int
    source: str
    hash: str
    status: str
    reason: str


@dataclass(frozen=True)
class ResumeRow:
    """Continuation of a run.

    Attributes:
        at: time in ISO 8601.
        command: the command that continued it.
        versions: versions of the tool and its libraries.
        changes: the settings that differ from those of the run, by name.
    """

    at: str
    command: str
    versions: dict[str, str]
    changes: dict[str, Any]


@dataclass(frozen=True)
class JournalRows:
    """All rows of a journal, of one moment.

    Attributes:
        trials: in order of their numbers.
        events: in order of their times.
        exchanges: in order of their answers.
        proposals: in order of their answers.
        resumes: in order of their times; empty for a run that was never continued.
    """

    trials: tuple[TrialRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    exchanges: tuple[ExchangeRow, ...] = ()
    proposals: tuple[ProposalRow, ...] = ()
    resumes: tuple[ResumeRow, ...] = ()

    @property
    def best(self) -> TrialRow | None:
        """First of the feasible trials with the highest score; None if there is none."""
        feasible = [each for each in self.trials if each.is_feasible]
        return max(feasible, key=lambda each: each.scores[0], default=None)

    def list_events(self, kind: str) -> list[EventRow]:
        """Return the events of a kind."""
        return [each for each in self.events if each.kind == kind]


def read_rows(path: Path) -> JournalRows:
    """Read all rows of a journal.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(path, TRIALS + EVENTS + CALLS + RESUMES) as connection:
        connection.execute("BEGIN")  # one moment for all tables
        return JournalRows(
            parse_trials(connection.execute("SELECT * FROM trials ORDER BY trial")),
            _parse_events(connection),
            tuple(
                ExchangeRow(*row)
                for row in _EXCHANGES.validate_python(
                    connection.execute(
                        "SELECT call, at, exchanges.kind, model, task, request_format, text, error,"
                        " tokens_in, tokens_out, usd, seconds FROM exchanges"
                        " JOIN calls ON call = number ORDER BY id"
                    ).fetchall()
                )
            ),
            tuple(
                ProposalRow(*row)
                for row in _PROPOSALS.validate_python(
                    connection.execute(
                        "SELECT call, source, hash, status, reason FROM proposals ORDER BY id"
                    ).fetchall()
                )
            ),
            tuple(
                ResumeRow(*row)
                for row in _RESUMES.validate_python(
                    connection.execute(
                        "SELECT at, command, versions, changes FROM resumes ORDER BY id"
                    ).fetchall()
                )
            ),
        )


def read_event_rows(path: Path) -> tuple[EventRow, ...]:
    """Read the events of a journal, and not its trials.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(path, EVENTS) as connection:
        return _parse_events(connection)


def parse_trials(rows: Iterable[Sequence[object]]) -> tuple[TrialRow, ...]:
    """Parse rows of the table of trials, a batch at a time to bound their copies.

    Raises:
        ValueError: if a value has another type.
    """
    trials, source = list[TrialRow](), iter(rows)
    with pause_gc():
        while batch := list(islice(source, BATCH)):
            trials.extend(TrialRow(*row) for row in _TRIALS.validate_python(batch))
    return tuple(trials)


def _parse_events(connection: sqlite3.Connection) -> tuple[EventRow, ...]:
    rows = connection.execute("SELECT at, kind, detail FROM events ORDER BY id").fetchall()
    return tuple(EventRow(*row) for row in _EVENTS.validate_python(rows))


def _check_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


_STRICT = ConfigDict(strict=True)
_Parents = Annotated[tuple[str, ...], Strict(False), BeforeValidator(str.split)]
_Scores = Json[Annotated[tuple[float, ...], Field(min_length=1)]]
_Time = Annotated[str, AfterValidator(_check_time)]
_TRIALS = TypeAdapter(
    list[
        tuple[
            int, str, str, int, str, _Parents, int, int, _Scores, Json[tuple[float, ...]], int, str
        ]
    ],
    config=_STRICT,
)  # fmt: skip
_EVENTS = TypeAdapter(list[tuple[_Time, str, Json[dict[str, Any]]]], config=_STRICT)
_EXCHANGES = TypeAdapter(
    list[tuple[int, _Time, str, str, str, str, str, str, int, int, float, float]], config=_STRICT
)
_PROPOSALS = TypeAdapter(list[tuple[int, str, str, str, str]], config=_STRICT)
_RESUMES = TypeAdapter(
    list[tuple[_Time, str, Json[dict[str, str]], Json[dict[str, Any]]]], config=_STRICT
)
