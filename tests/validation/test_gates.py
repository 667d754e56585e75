"""Gate `executable`: each reason for which a result cannot be tested."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import market
from evolve.fitness.goals import FitnessSpec
from evolve.validation.gates import check_executable, require_maximum, require_minimum
from tests.samples import random_bars

REQUIRE = {"trades_per_fold": 3, "exposure_per_fold": 0.05}
FREE: dict[str, Any] = {"commission_bps": 0, "slippage_bps": 0}


def train(entry_bar_exits: float = 0.0) -> Backtest:
    return cast(Backtest, SimpleNamespace(metrics={"entry_bar_exits": entry_bar_exits}))


def text(spec: FitnessSpec | None = None, exits: float = 0.0, **settings: Any) -> str:
    """Return the text of the gate; it passes if and only if there is none."""
    gate = check_executable(market(**settings), spec or FitnessSpec(require=REQUIRE), train(exits))
    assert gate.name == "executable"
    assert gate.passed is (gate.text == "") is all(each.passed for each in gate.criteria)
    assert len(gate.criteria) == 4
    return gate.text


def test_a_figure_without_a_value_is_no_minimum_and_no_violation() -> None:
    for require, passed in ((require_minimum, False), (require_maximum, True)):
        criterion = require("x", math.nan, 1.0, "ratio")
        assert (criterion.value, criterion.passed) == (None, passed)
        assert require("x", 1.0, 1.0, "ratio").passed


def test_the_defaults_pass() -> None:
    assert text(FitnessSpec()) == ""


@pytest.mark.parametrize("fill", ["next_open", "next_close"])
def test_fills_after_the_signal_pass(fill: str) -> None:
    assert text(fill=fill) == ""


def test_fills_at_the_close_of_the_signal_fail() -> None:
    assert text(fill="close").startswith("orders fill at the close of their own signal")
    assert "`backtest.fill` to next_open" in text(fill="close")


def test_no_costs_fail() -> None:
    assert text(**FREE).startswith("orders have no costs")
    assert text(**FREE, borrow_bps=100).startswith("orders have no costs")


@pytest.mark.parametrize(
    "cost",
    [
        {"commission_bps": 1}, {"slippage_bps": 1}, {"slippage_range": 0.1},
        {"commission_per_share": 0.01}, {"commission_minimum": 1},
    ],
)  # fmt: skip
def test_each_cost_of_a_fill_is_enough(cost: dict[str, Any]) -> None:
    assert text(**{**FREE, **cost}) == ""


@pytest.mark.parametrize("require", [{}, {"exposure_per_fold": 0.049}, {"trades_per_fold": 3}])
def test_a_low_exposure_fails(require: dict[str, float]) -> None:
    found = text(FitnessSpec(require=require))
    assert found.startswith("`fitness.require.exposure_per_fold` is below 5%")


@pytest.mark.parametrize(("exits", "passed"), [(0.5, True), (0.51, False), (math.nan, True)])
def test_at_most_half_of_the_exits_are_on_the_entry_bar(exits: float, passed: bool) -> None:
    assert (text(exits=exits) == "") is passed


def test_the_exits_are_measured() -> None:
    program = check("strategy s { buy when close > 0 stop 0.1% }")
    result = backtest(program, random_bars(1, 300), market())
    gate = check_executable(market(), FitnessSpec(), result)
    assert gate.text.startswith("100% of the exits are on the bar of their entry")


def test_all_reasons_are_named_in_order() -> None:
    found = text(FitnessSpec(require={}), exits=0.8, fill="close", **FREE)
    parts = ["close of their own signal", "no costs", "exposure_per_fold", "80% of the exits"]
    positions = [found.index(each) for each in parts]
    assert positions == sorted(positions)
    assert found.count("; ") == 3
