"""Risk that bars do not show: exits on the entry bar, and the variance floor of ratios."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.backtest.backtest import backtest
from evolve.backtest.kernels.records import F_HELD, F_RISK, F_TRADES, FOLD_FIELDS
from evolve.backtest.market import market
from evolve.backtest.metrics import METRICS
from evolve.config import load_experiment
from evolve.data.generators import random_walk
from evolve.errors import EvolveError
from evolve.fitness.dispatch import FoldTrader
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import DEFAULT_REQUIRE, OBJECTIVES, FoldSums
from tests.backtest.ledger import play

BARS = random_walk(1500, seed=3, drift=0.0)
FREE = market(commission_bps=0, slippage_bps=0)
TINY = check("strategy tiny { buy when close < open target 0.02% hold 2 }")


def sums_of(program: Program, folds: int = 1) -> FoldSums:
    """Return the sums of a program over folds."""
    trader = FoldTrader(BARS, FREE, folds)
    edges = trader.edges
    slices = [trader.benchmark[first:last] for first, last in pairwise(edges)]
    return FoldSums(
        trader([program]),
        np.array([each.sum() for each in slices]),
        np.array([(each**2).sum() for each in slices]),
        np.diff(edges).astype(float),
        252.0,
    )


def test_the_share_of_exits_on_the_entry_bar_is_a_metric() -> None:
    # The target fills on the entry bar 1; the second trade enters on bar 3 and exits on bar 4.
    result = play("10 buy | 10 12 10 11 | 11 buy | 11 sell | 11", "target 10%")
    assert result.metrics["entry_bar_exits"] == 0.5
    assert METRICS["entry_bar_exits"].unit == "percent"
    assert np.isnan(play("1").metrics["entry_bar_exits"])


def test_a_strategy_flat_at_each_close_is_infeasible_by_default() -> None:
    """Prove infeasible a strategy that once scored 3.4."""
    always = check("strategy s { buy when true target 0.0001% stop 0.0001% }")
    (scores,) = FoldFitness(BARS, FREE, FitnessSpec())([always])
    assert DEFAULT_REQUIRE == {"trades_per_fold": 3.0, "exposure_per_fold": 0.05}
    assert scores.infeasible_reason == "exposure_per_fold 0, below 0.05"
    assert backtest(always, BARS, FREE).metrics["entry_bar_exits"] > 0.99


def test_a_missing_requirement_has_its_default(tmp_path: object) -> None:
    def required(text: str) -> dict[str, float]:
        path = tmp_path / "x.yaml"  # type: ignore[operator]
        path.write_text(f"name: x\ndata: {{from: sample:sp500}}\n{text}\n")
        return load_experiment(path).fitness.require

    assert required("") == DEFAULT_REQUIRE
    assert required("fitness: {require: {trades_per_fold: 8}}") == {
        "trades_per_fold": 8.0, "exposure_per_fold": 0.05,
    }  # fmt: skip
    assert required("fitness: {require: {exposure_per_fold: 20%}}")["exposure_per_fold"] == 0.2
    with pytest.raises(EvolveError, match="exposure"):
        required("fitness: {require: {exposure: 1}}")
    for value in ("101%", "5", "-0.1"):
        with pytest.raises(EvolveError, match="expected a value from 0 to 1"):
            required(f"fitness: {{require: {{exposure_per_fold: {value}}}}}")
    with pytest.raises(EvolveError, match="expected a value of at least 0"):
        required("fitness: {require: {trades_per_fold: -1}}")


def test_the_floor_is_half_the_variance_of_random_timing() -> None:
    """Compute the floor by hand."""
    program = check("strategy s { buy when volume > 1e6 sell when volume < 1e6 }")
    sums = sums_of(program)
    folds = dict(zip(FOLD_FIELDS, sums.sums[0, 0], strict=True))
    x = folds["held"] / 1500
    n = folds["returns"]
    variance = sums.benchmark_squares[0] / n - (sums.benchmark_total[0] / n) ** 2
    assert folds["risk"] == folds["held"] > folds["trades"]
    assert sums.variance_floor[0, 0] == pytest.approx(0.5 * x * (1 - x) * variance)


def test_the_floor_does_not_bind_on_random_timing() -> None:
    """Count the strategies with random timing, of 200, on which the floor binds."""
    appraisal, bound = OBJECTIVES["appraisal_ratio"].by_fold, 0
    assert appraisal is not None
    for seed in range(100):
        for side, leave in (("buy", "sell"), ("short", "cover")):
            level = 1e6 * np.exp(0.3 * np.random.default_rng(seed).normal())
            text = f"strategy s {{ {side} when volume[{seed % 9}] > {level:.0f} {leave} when volume[{seed % 7}] < {level:.0f} }}"  # noqa: E501
            sums = sums_of(check(text))
            without = replace(sums, sums=sums.sums.copy())
            without.sums[:, :, F_RISK] = 0.0
            bound += bool(appraisal(sums)[0, 0] != appraisal(without)[0, 0])
    assert bound <= 4


@pytest.mark.parametrize("measure", ["appraisal_ratio", "sharpe"])
def test_the_floor_binds_if_bars_do_not_show_the_risk(measure: str) -> None:
    """Score a strategy whose target fills within bars."""
    goals = FitnessSpec((measure,), (), {}, 1, 0.0)
    (scores,) = FoldFitness(BARS, FREE, goals)([TINY])
    shown = backtest(TINY, BARS, FREE).metrics[measure]
    assert abs(scores.values[0]) < 0.8 * abs(shown)


@pytest.mark.parametrize("size", [0.1, 0.5])
def test_the_floor_scales_with_the_squared_size(size: float) -> None:
    """Compare the floor at a fraction of the equity with the floor at all of it."""
    small = check(f"strategy tiny {{ buy when close < open target 0.02% hold 2 size {size} }}")
    whole, part = (sums_of(each) for each in (TINY, small))
    assert part.sums[0, 0, F_RISK] == pytest.approx(size**2 * whole.sums[0, 0, F_RISK])
    assert part.sums[0, 0, F_HELD] == whole.sums[0, 0, F_HELD]
    assert part.sums[0, 0, F_TRADES] == whole.sums[0, 0, F_TRADES]
    assert part.variance_floor == pytest.approx(size**2 * whole.variance_floor)
