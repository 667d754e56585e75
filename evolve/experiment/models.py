"""Models of an experiment: read from its settings and connected to their servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dsl.generate.gbnf import gbnf_text
from dsl.generate.json_schema import json_schema
from dsl.generate.lark import lark_text
from dsl.generate.rules import Grammar
from dsl.names import unique_name
from evolve.config.load import is_overridden
from evolve.errors import EvolveError
from evolve.experiment.input_files import resolve_path
from evolve.experiment.plan import Plan
from evolve.experiment.recorded_models import (
    read_recorded_models,
    replay_models,
    resume_models,
)
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.templates import render
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
from evolve.notices import NoticeLog
from evolve.store.files import JOURNAL

LOCAL_CALLS, REMOTE_CALLS = 1, 4  # concurrent
LIST_SECONDS = 5.0
OPENINGS = {"grammar": "strategy ", "json_schema": "{"}  # prefix of an answer, by constraint
UNCONSTRAINED = Constraint("", "", {})


def load_model_set(plan: Plan, resumed: Path | None = None) -> ModelSet:
    """Return the models of an experiment, from its settings and the environment.

    A run that goes on has the models with which it began, at the addresses of today.

    Args:
        plan: the experiment.
        resumed: the journal of the run that goes on; None for a new run.

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
    recorded = read_recorded_models(resumed) if resumed is not None else None
    if resumed is not None and recorded is None:
        return ModelSet(reason_empty="the run began without one")
    if llm.replay is not None:
        replayed = resolve_path(llm.replay, plan.base) / JOURNAL
        return replay_models(replayed, settings, resumed is not None)
    environment = read_environment(plan.environment_folder or plan.base)
    models = configured_models(plan, environment)
    if not models:
        why = "set OPENAI_BASE_URL (or OPENAI_API_KEY) to add one"
        if llm.mode == "only":
            raise EvolveError("`llm.mode: only` requires a model, but none is configured", why)
        if recorded is not None:
            raise EvolveError("the run began with a model, but none is configured", why)
        return ModelSet(reason_empty=why)
    for model in models.values():
        if experiment.budget.llm_usd is not None and not model.is_priced:
            raise EvolveError(
                f"`budget.llm_usd` requires prices, but {model.name} has none",
                "set usd_per_million_in and usd_per_million_out of the model in `llm.models`",
            )
    if not isinstance(llm.concurrency, int):
        is_local = all(each.is_local for each in models.values())
        concurrency = LOCAL_CALLS if is_local else REMOTE_CALLS
        if recorded is not None:
            concurrency = recorded.concurrency
        settings = replace(settings, concurrency=concurrency)
    model_set = ModelSet(models, settings, environment=environment)
    return model_set if recorded is None else resume_models(model_set, recorded)


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
        named = models
        if not models.is_resumed:
            named = replace(models, models=_complete_models(loop, models, log))
        clients = {
            label: Client(
                _open_server(loop, model, models.environment, settings.timeout_seconds),
                settings.constraint, probe, OPENINGS, log,
            )
            for label, model in named.models.items()
        }  # fmt: skip
        yield OpenModels(named, loop, clients)


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
