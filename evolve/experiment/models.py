"""Models of an experiment: read from its settings, connected, and opened as a proposer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from dsl.generate.gbnf import gbnf_text
from dsl.generate.json_schema import json_schema
from dsl.generate.lark import lark_text
from dsl.generate.rules import Grammar
from dsl.names import unique_name
from evolve.config.load import is_overridden
from evolve.errors import EvolveError
from evolve.experiment.input_files import resolve_path
from evolve.experiment.plan import LoadedData, Plan, build_grammar, build_prompts
from evolve.experiment.recorder import RunRecorder
from evolve.llm.model_set import LlmSettings, Mode, ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.templates import render
from evolve.llm.proposer import ModelProposer
from evolve.llm.transport.calls import Calls, LiveCalls, RecordedCalls
from evolve.llm.transport.client import Client
from evolve.llm.transport.context import find_context, limit_answer
from evolve.llm.transport.credentials import decide_key, place_model
from evolve.llm.transport.environment import Environment, read_environment
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.masked_server import MaskedServer
from evolve.llm.transport.model import OPENAI, UNNAMED, Model, read_model
from evolve.llm.transport.reply import ModelError
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from evolve.llm.transport.usage import CallBudget, CallLimits
from evolve.notices import NoticeLog
from evolve.stop import Stop
from evolve.store.calls import read_recording
from evolve.store.files import JOURNAL
from evolve.store.journal import read_event

LOCAL_CALLS, REMOTE_CALLS = 1, 4  # concurrent
LIST_SECONDS = 5.0
OPENINGS = {"grammar": "strategy ", "json_schema": "{"}  # prefix of an answer, by constraint
UNCONSTRAINED = Constraint("", "", {})
EVENT = "models"  # kind of the event in the journal


class RecordedModels(BaseModel):
    """Models and settings that a replay needs, as `ModelSet.record` describes them."""

    models: dict[str, Model]
    mode: Mode
    concurrency: Annotated[int, Field(ge=1)]
    constraint: str = ""  # older runs did not record it


def load_model_set(plan: Plan) -> ModelSet:
    """Return the models of an experiment, from its settings and the environment.

    Raises:
        EvolveError: if `llm.mode` is `only` and no model is configured, if the cost of a model
            without a price is limited, or if the recording to replay cannot be read.
    """
    experiment, llm = plan.experiment, plan.experiment.llm
    settings = llm.settings(plan.assets.tasks, experiment.budget)
    if llm.mode == "off":
        return ModelSet(reason_empty="`llm.mode` is off")
    if llm.mode == "mix" and not experiment.search.asks_models:
        return ModelSet(reason_empty="`search.proposers` excludes llm")
    if not experiment.budget.llm_calls:
        if llm.mode == "only":
            raise EvolveError("`llm.mode: only` requires calls, but `budget.llm_calls` is 0")
        return ModelSet(reason_empty="`budget.llm_calls` is 0")
    if llm.replay is not None:
        return _read_recorded_models(resolve_path(llm.replay, plan.base) / JOURNAL, settings)
    environment = read_environment(plan.base)
    models = configured_models(plan, environment)
    if not models:
        why = "set OPENAI_BASE_URL (or OPENAI_API_KEY) to add one"
        if llm.mode == "only":
            raise EvolveError("`llm.mode: only` requires a model, but none is configured", why)
        return ModelSet(reason_empty=why)
    for model in models.values():
        if experiment.budget.llm_usd is not None and not model.is_priced:
            raise EvolveError(
                f"`budget.llm_usd` requires prices, but {model.name} has none",
                "set usd_per_million_in and usd_per_million_out of the model in `llm.models`",
            )
    if not isinstance(llm.concurrency, int):
        is_local = all(each.is_local for each in models.values())
        settings = replace(settings, concurrency=LOCAL_CALLS if is_local else REMOTE_CALLS)
    return ModelSet(models, settings, environment=environment)


def configured_models(plan: Plan | None, environment: Environment) -> dict[str, Model]:
    """Return the models of an experiment, else of the environment, by label.

    A model of an experiment is omitted if it has neither an address nor a key.
    """
    chosen = (
        [
            place_model(each.model(), environment, is_overridden("llm.models", plan.overrides))
            for each in plan.experiment.llm.models
        ]
        if plan
        else []
    )
    if not chosen:
        model = read_model(environment)
        chosen = [model] if model else []
    usable = [
        each for each in chosen if each.base_url != OPENAI or environment.get(each.api_key_env)
    ]
    return assign_labels(usable)


def describe_keys(models: ModelSet) -> tuple[str, ...]:
    """Return which key goes to which server, one text for each; empty for a recording."""
    if models.recording is not None:
        return ()
    texts = (decide_key(each, models.environment).text for each in models.models.values())
    return tuple(dict.fromkeys(filter(None, texts)))


def assign_labels(models: Sequence[Model]) -> dict[str, Model]:
    """Return models by label; a duplicate label gets a number."""
    labelled: dict[str, Model] = {}
    for each in models:
        labelled[unique_name(each.label, labelled.__contains__)] = each
    return labelled


def build_constraint(prompts: PromptBuilder, grammar: Grammar) -> Constraint:
    """Build the constraint of an answer in all formats, with its notes for the prompt."""
    return Constraint(
        lark_text(grammar), gbnf_text(grammar), json_schema(grammar),
        prompts.fixed_text("tool.md"), {"json_schema": prompts.fixed_text("json.md")},
    )  # fmt: skip


@dataclass(frozen=True)
class OpenModels:
    """Models with open connections.

    Attributes:
        models: the models, with the names that their servers use.
        loop: the event loop of their calls.
        clients: the clients by label.
    """

    models: ModelSet
    loop: LoopThread
    clients: Mapping[str, Client]

    @property
    def first(self) -> Client:
        """Client of the first model."""
        return next(iter(self.clients.values()))


@contextmanager
def open_models(
    models: ModelSet, log: NoticeLog, folder: Path | None = None
) -> Iterator[OpenModels]:
    """Connect to the servers of models; close the connections at the end.

    Args:
        models: the models and their settings.
        log: receives which key goes to which server, and a notice if the constraint on a model's
            answers is relaxed.
        folder: the folder of user-defined templates; None for the default ones.
    """
    settings, probe = models.settings, render("probe.md", folder)
    for text in describe_keys(models):
        log.notice(text)
    with closing(LoopThread(settings.concurrency)) as loop:
        named = replace(models, models=_complete_models(loop, models, log))
        clients = {
            label: Client(
                _open_server(loop, model, models.environment, settings.timeout_seconds),
                settings.constraint, probe, OPENINGS, log,
            )
            for label, model in named.models.items()
        }  # fmt: skip
        yield OpenModels(named, loop, clients)


@contextmanager
def open_proposer(
    models: ModelSet, plan: Plan, data: LoadedData, recorder: RunRecorder, stop: Stop
) -> Iterator[ModelProposer | None]:
    """Yield the proposer of a run, backed by servers or a recording; None without models."""
    if not models:
        yield None
        return
    prompts = build_prompts(plan, data, models.settings)
    with _open_calls(models, plan, prompts, recorder, stop) as (named, calls):
        recorder.event(EVENT, **named.record())
        limits = plan.experiment.budget
        budget = CallBudget(
            CallLimits(limits.llm_calls, limits.llm_tokens, limits.llm_usd), recorder.report_cost
        )
        composer = Composer(named, prompts, plan.experiment.seed)
        with closing(ModelProposer(composer, calls, budget, recorder)) as proposer:
            yield proposer


@contextmanager
def _open_calls(
    models: ModelSet, plan: Plan, prompts: PromptBuilder, recorder: RunRecorder, stop: Stop
) -> Iterator[tuple[ModelSet, Calls]]:
    """Yield the models with the names that their servers use, and the calls to them."""
    if models.recording is not None:
        recorded = read_recording(models.recording)
        yield models, RecordedCalls(recorded, str(models.recording.parent), recorder)
        return
    with open_models(models, recorder, plan.assets.folder) as opened:
        constraint = UNCONSTRAINED
        if models.settings.constraint != "text":
            constraint = build_constraint(prompts, build_grammar(plan))
        yield opened.models, LiveCalls(opened.loop, opened.clients, constraint, recorder, stop)


def _open_server(
    loop: LoopThread, model: Model, environment: Environment, timeout_seconds: float
) -> Server:
    """Open the server of a model; it is closed with the loop."""
    server = MaskedServer(model, decide_key(model, environment).key, timeout_seconds)
    loop.close_later(server.close)
    return server


def _complete_models(loop: LoopThread, models: ModelSet, log: NoticeLog) -> dict[str, Model]:
    """Return the models with the names and contexts that their servers report."""
    completed: list[Model] = []
    for model in models.models.values():
        if model.name == UNNAMED:
            server = _open_server(loop, model, models.environment, LIST_SECONDS)
            try:
                names = loop.submit(server.models).result()
            except ModelError:
                names = []
            model = replace(model, name=names[0]) if names else model
        if model.context_tokens is None:
            server = _open_server(loop, model, models.environment, LIST_SECONDS)
            tokens, source = loop.submit(partial(find_context, server)).result()
            model = replace(model, context_tokens=tokens, context_source=source)
        limited = limit_answer(model)
        if limited.max_tokens < model.max_tokens:
            log.notice(
                f"answers of {model.name} are limited to {limited.max_tokens:,} tokens, not "
                f"{model.max_tokens:,}: its context has {model.context_tokens:,} tokens "
                f"({model.context_source})"
            )
        completed.append(limited)
    return assign_labels(completed)


def _read_recorded_models(journal: Path, settings: LlmSettings) -> ModelSet:
    record = read_event(journal, EVENT)
    if not record:
        hint = "replay a run with models"
        raise EvolveError(f"no model calls in {journal.parent}", hint)
    try:
        recorded = RecordedModels.model_validate(record)
    except ValidationError as error:
        reason = error.errors(include_url=False, include_input=False)[0]["msg"]
        message = f"{journal} is damaged: event `{EVENT}`: {reason}"
        raise EvolveError(message, "restore the file") from None
    settings = replace(
        settings,
        mode=recorded.mode,
        concurrency=recorded.concurrency,
        constraint=recorded.constraint or settings.constraint,
    )
    return ModelSet(recorded.models, settings, recording=journal)
