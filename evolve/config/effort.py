"""Sections of an experiment for the search, its limits and its processes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from dsl.evaluate import ARENA_MB
from evolve.config.presets import DEFAULT_PRESET, PresetName, describe_presets
from evolve.config.section import Section, check_name, measured_in
from evolve.search.options import DEFAULT_OPTIONS, IdleRule, SearchOptions
from evolve.search.progress import Budget
from evolve.search.proposers import PROPOSERS

MODEL = "llm"  # the proposer for language models

Weight = Annotated[float, Field(ge=0)] | Literal["auto"]


def _default_weights() -> dict[str, Weight]:
    return {**{name: each.weight for name, each in PROPOSERS.items()}, MODEL: "auto"}


class Search(Section):
    """Settings of the search: populations, epochs and proposers."""

    preset: PresetName = Field(
        DEFAULT_PRESET,
        description="size of the search, whose settings replace their defaults: "
        f"{describe_presets()}; `standard` none",
    )
    islands: int = measured_in(
        "islands",
        4,
        ge=1,
        le=64,
        description="number of populations that evolve separately and exchange migrants",
    )
    population: int = measured_in(
        "strategies", 300, ge=4, le=10_000, description="size of the population of each island"
    )
    generations_per_epoch: int = measured_in(
        "generations",
        5,
        ge=1,
        le=1000,
        description="length of an epoch, which ends with a migration",
    )
    idle: IdleRule = Field(
        DEFAULT_OPTIONS.idle,
        description="whether strategies that trade too little for `fitness.require` are replaced "
        "(`replace`), or are trials (`count`)",
    )
    distinct: bool = Field(
        DEFAULT_OPTIONS.distinct,
        description="whether a population has one strategy of each behavior",
    )
    niche_members: int = measured_in(
        "strategies", DEFAULT_OPTIONS.niche_members, ge=0, le=20,
        description="candidates of each niche of exposure and holding time; 0 for no niches",
    )  # fmt: skip
    credit_decay: float = measured_in(
        "fraction", DEFAULT_OPTIONS.credit_decay, ge=0, le=1,
        description="factor of the earlier credit of a proposer at each migration; 1 for no decay",
    )  # fmt: skip
    proposers: dict[str, Weight] = Field(
        default_factory=_default_weights,
        description="weight of each proposer, 0 for none; an omitted one has its default; "
        "`auto` or 0 for `llm`",
    )

    @field_validator("proposers")
    @classmethod
    def _check_weights(cls, weights: dict[str, float | str]) -> dict[str, float | str]:
        for name, weight in weights.items():
            check_name(name, {**PROPOSERS, MODEL: None}, "proposer")
            if (weight == "auto") != (name == MODEL and weight != 0):
                expected = "`auto` or 0" if name == MODEL else "a number, 0 for none,"
                raise ValueError(f"expected {expected} for `{name}`, found `{weight}`")
        if not any(weight for name, weight in weights.items() if name != MODEL):
            raise ValueError(f"expected a weight above 0 for a proposer other than `{MODEL}`")
        return weights

    def options(self) -> SearchOptions:
        """Return what the search adds to a plain genetic algorithm."""
        return SearchOptions(self.idle, self.distinct, self.niche_members, self.credit_decay)

    @property
    def weights(self) -> dict[str, float]:
        """Weights above 0 of the genetic operators, by name."""
        return {
            name: each
            for name, each in self.proposers.items()
            if not isinstance(each, str) and each > 0 and name != MODEL
        }

    @property
    def asks_models(self) -> bool:
        """True if models may propose."""
        return self.proposers[MODEL] != 0


class Limits(Section):
    """Limits of the search and of the calls to models."""

    evaluations: int = measured_in(
        "trials",
        Budget.evaluations,
        ge=1,
        le=1_000_000_000,
        description="maximum number of distinct strategies that are evaluated",
    )
    stale_epochs: int | None = measured_in(
        "epochs", 5, ge=1, description="stop after this number of epochs without a better score"
    )
    minutes: float | None = measured_in(
        "minutes", None, gt=0, description="stop after the epoch in which this time has passed"
    )
    stop: Literal["luck"] | None = Field(
        None,
        description="further end of the search: `luck` once its lead over the searches on shuffled "
        "prices, which then run first and in full, has halved; it replaces `stale_epochs`",
    )
    llm_calls: int = measured_in(
        "calls", 20, ge=0, le=1_000_000,
        description="maximum number of calls to models; refused calls do not count",
    )  # fmt: skip
    llm_tokens: int | None = measured_in(
        "tokens", None, ge=0, description="maximum number of tokens, sent and received"
    )
    llm_usd: float | None = measured_in(
        "US dollars", None, ge=0, description="maximum cost of the models"
    )

    @model_validator(mode="before")
    @classmethod
    def _replace_stale_epochs(cls, value: object) -> object:
        """Return the settings without the default limit that `stop` replaces."""
        if isinstance(value, Mapping) and value.get("stop") is not None:
            return {"stale_epochs": None, **value}
        return value

    @model_validator(mode="after")
    def _check_stop(self) -> Self:
        if self.stops_at_luck:
            for name in ("stale_epochs", "minutes"):
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"expected `stop` or `{name}`, found both; no search on shuffled prices "
                        f"ends by `{name}`, so set it to null"
                    )
        return self

    @property
    def stops_at_luck(self) -> bool:
        """True if the search stops once its lead over luck is lost."""
        return self.stop == "luck"

    def budget(self) -> Budget:
        """Return the limits of the search."""
        return Budget(self.evaluations, self.stale_epochs, self.minutes)


MAX_PROCESSES = 256
CLUSTER_ADDRESS = re.compile(
    r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+):\d{1,5}|(?!\w+://).+\.json"
)
Processes = Annotated[int, Field(ge=1, le=MAX_PROCESSES)] | Literal["auto"]


def parse_processes(value: object) -> object:
    """Expand `workers: 2` to `workers: {processes: 2}`."""
    return value if isinstance(value, dict | Workers) else {"processes": value}


class Workers(Section):
    """Worker processes of the search; the result does not depend on their number."""

    processes: int | Literal["auto"] = measured_in(
        "processes", "auto", description="number of worker processes, at most one per island: "
        f"1 to {MAX_PROCESSES}, or `auto` for one per core if the budget justifies it; "
        "`workers: 2` is short for `workers: {processes: 2}`",
    )  # fmt: skip
    cluster: str | None = Field(
        None, description="scheduler of dask.distributed, whose workers replace the processes: "
        "`tcp://HOST:PORT`, `tls://HOST:PORT`, or the path of its scheduler file, `PATH.json`",
    )  # fmt: skip
    memory_mb: int = measured_in(
        "megabytes", ARENA_MB, ge=1, le=100_000,
        description="memory of each process for cached series and conditions",
    )  # fmt: skip

    @field_validator("processes", mode="before")
    @classmethod
    def _check_processes(cls, value: object) -> object:
        if value != "auto" and not (type(value) is int and 1 <= value <= MAX_PROCESSES):
            raise ValueError(f"expected `auto` or a whole number from 1 to {MAX_PROCESSES}")
        return value

    @field_validator("cluster")
    @classmethod
    def _check_cluster(cls, address: str | None) -> str | None:
        if address is not None and not CLUSTER_ADDRESS.fullmatch(address):
            expected = "`tcp://HOST:PORT`, `tls://HOST:PORT` or a scheduler file `PATH.json`"
            raise ValueError(f"expected {expected}, found `{address}`")
        return address

    @model_validator(mode="after")
    def _check_one_kind(self) -> Self:
        if self.cluster is not None and self.processes != "auto":
            message = "expected `cluster` or `processes`, found both"
            raise ValueError(f"{message}; for a cluster, set `workers.processes` to `auto`")
        return self
