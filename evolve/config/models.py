"""Sections of an experiment for language models."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import (
    AnyHttpUrl,
    Field,
    TypeAdapter,
    ValidationError,
    field_serializer,
    field_validator,
)

from evolve.config.effort import Limits
from evolve.config.section import Day, Section, measured_in
from evolve.llm.model_set import LlmSettings
from evolve.llm.transport.address import mask_user_info, strip_user_info
from evolve.llm.transport.context import MAX_CONTEXT_TOKENS, MIN_CONTEXT_TOKENS, OF_EXPERIMENT
from evolve.llm.transport.environment import KEY_SUFFIX
from evolve.llm.transport.model import Model

_MODEL = Model("")
_KEY_VARIABLE = re.compile(rf"[A-Z_][A-Z0-9_]*{KEY_SUFFIX}")


class ModelEntry(Section):
    """Language model and the parameters of its requests."""

    name: str = Field(min_length=1, description="name of the model on its server")
    base_url: str | None = Field(
        None, description="address of its server; null for OPENAI_BASE_URL"
    )
    weight: float = Field(
        _MODEL.weight, gt=0, description="share of the calls, relative to the other models"
    )
    temperature: float | None = Field(
        _MODEL.temperature,
        ge=0,
        le=5,
        description="sampling temperature; null for the default of the server",
    )
    max_tokens: int = measured_in(
        "tokens",
        _MODEL.max_tokens,
        ge=16,
        description="maximum length of an answer, including its reasoning",
    )
    context_tokens: int | None = measured_in(
        "tokens",
        None,
        ge=MIN_CONTEXT_TOKENS,
        le=MAX_CONTEXT_TOKENS,
        description="context on the server: prompt and answer together; null to ask the server",
    )
    reasoning_effort: str | None = Field(
        None, description="reasoning effort, in the terms of the server, such as low"
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="additional fields of each request"
    )
    usd_per_million_in: float | None = measured_in(
        "US dollars", None, ge=0, description="price of a million input tokens"
    )
    usd_per_million_out: float | None = measured_in(
        "US dollars", None, ge=0, description="price of a million output tokens"
    )
    api_key_env: str = Field(
        _MODEL.api_key_env,
        description="environment variable with the API key, whose name ends in _API_KEY; "
        "OPENAI_API_KEY goes only to OpenAI, or to an address from the same place",
    )

    knowledge_cutoff: Day | None = Field(
        None, description="day of its newest training data; null if unknown"
    )

    @field_validator("api_key_env")
    @classmethod
    def _check_variable(cls, name: str) -> str:
        if not _KEY_VARIABLE.fullmatch(name):
            raise ValueError(f"expected a name such as OPENROUTER_API_KEY, found `{name}`")
        return name

    @field_serializer("base_url")
    def _serialize_url(self, url: str | None) -> str | None:
        return strip_user_info(url)[0] if url else url

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        try:
            if url is not None:
                TypeAdapter(AnyHttpUrl).validate_python(url)
        except ValidationError:
            shown = mask_user_info(str(url))
            raise ValueError(
                f"expected a URL such as http://localhost:11434/v1, found `{shown}`"
            ) from None
        return url.rstrip("/") if url else None

    def model(self) -> Model:
        """Return the model; its address is empty if the entry has none."""
        values = self.model_dump(exclude={"base_url", "knowledge_cutoff"})
        cutoff = self.knowledge_cutoff.isoformat() if self.knowledge_cutoff else ""
        source = OF_EXPERIMENT if self.context_tokens else ""
        return Model(
            base_url=self.base_url or "", knowledge_cutoff=cutoff, context_source=source, **values
        )


_DEFAULTS = LlmSettings()


class Llm(Section):
    """Language models as proposers."""

    mode: Literal["mix", "only", "off"] = Field(
        _DEFAULTS.mode,
        description="proposers: genetic programming and models, only models, or no models",
    )
    models: list[ModelEntry] = Field(
        default_factory=list, description="models to ask; empty for the model of the environment"
    )
    constraint: Literal["auto", "grammar", "json_schema", "text"] = Field(
        "auto",
        description="format that constrains answers to the language; `text` for none",
    )
    parents: int = measured_in(
        "strategies",
        _DEFAULTS.parents,
        ge=0,
        le=20,
        description="strategies of the population in a prompt, with their scores",
    )
    examples: int = measured_in(
        "strategies", _DEFAULTS.examples, ge=0, le=6, description="example strategies in a prompt"
    )
    failures: int = measured_in(
        "strategies",
        _DEFAULTS.failures,
        ge=0,
        le=50,
        description="failed proposals in a prompt, with the reasons",
    )
    strategies: int = measured_in(
        "strategies",
        _DEFAULTS.strategies,
        ge=1,
        le=10,
        description="maximum number of strategies in an answer",
    )
    tasks: list[str] | Literal["all"] = Field(
        "all", description="tasks of the models: names of files in prompts/tasks, or `all`"
    )
    wait_seconds: float = measured_in(
        "seconds",
        _DEFAULTS.wait_seconds,
        ge=0,
        description="maximum wait for answers at a synchronization",
    )
    timeout_seconds: float = measured_in(
        "seconds",
        _DEFAULTS.timeout_seconds,
        gt=0,
        description="maximum duration of a request to a model, with its retries",
    )
    concurrency: int | Literal["auto"] = measured_in(
        "calls",
        "auto",
        description="concurrent calls, 1 to 64; `auto` is 1 for local servers, else 4",
    )
    repair: bool = Field(
        _DEFAULTS.repair,
        description="ask the model once to repair an answer without a valid strategy",
    )
    prompts: str | None = Field(None, description="folder of user-defined prompt templates")
    learnings: str | None = Field(None, description="file with the learnings of earlier runs")
    learnings_tokens: int = measured_in(
        "tokens",
        _DEFAULTS.learnings_tokens,
        ge=200,
        le=100_000,
        description="maximum length of the learnings in a prompt",
    )
    replay: str | None = Field(
        None, description="run folder whose recorded answers replace the calls to servers"
    )

    @field_validator("concurrency")
    @classmethod
    def _check_concurrency(cls, calls: int | str) -> int | str:
        if isinstance(calls, int) and not 1 <= calls <= 64:
            raise ValueError(f"expected `auto` or a whole number from 1 to 64, found `{calls}`")
        return calls

    @field_validator("tasks")
    @classmethod
    def _check_tasks(cls, names: list[str] | str) -> list[str] | str:
        if names == []:
            raise ValueError("expected `all` or at least one task")
        return names

    def settings(self, tasks: tuple[str, ...], budget: Limits) -> LlmSettings:
        """Return the settings of a run.

        Args:
            tasks: names of the tasks.
            budget: the limits of the run.
        """
        return LlmSettings(
            mode="only" if self.mode == "only" else "mix",
            constraint=self.constraint,
            tasks=tasks,
            parents=self.parents,
            examples=self.examples,
            failures=self.failures,
            strategies=self.strategies,
            concurrency=self.concurrency if isinstance(self.concurrency, int) else 1,
            wait_seconds=self.wait_seconds,
            timeout_seconds=self.timeout_seconds,
            repair=self.repair,
            learnings_tokens=self.learnings_tokens,
            max_calls=budget.llm_calls,
            evaluations=budget.evaluations,
        )
