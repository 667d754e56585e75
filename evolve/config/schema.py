"""The experiment as it may be written. Every field is declared here, with its default."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from dsl.errors import did_you_mean
from evolve.backtest.market import Market, market
from evolve.config.models import Llm
from evolve.config.section import Section, tightened_by
from evolve.data.partition import Split
from evolve.fitness.goals import Goals
from evolve.fitness.objectives import OBJECTIVES, REQUIREMENTS
from evolve.search.progress import Budget
from evolve.search.proposer import proposers


def _fraction(value: object) -> object:
    """`60%` as 0.6."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            return value
    return value


def _known(name: str, names: object, what: str) -> str:
    listed = [str(each) for each in names] if isinstance(names, dict) else []
    if name not in listed:
        hint = did_you_mean(name, listed) or f"there are: {', '.join(listed)}"
        raise ValueError(f"there is no {what} `{name}`; {hint}")
    return name


Direction = Literal["long", "short"]


def _long_only() -> list[Direction]:
    return ["long"]


MODEL = "llm"  # what stands for language models among the proposers


Weight = Annotated[float, Field(ge=0)] | Literal["auto"]


def _all_proposers() -> dict[str, Weight]:
    return {**{name: each.weight for name, each in proposers().items()}, MODEL: "auto"}


Fraction = Annotated[float, BeforeValidator(_fraction), Field(gt=0, lt=1)]


def _branch(value: object) -> str:
    return "list[str]" if isinstance(value, list) else "str"


Specs = Annotated[
    Annotated[str, Tag("str")] | Annotated[list[str], Field(min_length=1), Tag("list[str]")],
    Discriminator(_branch),
]


class Data(Section):
    """Where prices come from."""

    source: Specs = Field(alias="from", description="a data spec, such as yahoo:SPY, or several")
    start: date | None = Field(None, description="the first day")
    end: date | None = Field(None, description="the last day")
    fallback: Specs | None = Field(None, description="what to use if anything is unreachable")


class Parts(Section):
    """How bars are parted: fractions of them, or the first days of validation and holdout."""

    train: Fraction | None = None
    validation: Fraction | date = 0.2
    holdout: Fraction | date | Literal["none"] = 0.2
    fallback: Parts | None = Field(None, description="how the fallback's bars are parted")

    @model_validator(mode="after")
    def _adds_up(self) -> Parts:
        first, second = self.validation, self.holdout
        if second == "none":
            second = first if isinstance(first, date) else 0.0
        elif isinstance(first, date) != isinstance(second, date):
            raise ValueError("give validation and holdout both as dates or both as fractions")
        if isinstance(first, date) and isinstance(second, date):
            if first >= second and self.holdout != "none":
                raise ValueError("validation must begin before holdout")
            if self.train is not None:
                raise ValueError("with dates, train is all before validation: leave it out")
        elif isinstance(first, float) and isinstance(second, float):
            whole = (self.train or 1 - first - second) + (first + second)
            if abs(whole - 1) > 1e-9 or first + second >= 1:
                raise ValueError(f"the parts add up to {whole:.0%}, not 100%")
        return self

    @property
    def has_holdout(self) -> bool:
        """Whether anything is sealed."""
        return self.holdout != "none"

    def split(self) -> Split:
        """The split as the partition takes it."""
        first, second = self.validation, self.holdout
        if isinstance(first, date):
            until = second if isinstance(second, date) else None
            return Split(validation_from=first, holdout_from=until, has_holdout=self.has_holdout)
        sealed = second if isinstance(second, float) else 0.0
        return Split(1 - first - sealed, first, has_holdout=self.has_holdout)


class Backtest(Section):
    """Fills and costs."""

    capital: float = Field(10_000, gt=0, le=1e15, description="equity at the start")
    fill: Literal["close", "next_close", "next_open"] = tightened_by(
        "up", "next_open", description="when a signal is filled"
    )
    commission_bps: float = tightened_by(
        "up", 1, ge=0, le=1000, description="commission a side, of the traded value"
    )
    commission_per_share: float = tightened_by(
        "up", 0, ge=0, description="commission a side, money a raw share"
    )
    commission_minimum: float = tightened_by(
        "up", 0, ge=0, description="the least commission of an order, money"
    )
    slippage_bps: float = tightened_by(
        "up", 5, ge=0, le=1000, description="slippage of market and stop fills, of the price"
    )
    slippage_range: float = tightened_by(
        "up", 0, ge=0, le=1, description="slippage likewise, a fraction of the bar's range"
    )
    borrow_bps: float = tightened_by(
        "up", 0, ge=0, le=10_000, description="cost of a short a year, of its value"
    )
    cash_rate: float = Field(0, ge=0, le=1, description="yearly rate on cash, a fraction")
    max_leverage: float = Field(1, gt=0, le=100, description="the cap on size")
    max_volume_share: Annotated[float, BeforeValidator(_fraction)] | None = tightened_by(
        "down", None, gt=0, le=1, description="the most of a bar's volume that a fill takes"
    )

    def market(self) -> Market:
        """The market as the simulation reads it."""
        return market(**self.model_dump())


class Language(Section):
    """What the search may write."""

    operators: Literal["all"] | list[str] = tightened_by("subset", "all")
    include: list[str] = Field(default_factory=list, description="files whose defines to add")
    directions: list[Direction] = tightened_by("subset", default_factory=_long_only, min_length=1)
    max_nodes: int = tightened_by("down", 40, ge=5, le=500)


class Fitness(Section):
    """What makes a strategy good."""

    on: Literal["train", "validation"] = Field("train", description="the bars that are scored")
    folds: int = tightened_by("up", 5, ge=1, le=100)
    maximize: list[str] = Field(default_factory=lambda: ["appraisal_ratio"], min_length=1)
    minimize: list[str] = Field(default_factory=lambda: ["nodes"])
    require: dict[str, float] = tightened_by("up", default_factory=lambda: {"trades_per_fold": 3.0})
    spread_penalty: float = tightened_by("up", 0.5, ge=0)

    @field_validator("maximize", "minimize")
    @classmethod
    def _objectives(cls, names: list[str]) -> list[str]:
        return [_known(name, OBJECTIVES, "objective") for name in names]

    @field_validator("maximize")
    @classmethod
    def _leads_by_fold(cls, names: list[str]) -> list[str]:
        if OBJECTIVES[names[0]].by_fold is None:
            raise ValueError(f"`{names[0]}` says nothing of returns: put a score first")
        return names

    @field_validator("require")
    @classmethod
    def _requirements(cls, least: dict[str, float]) -> dict[str, float]:
        return {_known(name, REQUIREMENTS, "requirement"): by for name, by in least.items()}

    def goals(self) -> Goals:
        """The goals as fitness takes them."""
        return Goals(
            tuple(self.maximize), tuple(self.minimize), self.require, self.folds,
            self.spread_penalty,
        )  # fmt: skip


class Search(Section):
    """How the population is bred."""

    islands: int = Field(4, ge=1, le=64)
    population: int = Field(150, ge=4, le=10_000, description="individuals on an island")
    epoch: int = Field(5, ge=1, le=1000, description="generations in an epoch")
    proposers: dict[str, Weight] = Field(
        default_factory=_all_proposers, description="weights; llm is auto or 0"
    )

    @field_validator("proposers")
    @classmethod
    def _proposers(cls, weights: dict[str, float | str]) -> dict[str, float | str]:
        for name, weight in weights.items():
            _known(name, {**proposers(), MODEL: None}, "proposer")
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
    """When to stop."""

    evaluations: int = Field(20_000, ge=1, le=1_000_000_000)
    stale_epochs: int | None = Field(5, ge=1)
    minutes: float | None = Field(None, gt=0)
    llm_calls: int = Field(20, ge=0, le=1_000_000, description="calls to models")
    llm_tokens: int | None = Field(None, ge=0, description="sent and received")
    llm_usd: float | None = Field(None, ge=0)

    def budget(self) -> Budget:
        """The budget as the search takes it."""
        return Budget(self.evaluations, self.stale_epochs, self.minutes)


MOST_PROCESSES = 256


def _processes_alone(value: object) -> object:
    """`workers: 2` as `workers: {processes: 2}`."""
    return value if isinstance(value, dict | Workers) else {"processes": value}


class Workers(Section):
    """The processes that breed; the result is the same for any number."""

    processes: int | Literal["auto"] = Field(
        "auto", description="auto for one a core, where the budget is worth their start"
    )
    memory_mb: int = Field(
        64, ge=1, le=100_000, description="kept series and conditions, megabytes a process"
    )

    @field_validator("processes", mode="before")
    @classmethod
    def _some(cls, value: object) -> object:
        if value != "auto" and not (type(value) is int and 1 <= value <= MOST_PROCESSES):
            raise ValueError(f"it must be `auto` or a whole number from 1 to {MOST_PROCESSES}")
        return value


class Experiment(Section):
    """One experiment: what to search, on what, and how long."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    seed: int = Field(1, ge=0, lt=2**63)
    data: Data
    split: Parts = Parts()
    backtest: Backtest = Backtest()
    language: Language = Language()
    start_from: list[str] = Field(default_factory=list, description="strategy files")
    fitness: Fitness = Fitness()
    search: Search = Field(default_factory=Search)
    llm: Llm = Llm()
    budget: Limits = Limits()
    workers: Annotated[Workers, BeforeValidator(_processes_alone)] = Workers()

    @model_validator(mode="after")
    def _shows_validation_to_the_model_alone(self) -> Experiment:
        on_validation = self.fitness.on == "validation"
        if on_validation and self.llm.mode != "only":
            raise ValueError(
                "`fitness.on: validation` tunes on validation by construction: it is there for "
                "`llm.mode: only` alone; write `on: train`"
            )
        parts = [each for each in (self.split, self.split.fallback) if each is not None]
        if not all(each.has_holdout for each in parts) and not on_validation:
            raise ValueError("`split.holdout: none` seals nothing: give it a part, such as 20%")
        return self
