"""State of the models as a proposer, for checkpoints: exactly what decides what they do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from evolve.errors import EvolveError, describe_invalid
from evolve.llm.patience import PatienceState
from evolve.llm.prompt.composer import ComposerState
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.prompt.parts import PromptParts
from evolve.llm.prompt.selection import ArmChoice
from evolve.llm.saved_types import SavedSet
from evolve.llm.schedule import ScheduleState
from evolve.llm.transport.calls import Call
from evolve.llm.transport.usage import BudgetState, CallLimits


@dataclass
class Request:
    """Call in flight, with its arm and parents.

    Attributes:
        call: the call.
        choice: its arm and the parents that its prompt shows.
        parts: the parts of its prompt, for a repair.
        summarized: number of the records that a summary replaces.
    """

    call: Call
    choice: ArmChoice = field(default_factory=ArmChoice)
    parts: PromptParts = field(default_factory=PromptParts)
    summarized: int = 0


@dataclass
class ProposerState:
    """State of the proposer.

    Attributes:
        learnings: what the models learned so far.
        failed_calls: number of calls that failed, without those for summaries.
        in_flight: requests without a collected answer, by the number of the call.
        last_number: number of the last call.
        may_probe: labels of models whose request format is unknown.
    """

    learnings: Learnings
    may_probe: SavedSet[str]
    failed_calls: int = 0
    in_flight: dict[int, Request] = field(default_factory=dict)
    last_number: int = 0


@dataclass
class ModelsState:
    """State of the proposer and of all its parts, and the budget of its schedule."""

    proposer: ProposerState
    composer: ComposerState
    schedule: ScheduleState
    patience: PatienceState
    budget: BudgetState
    evaluations: int
    limits: CallLimits


def encode_state(state: ModelsState) -> dict[str, Any]:
    """Return a copy of a state as JSON values."""
    document: dict[str, Any] = _STATE.dump_python(state, mode="json")
    return document


def decode_state(document: Mapping[str, Any]) -> ModelsState:
    """Return a saved state.

    Raises:
        EvolveError: if it is damaged.
    """
    try:
        return _STATE.validate_python(dict(document))
    except ValidationError as error:
        message = f"the saved state of the models is damaged: {describe_invalid(error)}"
        raise EvolveError(message, "restore the journal of the run") from None


_STATE = TypeAdapter(ModelsState)
