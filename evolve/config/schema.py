"""Schema of an experiment: all settings with their defaults."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsl.syntax.vocabulary import DirectionName
from evolve.backtest.market import Market, MarketSettings
from evolve.config.data import Data, Parts
from evolve.config.effort import Limits, Processes, Search, Workers, parse_processes
from evolve.config.models import Llm
from evolve.config.naming import DEFAULT_NAME, NAME_PATTERN
from evolve.config.percentage import OrPercentage, Share
from evolve.config.presets import apply_preset
from evolve.config.section import Section, check_name, measured_in, tightened_by
from evolve.config.start_file import StartEntry
from evolve.config.validate import Validate
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import DEFAULT_REQUIRE, OBJECTIVES, REQUIREMENTS
from evolve.search.prior import DEFAULT_PRIOR, TIED, PriorName
from evolve.search.space import DEFAULT_DIRECTIONS, MAX_NODES

MAX_MONEY = 1e15  # its products with prices and volumes are finite


class Backtest(Section):
    """Fills and costs."""

    capital: float = measured_in(
        "money", MarketSettings.capital, gt=0, le=MAX_MONEY, description="initial equity"
    )
    fill: Literal["close", "next_close", "next_open"] = tightened_by(
        "up", MarketSettings.fill, description="when the orders of a signal execute"
    )
    commission_bps: float = tightened_by(
        "up", MarketSettings.commission_bps, ge=0, le=1000, unit="bps",
        description="commission of each fill, of the traded value",
    )  # fmt: skip
    commission_per_share: float = tightened_by(
        "up", MarketSettings.commission_per_share, ge=0, le=MAX_MONEY, unit="money per share",
        description="commission of each fill, per unadjusted share",
    )  # fmt: skip
    commission_minimum: float = tightened_by(
        "up", MarketSettings.commission_minimum, ge=0, le=MAX_MONEY, unit="money per order",
        description="minimum commission of an order",
    )  # fmt: skip
    slippage_bps: float = tightened_by(
        "up", MarketSettings.slippage_bps, ge=0, le=1000, unit="bps",
        description="slippage of market and stop orders, of the price",
    )  # fmt: skip
    slippage_range: float = tightened_by(
        "up", MarketSettings.slippage_range, ge=0, le=1, unit="fraction of the range",
        description="additional slippage, in proportion to the high minus the low of the bar",
    )  # fmt: skip
    borrow_bps: float = tightened_by(
        "up", MarketSettings.borrow_bps, ge=0, le=10_000, unit="bps per year",
        description="borrowing cost of a short position, of its value",
    )  # fmt: skip
    cash_rate: float = measured_in(
        "fraction per year", MarketSettings.cash_rate, ge=0, le=1,
        description="interest rate on cash, and risk-free rate of the metrics",
    )  # fmt: skip
    max_leverage: float = measured_in(
        "times equity",
        MarketSettings.max_leverage,
        gt=0,
        le=100,
        description="maximum size of a position",
    )
    max_volume_share: Share | None = tightened_by(
        "down", MarketSettings.max_volume_share, unit="fraction of the volume",
        description="maximum share of a bar's volume that a fill may take; null for no limit",
    )  # fmt: skip

    def market(self) -> Market:
        """Return the market of the simulation."""
        return MarketSettings(**self.model_dump()).market()


class Language(Section):
    """Part of the language that the search may write."""

    operators: Literal["all"] | list[str] = tightened_by(
        "subset", "all", description="operators that a strategy may use; `all` for no restriction"
    )
    include: list[str] = Field(
        default_factory=list, description="strategy files whose defines become operators"
    )
    directions: list[DirectionName] = tightened_by(
        "subset", default_factory=lambda: list(DEFAULT_DIRECTIONS), min_length=1,
        description="directions that a strategy may trade",
    )  # fmt: skip
    max_nodes: int = tightened_by(
        "down",
        MAX_NODES,
        ge=5,
        le=500,
        unit="nodes",
        description="maximum size of a strategy, as written",
    )
    prior: PriorName = Field(
        DEFAULT_PRIOR,
        description="operators that the search draws more often: `usual` ones, or none (`flat`)",
    )
    tied: float = measured_in(
        "fraction", TIED, ge=0, le=1,
        description="share of random strategies that are in the market while a condition holds: "
        "`buy while C`",
    )  # fmt: skip


_SPEC = FitnessSpec()


class Fitness(Section):
    """Objectives and requirements of a strategy."""

    scored_on: Literal["train", "validation"] = Field(
        "train", description="part of the bars that the search scores on"
    )
    folds: int = tightened_by(
        "up",
        _SPEC.folds,
        ge=1,
        le=100,
        unit="slices",
        description="number of slices of train that are scored separately",
    )
    maximize: list[str] = Field(
        default_factory=lambda: list(_SPEC.maximize), min_length=1,
        description=f"objectives to maximize, the most important first: {', '.join(OBJECTIVES)}",
    )  # fmt: skip
    minimize: list[str] = Field(
        default_factory=lambda: list(_SPEC.minimize), description="objectives to minimize"
    )
    require: dict[str, Annotated[float, OrPercentage()]] = tightened_by(
        "up", default_factory=lambda: dict(DEFAULT_REQUIRE),
        description="minimum values in every fold; an omitted one has its default: "
        + ", ".join(REQUIREMENTS),
    )  # fmt: skip
    spread_penalty: float = tightened_by(
        "up", _SPEC.spread_penalty, ge=0, unit="standard deviations",
        description="subtracted from the mean score, per standard deviation over the folds",
    )  # fmt: skip

    @field_validator("maximize", "minimize")
    @classmethod
    def _check_objectives(cls, names: list[str]) -> list[str]:
        return [check_name(name, OBJECTIVES, "objective") for name in names]

    @field_validator("maximize")
    @classmethod
    def _check_first(cls, names: list[str]) -> list[str]:
        if OBJECTIVES[names[0]].by_fold is None:
            known = [name for name, each in OBJECTIVES.items() if each.by_fold is not None]
            raise ValueError(
                f"expected an objective by fold first, found `{names[0]}`; "
                f"expected one of: {', '.join(known)}"
            )
        return names

    @field_validator("require")
    @classmethod
    def _check_requirements(cls, minima: dict[str, float]) -> dict[str, float]:
        for name, value in minima.items():
            maximum = REQUIREMENTS[check_name(name, REQUIREMENTS, "requirement")].maximum
            if not 0 <= value <= maximum:
                limits = f"from 0 to {maximum:g}" if math.isfinite(maximum) else "of at least 0"
                raise ValueError(f"expected a value {limits} for `{name}`, found {value:g}")
        return minima

    def goals(self) -> FitnessSpec:
        """Return the specification of the fitness."""
        return FitnessSpec(
            tuple(self.maximize), tuple(self.minimize), self.require, self.folds,
            self.spread_penalty,
        )  # fmt: skip


class Experiment(Section):
    """Experiment: its data, its market, its search and its limits."""

    name: str = Field(
        DEFAULT_NAME,
        pattern=NAME_PATTERN,
        description="name of the run folder and of the best strategy; if it is left out, the name "
        "of the file without its ending",
    )
    seed: int = Field(1, ge=0, lt=2**63, description="seed of all random draws of the run")
    data: Data
    split: Parts = Parts()
    backtest: Backtest = Backtest()
    language: Language = Language()
    start_from: list[StartEntry] = Field(
        default_factory=list,
        description="strategy files that the search starts from, some with fixed rules",
    )
    fitness: Fitness = Fitness()
    search: Search = Field(default_factory=Search)
    llm: Llm = Llm()
    budget: Limits = Limits()
    validation: Validate = Field(Validate(), alias="validate")
    workers: Annotated[
        Workers,
        BeforeValidator(parse_processes, json_schema_input_type=Workers | Processes),
    ] = Workers()

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, data: object) -> object:
        return apply_preset(data)

    @model_validator(mode="after")
    def _check_days(self) -> Experiment:
        first, last = self.data.start, self.data.end
        for name, day in (("validation", self.split.validation), ("holdout", self.split.holdout)):
            if not isinstance(day, date):
                continue
            if first is not None and day <= first:
                raise ValueError(f"`split.{name}` {day} is not after `data.start` {first}")
            if last is not None and day > last:
                raise ValueError(f"`split.{name}` {day} is after `data.end` {last}")
        return self

    @model_validator(mode="after")
    def _check_luck_stop(self) -> Experiment:
        """Check that `budget.stop: luck` has searches on shuffled prices that run first."""
        if self.budget.stops_at_luck:
            validation = self.validation
            conflicts = {
                "`validate.null_runs` above 0": not validation.max_null_runs,
                "`fitness.scored_on: train`": self.fitness.scored_on == "validation",
                "a genetic search, not `llm.mode: only`": self.llm.mode == "only",
                "`validate.null_llm: none`": validation.null_llm == "ask",
                "`validate.power: false`": validation.power,
                "`validate.walk_forward: off`": validation.walk_forward is not None,
            }
            expected = [name for name, is_broken in conflicts.items() if is_broken]
            if expected:
                raise ValueError(
                    "`budget.stop: luck` compares the search with searches on shuffled prices that "
                    f"run before it; expected {' and '.join(expected)}, or `budget.stop: null`"
                )
        return self

    @model_validator(mode="after")
    def _check_sealed_parts(self) -> Experiment:
        on_validation = self.fitness.scored_on == "validation"
        if on_validation and self.llm.mode != "only":
            raise ValueError(
                "`fitness.scored_on: validation` tunes on validation and requires "
                "`llm.mode: only`; expected `train`"
            )
        parts = [each for each in (self.split, self.split.fallback) if each is not None]
        if not all(each.has_holdout for each in parts) and not on_validation:
            raise ValueError(
                "`split.holdout: none` requires `fitness.scored_on: validation`; "
                "expected a part of the bars, such as 20%"
            )
        return self
