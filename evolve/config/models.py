"""The part of an experiment that is about language models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AnyHttpUrl, Field, TypeAdapter, ValidationError, field_validator

from evolve.config.effort import Limits
from evolve.config.section import Section, measured_in
from evolve.llm.model_set import LlmSettings
from evolve.llm.transport.model import Model


class ModelEntry(Section):
    """One model and how it is asked."""

    name: str = Field(min_length=1, description="the model, as its server knows it")
    base_url: str | None = Field(
        None, description="address of its server; OPENAI_BASE_URL if left out"
    )
    weight: float = Field(1, gt=0, description="its share of the calls, among several models")
    temperature: float | None = Field(
        1, ge=0, le=5, description="how freely it samples; null leaves it to the server"
    )
    max_tokens: int = measured_in(
        "tokens", 2000, ge=16, description="the longest answer, its reasoning included"
    )
    reasoning_effort: str | None = Field(
        None, description="how long it thinks, in its server's words, such as low"
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="further fields of each request"
    )
    usd_per_million_in: float | None = measured_in(
        "US dollars", None, ge=0, description="price of a million tokens sent"
    )
    usd_per_million_out: float | None = measured_in(
        "US dollars", None, ge=0, description="price of a million tokens received"
    )
    api_key_env: str = Field(
        "OPENAI_API_KEY", pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="the environment variable that holds its key",
    )  # fmt: skip

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        try:
            if url is not None:
                TypeAdapter(AnyHttpUrl).validate_python(url)
        except ValidationError:
            raise ValueError(
                f"`{url}` is no address; write it like http://localhost:11434/v1"
            ) from None
        return url.rstrip("/") if url else None

    def model(self, base_url: str) -> Model:
        """The model; `base_url` is used if it names none of its own."""
        values = self.model_dump(exclude={"base_url"})
        return Model(base_url=self.base_url or base_url, **values)


_DEFAULTS = LlmSettings()


class Llm(Section):
    """How language models take part."""

    mode: Literal["mix", "only", "off"] = Field(
        "mix", description="models beside genetic programming, alone, or not at all"
    )
    models: list[ModelEntry] = Field(
        default_factory=list, description="the models; the one of the environment if left out"
    )
    constraint: Literal["auto", "grammar", "json_schema", "text"] = Field(
        "auto", description="how strictly an answer is held to the language"
    )
    parents: int = measured_in(
        "strategies",
        _DEFAULTS.parents,
        ge=0,
        le=20,
        description="of the population, shown with their scores",
    )
    examples: int = measured_in(
        "strategies", _DEFAULTS.examples, ge=0, le=6, description="shown as examples of the form"
    )
    failures: int = measured_in(
        "strategies",
        _DEFAULTS.failures,
        ge=0,
        le=50,
        description="of its own that failed, shown with the reason",
    )
    strategies: int = measured_in(
        "strategies", _DEFAULTS.strategies, ge=1, le=10, description="the most in an answer"
    )
    tasks: list[str] | Literal["all"] = Field(
        "all", description="what it is asked for: names of files in prompts/tasks"
    )
    wait_seconds: float = measured_in(
        "seconds",
        _DEFAULTS.wait_seconds,
        ge=0,
        description="the longest wait for answers before the search goes on",
    )
    timeout_seconds: float = measured_in(
        "seconds", _DEFAULTS.timeout_seconds, gt=0, description="the longest wait for one call"
    )
    concurrency: int | Literal["auto"] = measured_in(
        "calls", "auto", description="calls at once, 1 to 64; auto is 1 for a local server, else 4"
    )
    repair: bool = Field(
        True, description="return an answer that cannot be used once, to be mended"
    )
    prompts: str | None = Field(None, description="a folder of your own templates")
    learnings: str | None = Field(None, description="a file of what earlier runs learned")
    learnings_tokens: int = measured_in(
        "tokens",
        _DEFAULTS.learnings_tokens,
        ge=200,
        le=100_000,
        description="the most of it that is shown",
    )
    replay: str | None = Field(
        None, description="a run folder whose answers are used instead of a server's"
    )

    @field_validator("concurrency")
    @classmethod
    def _is_positive(cls, calls: int | str) -> int | str:
        if isinstance(calls, int) and not 1 <= calls <= 64:
            raise ValueError("give `auto`, or a number from 1 to 64")
        return calls

    @field_validator("tasks")
    @classmethod
    def _check_tasks(cls, names: list[str] | str) -> list[str] | str:
        if names == []:
            raise ValueError("give at least one task, or `all`")
        return names

    def settings(self, tasks: tuple[str, ...], budget: Limits) -> LlmSettings:
        """Return the settings as a run uses them.

        Args:
            tasks: names of what models may be asked to do.
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
