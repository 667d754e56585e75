"""Fitness over a window equals the backtest, with a warm-up on earlier bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from dsl.analysis.check import check, check_file
from dsl.analysis.program import Program
from dsl.bars import FIELDS, Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market, market
from evolve.data.generators import random_walk
from evolve.data.split import MIN_PART_BARS, DataSplit, SealedHoldout, SplitSizes, split_bars
from evolve.errors import EvolveError
from evolve.fitness.fitness import FoldFitness, Scores
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import FoldSums
from tests.samples import with_other_future

BARS = random_walk(1200, seed=5)
START = 700
STRATEGIES = check_file(
    "strategy cross { buy when close > sma(close, 50) sell when close < sma(close, 50) }\n"
    "strategy slow { buy when close > sma(close, 600) sell when close < sma(close, 600) }\n"
    "strategy dips { buy when rsi(close, 3) < 20 sell when rsi(close, 3) > 60 hold 8 stop 4% }\n"
    "strategy both { buy when roc(close, 20) > 2% sell when roc(close, 20) < 0 "
    "short when roc(close, 20) < -2% cover when roc(close, 20) > 0 size 0.5 trail 3 * atr(14) }\n"
    "strategy held { buy when close > 0 }\n"
    "strategy never { buy when close > 2 * highest(high, 5) }\n"
)
MARKETS = {
    "usual": market(),
    "close, free": market(fill="close", commission_bps=0, slippage_bps=0),
    "high costs": market(commission_bps=20, slippage_bps=30, slippage_range=0.05, borrow_bps=300),
}


def scored(
    programs: tuple[Program, ...], bars: Bars = BARS, start: int = START, folds: int = 1,
    costs: Market | None = None, measure: str = "total_return",
) -> list[Scores]:  # fmt: skip
    goals = FitnessSpec((measure,), (), {}, folds, 0.0)
    return FoldFitness(bars, costs or market(), goals, start)(programs)


def run_backtest(program: Program, costs: Market | None = None) -> Backtest:
    return backtest(program, BARS, costs or market(), start=START)


@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.parametrize("measure", ["total_return", "sharpe", "appraisal_ratio"])
def test_one_fold_from_a_start_is_the_backtest_over_the_same_window(
    measure: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leave out the variance floor, which metrics do not have."""
    monkeypatch.setattr(FoldSums, "variance_floor", 0.0)
    costs = MARKETS[name]
    runs = [run_backtest(each, costs) for each in STRATEGIES]
    scores = scored(STRATEGIES, costs=costs, measure=measure)
    for run, score in zip(runs, scores, strict=True):
        assert score.values == pytest.approx((run.metrics[measure],), rel=1e-9, abs=1e-9)
        assert score.folds == score.values
        assert score.trades == len(run.trades)
    assert len({score.values for score in scores}) >= len(STRATEGIES) - 1


@pytest.mark.parametrize("folds", [2, 5, 7])
def test_growth_of_the_folds_compounds_to_that_of_the_window(folds: int) -> None:
    edges = np.linspace(START, len(BARS), folds + 1).round().astype(int) - START
    for program, score in zip(STRATEGIES, scored(STRATEGIES, folds=folds), strict=True):
        equity = np.concatenate([[10_000.0], run_backtest(program).equity])
        growth = [equity[last] / equity[first] - 1 for first, last in pairwise(edges)]
        assert score.folds == pytest.approx(growth, rel=1e-9, abs=1e-11)
        assert np.prod(1 + np.array(score.folds)) == pytest.approx(equity[-1] / equity[0])


def triple_before(count: int) -> Bars:
    """Return bars with three times the prices on the first `count`."""
    times = np.where(np.arange(len(BARS)) < count, 3.0, 1.0)
    return replace(BARS, **{name: getattr(BARS, name) * times for name in FIELDS})


def test_earlier_bars_warm_the_indicators() -> None:
    slow = (STRATEGIES[1],)
    (warm,), (cold,) = scored(slow), scored(slow, BARS.slice(START, len(BARS)), 0)
    assert warm.trades > 0
    assert (cold.trades, cold.values) == (0, (0.0,)), "500 bars do not warm 600"
    assert scored(slow, triple_before(START - 600)) == [warm], "earlier bars have no effect"
    assert scored(slow, triple_before(START - 400)) != [warm]


def test_a_window_starts_flat() -> None:
    held = STRATEGIES[4]
    (whole,), (window,) = scored((held,), start=0), scored((held,))
    assert whole.trades == window.trades == 1
    run = run_backtest(held)
    assert run.trades[0].entry_time == BARS.time[START + 1]
    assert window.values[0] == pytest.approx(run.equity[-1] / 10_000 - 1)
    assert whole.values[0] != pytest.approx(window.values[0])


def test_requirements_apply_to_the_folds_of_the_window() -> None:
    goals = FitnessSpec(("total_return",), (), {"trades_per_fold": 1.0}, 2)
    whole = FoldFitness(BARS, market(), goals)
    window = FoldFitness(BARS, market(), goals, START)
    early = check("strategy e { buy when bars_since(close > 0) == 0 and cumulate(1) < 600 hold 5 }")
    late = check("strategy l { buy when cumulate(1) > 600 hold 5 }")
    assert [each([early])[0].infeasible_reason for each in (whole, window)] == [
        "trades_per_fold 0, below 1", "trades_per_fold 0, below 1",
    ]  # fmt: skip
    assert whole([late])[0].infeasible_reason == "trades_per_fold 0, below 1"
    assert window([late])[0].is_feasible


def test_fitness_on_validation_of_a_partition_is_the_backtest_on_validation() -> None:
    partition = split_bars(BARS, SplitSizes())
    seen, start = partition.seen, partition.validation_start
    scores = scored(STRATEGIES, seen, start)
    for program, score in zip(STRATEGIES, scores, strict=True):
        run = backtest(program, seen, market(), start=start)
        assert score.values[0] == pytest.approx(run.metrics["total_return"], abs=1e-11)
    other = split_bars(with_other_future(BARS, len(seen), 9), SplitSizes())
    assert scored(STRATEGIES, other.seen, start) == scores


def whole(partition: DataSplit) -> tuple[int, int, int]:
    return len(partition.train), len(partition.seen), partition.validation_start


def test_without_a_holdout_validation_ends_at_the_last_bar() -> None:
    split = split_bars(BARS, SplitSizes(0.8, 0.2, has_holdout=False))
    assert whole(split) == (960, 1200, 960)
    assert split.holdout == SealedHoldout("", "", 0)
    assert (split.seen.close == BARS.close).all()
    assert (split.train.close == BARS.close[:, :960]).all()
    rounded = split_bars(BARS, SplitSizes(0.61, 0.2, has_holdout=False))
    assert whole(rounded) == (732, 1200, 732), "the fractions need not add up"


def test_without_a_holdout_one_date_splits_the_bars() -> None:
    day = BARS.time[900].astype("datetime64[D]").item()
    split = split_bars(BARS, SplitSizes(validation_from=day, has_holdout=False))
    assert whole(split) == (900, 1200, 900)
    assert split.holdout == SealedHoldout("", "", 0)
    assert split.seen.time[split.validation_start] == BARS.time[900]


def test_without_a_holdout_the_other_parts_need_their_minimum_of_bars() -> None:
    shortest = split_bars(BARS, SplitSizes(1 - MIN_PART_BARS / 1200, 0.1, has_holdout=False))
    assert whole(shortest) == (1200 - MIN_PART_BARS, 1200, 1200 - MIN_PART_BARS)
    for split, message in (
        (SplitSizes(0.98, 0.02, has_holdout=False),
         "the split leaves 24 of 1200 bars for validation"),
        (SplitSizes(0.02, 0.98, has_holdout=False), "the split leaves 24 of 1200 bars for train"),
        (SplitSizes(validation_from=date(1990, 1, 1), has_holdout=False),
         "the split leaves 0 of 1200 bars for train"),
        (SplitSizes(validation_from=date(2200, 1, 1), has_holdout=False),
         "the split leaves 0 of 1200 bars for validation"),
    ):  # fmt: skip
        with pytest.raises(EvolveError) as caught:
            split_bars(BARS, split)
        assert caught.value.message == message


def test_with_a_holdout_one_date_is_not_enough() -> None:
    with pytest.raises(EvolveError, match="first days of both validation and holdout"):
        split_bars(BARS, SplitSizes(validation_from=date(2012, 1, 1)))
