"""Models that a run recorded: a replay uses them, and a run that goes on continues with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from evolve.errors import EvolveError, describe_invalid
from evolve.llm.model_set import LlmSettings, Mode, ModelSet
from evolve.llm.transport.context import limit_answer
from evolve.llm.transport.model import UNNAMED, Model
from evolve.store.journal import read_event

EVENT = "models"  # kind of the event in the journal


class RecordedModels(BaseModel):
    """Models and settings of a run, as `ModelSet.record` describes them."""

    models: dict[str, Model]
    mode: Mode
    concurrency: Annotated[int, Field(ge=1)]
    constraint: str = ""  # older runs did not record it


def read_recorded_models(journal: Path) -> RecordedModels | None:
    """Read the models of a run; None if it had none.

    Raises:
        EvolveError: if the journal is damaged.
    """
    record = read_event(journal, EVENT)
    if not record:
        return None
    try:
        return RecordedModels.model_validate(record)
    except ValidationError as error:
        message = f"{journal} is damaged: event `{EVENT}`: {describe_invalid(error)}"
        raise EvolveError(message, "restore the file") from None


def replay_models(journal: Path, settings: LlmSettings, is_resumed: bool) -> ModelSet:
    """Return the models of a run whose answers are replayed.

    Args:
        journal: the journal of that run.
        settings: the settings of the experiment.
        is_resumed: whether the replaying run goes on.

    Raises:
        EvolveError: if that run had no models, or if its journal is damaged.
    """
    recorded = read_recorded_models(journal)
    if recorded is None:
        hint = "replay a run with models"
        raise EvolveError(f"no model calls in {journal.parent}", hint)
    settings = replace(
        settings,
        mode=recorded.mode,
        concurrency=recorded.concurrency,
        constraint=recorded.constraint or settings.constraint,
    )
    return ModelSet(recorded.models, settings, recording=journal, is_resumed=is_resumed)


def resume_models(models: ModelSet, recorded: RecordedModels) -> ModelSet:
    """Return models with the labels, names and contexts of their recorded run.

    Raises:
        EvolveError: if they are other models.
    """
    return replace(models, models=_merge(recorded.models, models.models), is_resumed=True)


def _merge(recorded: Mapping[str, Model], configured: Mapping[str, Model]) -> dict[str, Model]:
    """Return the configured models, in order, with what their servers reported in the run."""
    names = [each.name for each in recorded.values()]
    found = [each.name for each in configured.values()]
    if len(found) != len(names) or any(
        name not in (before, UNNAMED) for name, before in zip(found, names, strict=True)
    ):
        raise EvolveError(
            f"the run began with other models: expected {', '.join(names)}, "
            f"found {', '.join(found)}",
            "configure those, in this order and with their keys",
        )
    pairs = zip(recorded.items(), configured.values(), strict=True)
    return {label: _complete(model, before) for (label, before), model in pairs}


def _complete(model: Model, before: Model) -> Model:
    context, source = model.context_tokens, model.context_source
    if context is None:
        context, source = before.context_tokens, before.context_source
    named = replace(model, name=before.name, context_tokens=context, context_source=source)
    return limit_answer(named)
