"""Events of a journal, with the details that they must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from evolve.errors import EvolveError
from evolve.experiment.evidence import Count, Finite
from evolve.experiment.result_parts import DataDocument
from evolve.experiment.result_reader import HINT
from evolve.search.best_curve import CurvePoint
from evolve.search.proposer_stats import ProposerStats
from evolve.store.journal import read_event
from evolve.store.rows import JournalRows
from evolve.validation.null_search import NullResult


class BeginEvent(BaseModel):
    """Begin of a run; empty for earlier versions."""

    command: str = ""
    versions: dict[str, str] = {}
    base: str = ""
    overrides: list[str] = []
    extra: list[str] = []


class SettingsEvent(BaseModel):
    """Settings in the folder of a run at its begin, and hashes of its inputs by path."""

    settings: dict[str, Any]
    inputs: dict[str, str]


class DataEvent(DataDocument):
    """Origin and extent of the bars, before the result."""

    source: str


class NoticeEvent(BaseModel):
    """Notice to the user."""

    text: str


class EpochEvent(BaseModel):
    """State of a search after an epoch; `best` is None if no trial was feasible."""

    number: Count
    evaluated: Count
    best: Finite | None
    stats: dict[str, ProposerStats] = {}
    seconds: dict[str, Finite] = {}


class NullSearchEvent(BaseModel):
    """Null search that ended."""

    score: Finite
    planned: Count
    search: NullResult
    curve: tuple[CurvePoint, ...] = ()


Event = TypeVar("Event", bound=BaseModel)

KINDS: dict[type[BaseModel], str] = {
    BeginEvent: "begin",
    SettingsEvent: "settings",
    DataEvent: "data",
    NoticeEvent: "notice",
    EpochEvent: "epoch",
    NullSearchEvent: "null_search",
}
"""Kind of the events of each model."""


def read_event_of(journal: Path, model: type[Event]) -> Event | None:
    """Read the first event of a kind from a journal; None if it has none.

    Args:
        journal: the file.
        model: the details that it must have.

    Raises:
        EvolveError: if it is no journal, or if the event has other details.
    """
    detail = read_event(journal, KINDS[model])
    return _validate([detail], model, journal)[0] if detail else None


def read_events(rows: JournalRows, model: type[Event], journal: Path) -> tuple[Event, ...]:
    """Read the events of a kind.

    Args:
        rows: the rows of the journal.
        model: the details that they must have.
        journal: the file, for errors.

    Raises:
        EvolveError: if an event has other details.
    """
    details = [each.detail for each in rows.list_events(KINDS[model])]
    return _validate(details, model, journal)


def _validate(
    details: Sequence[Mapping[str, Any]], model: type[Event], journal: Path
) -> tuple[Event, ...]:
    try:
        return tuple(TypeAdapter(list[model]).validate_python(details))  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        number, *names = first["loc"]
        where = ".".join(map(str, names))
        message = f"{journal} is damaged: event `{KINDS[model]}` {int(number) + 1}"
        raise EvolveError(f"{message}: `{where}`: {first['msg']}", HINT) from None
