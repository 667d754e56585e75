"""Parts of an experiment about effort: the settings of the search, its limits, its processes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from evolve.config.section import Section, check_name, measured_in
from evolve.search.progress import Budget
from evolve.search.proposers import PROPOSERS

MODEL = "llm"  # language models, among the proposers

Weight = Annotated[float, Field(ge=0)] | Literal["auto"]


def _all_proposers() -> dict[str, Weight]:
    return {**{name: each.weight for name, each in PROPOSERS.items()}, MODEL: "auto"}


class Search(Section):
    """Settings of the search: populations, epochs and proposers."""

    islands: int = measured_in(
        "islands", 4, ge=1, le=64, description="populations that evolve apart and migrate"
    )
    population: int = measured_in(
        "strategies", 150, ge=4, le=10_000, description="size of the population of an island"
    )
    generations_per_epoch: int = measured_in(
        "generations", 5, ge=1, le=1000, description="length of an epoch, after which islands meet"
    )
    proposers: dict[str, Weight] = Field(
        default_factory=_all_proposers, description="weight of each proposer; `llm` is auto or 0"
    )

    @field_validator("proposers")
    @classmethod
    def _proposers(cls, weights: dict[str, float | str]) -> dict[str, float | str]:
        for name, weight in weights.items():
            check_name(name, {**PROPOSERS, MODEL: None}, "proposer")
            if (weight == "auto") != (name == MODEL and weight != 0):
                raise ValueError(f"`{name}` is `{weight}`; `llm` is auto or 0, others a weight")
        if not any(weight for name, weight in weights.items() if name != MODEL):
            raise ValueError("give at least one proposer but `llm` a weight above 0")
        return {name: weight for name, weight in weights.items() if weight != 0}

    @property
    def weights(self) -> dict[str, float]:
        """The weights of genetic programming's proposers."""
        return {name: by for name, by in self.proposers.items() if not isinstance(by, str)}

    @property
    def asks_models(self) -> bool:
        """Whether a model may propose too."""
        return MODEL in self.proposers


class Limits(Section):
    """Limits at which the run stops."""

    evaluations: int = measured_in(
        "trials", 20_000, ge=1, le=1_000_000_000, description="distinct strategies to evaluate"
    )
    stale_epochs: int | None = measured_in(
        "epochs", 5, ge=1, description="stop after that many without a better best score"
    )
    minutes: float | None = measured_in(
        "minutes", None, gt=0, description="stop at the first end of an epoch after this time"
    )
    llm_calls: int = measured_in(
        "calls", 20, ge=0, le=1_000_000,
        description="the most calls that a server accepts; a refused call costs nothing",
    )  # fmt: skip
    llm_tokens: int | None = measured_in(
        "tokens", None, ge=0, description="the most tokens, sent and received"
    )
    llm_usd: float | None = measured_in(
        "US dollars", None, ge=0, description="the most that models may cost"
    )

    def budget(self) -> Budget:
        """Return the budget as the search takes it."""
        return Budget(self.evaluations, self.stale_epochs, self.minutes)


MAX_PROCESSES = 256
Processes = Annotated[int, Field(ge=1, le=MAX_PROCESSES)] | Literal["auto"]


def parse_processes(value: object) -> object:
    """Return `workers: 2` as `workers: {processes: 2}`."""
    return value if isinstance(value, dict | Workers) else {"processes": value}


class Workers(Section):
    """The processes that breed; the result is the same for any number."""

    processes: int | Literal["auto"] = measured_in(
        "processes", "auto", description="auto for one a core, where the budget is worth their "
        f"start, or 1 to {MAX_PROCESSES}; `workers: 2` is short for it",
    )  # fmt: skip
    memory_mb: int = measured_in(
        "megabytes", 64, ge=1, le=100_000,
        description="cached series and conditions of a process",
    )  # fmt: skip

    @field_validator("processes", mode="before")
    @classmethod
    def _some(cls, value: object) -> object:
        if value != "auto" and not (type(value) is int and 1 <= value <= MAX_PROCESSES):
            raise ValueError(f"it must be `auto` or a whole number from 1 to {MAX_PROCESSES}")
        return value
