"""The part of an experiment that is about language models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AnyHttpUrl, Field, TypeAdapter, ValidationError, field_validator

from evolve.config.section import Section
from evolve.llm.model import Model


class ModelEntry(Section):
    """One model and how it is asked."""

    name: str = Field(min_length=1, description="as its server knows it")
    base_url: str | None = Field(None, description="of its server; OPENAI_BASE_URL if left out")
    weight: float = Field(1, gt=0, description="its share among several")
    temperature: float | None = Field(1, ge=0, le=5)
    max_tokens: int = Field(2000, ge=16, description="of an answer, its reasoning included")
    reasoning_effort: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict, description="fields of each request")
    usd_per_million_in: float | None = Field(None, ge=0)
    usd_per_million_out: float | None = Field(None, ge=0)
    api_key_env: str = Field("OPENAI_API_KEY", pattern=r"^[A-Z_][A-Z0-9_]*$")

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


class Llm(Section):
    """How language models take part."""

    mode: Literal["mix", "only", "off"] = Field("mix", description="beside GP, alone, or not")
    models: list[ModelEntry] = Field(
        default_factory=list, description="the one that the environment names, if left out"
    )
    constraint: Literal["auto", "grammar", "json_schema", "text"] = "auto"
    parents: int = Field(3, ge=0, le=20, description="strategies it is shown")
    examples: int = Field(3, ge=0, le=6, description="strategies that show the form")
    failures: int = Field(6, ge=0, le=50, description="of its own, told with the reason")
    strategies: int = Field(3, ge=1, le=10, description="most in one answer")
    directions: list[str] | Literal["all"] = "all"
    wait_seconds: float = Field(120, ge=0, description="for answers, at a boundary")
    timeout_seconds: float = Field(300, gt=0, description="of one call")
    concurrency: int | Literal["auto"] = Field("auto", description="calls at once")
    repair: bool = Field(True, description="send an answer that cannot be used back once")
    prompts: str | None = Field(None, description="a folder of one's own templates")
    learnings: str | None = Field(None, description="a file of what earlier runs learned")
    learnings_tokens: int = Field(1500, ge=200, le=100_000)
    replay: str | None = Field(None, description="a run whose answers to use instead of a server")

    @field_validator("concurrency")
    @classmethod
    def _is_positive(cls, calls: int | str) -> int | str:
        if isinstance(calls, int) and not 1 <= calls <= 64:
            raise ValueError("give `auto`, or a number from 1 to 64")
        return calls

    @field_validator("directions")
    @classmethod
    def _directions(cls, names: list[str] | str) -> list[str] | str:
        if names == []:
            raise ValueError("give at least one direction, or `all`")
        return names
