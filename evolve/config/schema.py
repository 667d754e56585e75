"""The experiment as it may be written. Every field is declared here, with its default."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from dsl.syntax.vocabulary import SideName
from evolve.backtest.market import Market, MarketSettings
from evolve.config.effort import Limits, Processes, Search, Workers, parse_processes
from evolve.config.models import Llm
from evolve.config.section import Section, check_name, measured_in, tightened_by
from evolve.data.split import SplitSizes
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import DEFAULT_REQUIRE, OBJECTIVES, REQUIREMENTS

PERCENTAGE = r"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*%\s*$"


def _read_percentage(value: object) -> object:
    """Return `60%` as 0.6, and any other value as it is."""
    if isinstance(value, str) and re.search(PERCENTAGE, value):
        return float(value.strip()[:-1]) / 100
    return value


class _OrPercentage:
    """Annotation of a number that may also be written as a percentage, `60%`."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(_read_percentage, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": PERCENTAGE}]}


MAX_MONEY = 1e15  # so that its products with prices and volumes stay finite


def _long_only() -> list[SideName]:
    return ["long"]


Fraction = Annotated[float, Field(gt=0, lt=1), _OrPercentage()]
Share = Annotated[float, Field(gt=0, le=1), _OrPercentage()]


def _branch(value: object) -> str:
    return "list[str]" if isinstance(value, list) else "str"


Specs = Annotated[
    Annotated[str, Tag("str")] | Annotated[list[str], Field(min_length=1), Tag("list[str]")],
    Discriminator(_branch),
]


class Data(Section):
    """Where prices come from."""

    source: Specs = Field(
        alias="from", description="a data spec, such as yahoo:SPY, or a list of them"
    )
    start: date | None = Field(None, description="the first day; earlier bars are left out")
    end: date | None = Field(None, description="the last day")
    fallback: Specs | None = Field(
        None, description="the data spec to use if a source cannot be reached"
    )


class Parts(Section):
    """How bars are parted: fractions of them, or the first days of validation and holdout."""

    train: Fraction | None = measured_in(
        "fraction of the bars", None, description="the search is scored on it; the rest if left out"
    )
    validation: Fraction | date = measured_in(
        "fraction of the bars, or its first day", 0.2,
        description="chooses among the best of train; the search does not see it",
    )  # fmt: skip
    holdout: Fraction | date | Literal["none"] = measured_in(
        "fraction of the bars, or its first day", 0.2, description="sealed; nothing sees it"
    )
    fallback: Parts | None = Field(
        None, description="the same three for the bars of `data.fallback`"
    )

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

    def sizes(self) -> SplitSizes:
        """The split as the partition takes it."""
        first, second = self.validation, self.holdout
        if isinstance(first, date):
            until = second if isinstance(second, date) else None
            return SplitSizes(
                validation_from=first, holdout_from=until, has_holdout=self.has_holdout
            )
        sealed = second if isinstance(second, float) else 0.0
        return SplitSizes(1 - first - sealed, first, has_holdout=self.has_holdout)


class Backtest(Section):
    """Fills and costs."""

    capital: float = measured_in(
        "money", MarketSettings.capital, gt=0, le=MAX_MONEY, description="equity at the start"
    )
    fill: Literal["close", "next_close", "next_open"] = tightened_by(
        "up", MarketSettings.fill, description="when a signal is filled"
    )
    commission_bps: float = tightened_by(
        "up", MarketSettings.commission_bps, ge=0, le=1000, unit="bps",
        description="commission a side, of the traded value",
    )  # fmt: skip
    commission_per_share: float = tightened_by(
        "up", MarketSettings.commission_per_share, ge=0, le=MAX_MONEY, unit="money a share",
        description="commission a side, for each raw share",
    )  # fmt: skip
    commission_minimum: float = tightened_by(
        "up", MarketSettings.commission_minimum, ge=0, le=MAX_MONEY, unit="money an order",
        description="the least commission of an order",
    )  # fmt: skip
    slippage_bps: float = tightened_by(
        "up", MarketSettings.slippage_bps, ge=0, le=1000, unit="bps",
        description="slippage of market and stop fills",
    )  # fmt: skip
    slippage_range: float = tightened_by(
        "up", MarketSettings.slippage_range, ge=0, le=1, unit="fraction of the range",
        description="slippage beside it, by the bar's range",
    )  # fmt: skip
    borrow_bps: float = tightened_by(
        "up", MarketSettings.borrow_bps, ge=0, le=10_000, unit="bps a year",
        description="cost of a short, of its value",
    )  # fmt: skip
    cash_rate: float = measured_in(
        "fraction a year", MarketSettings.cash_rate, ge=0, le=1,
        description="rate on cash, and the risk-free rate",
    )  # fmt: skip
    max_leverage: float = measured_in(
        "times equity", MarketSettings.max_leverage, gt=0, le=100, description="the cap on size"
    )
    max_volume_share: Share | None = tightened_by(
        "down", MarketSettings.max_volume_share, unit="fraction of the volume",
        description="the most of a bar's volume that a fill takes",
    )  # fmt: skip

    def market(self) -> Market:
        """The market as the simulation reads it."""
        return MarketSettings(**self.model_dump()).market()


class Language(Section):
    """What the search may write."""

    operators: Literal["all"] | list[str] = tightened_by(
        "subset", "all", description="the operators that a strategy may use"
    )
    include: list[str] = Field(
        default_factory=list, description="strategy files whose defines are operators too"
    )
    directions: list[SideName] = tightened_by(
        "subset", default_factory=_long_only, min_length=1,
        description="the sides that a strategy may take",
    )  # fmt: skip
    max_nodes: int = tightened_by(
        "down", 40, ge=5, le=500, unit="nodes", description="the largest strategy, as written"
    )


class Fitness(Section):
    """What makes a strategy good."""

    scored_on: Literal["train", "validation"] = Field(
        "train", description="the bars that strategies are scored on"
    )
    folds: int = tightened_by(
        "up", 5, ge=1, le=100, unit="slices", description="train is scored in that many slices"
    )
    maximize: list[str] = Field(
        default_factory=lambda: ["appraisal_ratio"], min_length=1,
        description=f"objectives, the first leads: {', '.join(OBJECTIVES)}",
    )  # fmt: skip
    minimize: list[str] = Field(
        default_factory=lambda: ["nodes"], description="objectives that are better if lower"
    )
    require: dict[str, Annotated[float, _OrPercentage()]] = tightened_by(
        "up", default_factory=lambda: dict(DEFAULT_REQUIRE),
        description="least values of every fold, of which one that is left out has its default: "
        + ", ".join(REQUIREMENTS),
    )  # fmt: skip
    spread_penalty: float = tightened_by(
        "up", 0.5, ge=0, unit="standard deviations",
        description="taken off the mean over folds, by the deviation over them",
    )  # fmt: skip

    @field_validator("maximize", "minimize")
    @classmethod
    def _objectives(cls, names: list[str]) -> list[str]:
        return [check_name(name, OBJECTIVES, "objective") for name in names]

    @field_validator("maximize")
    @classmethod
    def _leads_by_fold(cls, names: list[str]) -> list[str]:
        if OBJECTIVES[names[0]].by_fold is None:
            raise ValueError(f"`{names[0]}` says nothing of returns: put a score first")
        return names

    @field_validator("require")
    @classmethod
    def _requirements(cls, least: dict[str, float]) -> dict[str, float]:
        for name, value in least.items():
            most = REQUIREMENTS[check_name(name, REQUIREMENTS, "requirement")].maximum
            if not 0 <= value <= most:
                limits = f"from 0 to {most:g}" if math.isfinite(most) else "at least 0"
                raise ValueError(f"`{name}` is {value:g}: it must be {limits}")
        return {**DEFAULT_REQUIRE, **least}

    def goals(self) -> FitnessSpec:
        """The goals as fitness takes them."""
        return FitnessSpec(
            tuple(self.maximize), tuple(self.minimize), self.require, self.folds,
            self.spread_penalty,
        )  # fmt: skip


class Experiment(Section):
    """One experiment: what to search, on what, and how long."""

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$", description="names the run folder and the best"
    )
    seed: int = Field(1, ge=0, lt=2**63, description="of every random draw of the run")
    data: Data
    split: Parts = Parts()
    backtest: Backtest = Backtest()
    language: Language = Language()
    start_from: list[str] = Field(default_factory=list, description="strategy files to begin with")
    fitness: Fitness = Fitness()
    search: Search = Field(default_factory=Search)
    llm: Llm = Llm()
    budget: Limits = Limits()
    workers: Annotated[
        Workers,
        BeforeValidator(parse_processes, json_schema_input_type=Workers | Processes),
    ] = Workers()

    @model_validator(mode="after")
    def _shows_validation_to_the_model_alone(self) -> Experiment:
        on_validation = self.fitness.scored_on == "validation"
        if on_validation and self.llm.mode != "only":
            raise ValueError(
                "`fitness.scored_on: validation` tunes on validation by construction: it requires "
                "`llm.mode: only`; write `scored_on: train`"
            )
        parts = [each for each in (self.split, self.split.fallback) if each is not None]
        if not all(each.has_holdout for each in parts) and not on_validation:
            raise ValueError("`split.holdout: none` seals nothing: give it a part, such as 20%")
        return self
