"""Scores of portfolios against plain numpy on equity, trades and positions."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import evolve.fitness.fitness as fitness
from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import PANELS, Bars
from dsl.calendar_time import bars_per_year
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market, market
from evolve.backtest.performance import bar_returns
from evolve.fitness.dispatch import FoldTrader
from evolve.fitness.fitness import FoldFitness, Scores
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import FoldSums
from tests.backtest.panels import in_order, programs, ragged, terms, whole, without

SEEDS = st.integers(0, 10**6)
NAMES = ("appraisal_ratio", "sharpe", "total_return")
Figures = list[dict[str, float]]


def goals(folds: int, first: str = "appraisal_ratio", **require: float) -> FitnessSpec:
    others = tuple(name for name in NAMES if name != first)
    return FitnessSpec((first, *others), (), require, folds, 0.5)


def by_fold(run: Backtest, bars: Bars, costs: Market, edges: np.ndarray) -> Figures:
    """Return the figures of each fold from the backtest; without a floor if cash earns interest."""
    cash = bar_returns(run.performance.cash)
    r = np.concatenate([[np.nan], bar_returns(run.equity) - cash])
    b = np.concatenate([[np.nan], bar_returns(run.benchmark) - cash])
    equity = np.concatenate([[costs.capital], run.equity])
    sleeves = run.sleeves or (run,)
    held = np.array([sleeve.held != 0 for sleeve in sleeves])
    risks = [risks_of(sleeve, bars, costs, len(sleeves)) for sleeve in sleeves]
    entered = [int(np.searchsorted(run.time, trade.entry_time)) for trade in run.trades]
    found = []
    for first, last in pairwise(edges.tolist()):
        own, other = r[max(first, 1) : last], b[max(first, 1) : last]
        yearly = np.sqrt(bars_per_year(run.time))
        varies = np.ptp(other) > 1e-12
        beta = np.cov(own, other)[0, 1] / np.var(other, ddof=1) if varies else 0.0
        residual = own - beta * other
        # The floor: half the variance of random timing of the same exposure, by size.
        at_risk = sum(
            risk * sum(first <= bar < last for bar in on) for each in risks for on, risk in each
        ) / (len(sleeves) ** 2 * (last - first))
        floor = np.sqrt(0.5 * at_risk * (1 - held[:, first:last].mean()) * np.var(other))
        floor *= costs.cash_rate == 0
        found.append(
            {
                "appraisal_ratio": yearly * residual.mean() / max(residual.std(ddof=1), floor),
                "left": residual.std(ddof=1) / max(own.std(ddof=1), 1e-300),
                "sharpe": yearly * own.mean() / max(own.std(ddof=1), floor),
                "deviation": own.std(ddof=1),
                "total_return": equity[last] / equity[first] - 1,
                "trades_per_fold": sum(first <= bar < last for bar in entered),
                "exposure_per_fold": held[:, first:last].mean(),
            }
        )
    return found


def risks_of(
    sleeve: Backtest, bars: Bars, costs: Market, sleeves: int
) -> list[tuple[list[int], float]]:
    """Return the bars at risk and the squared invested fraction of each trade of a sleeve.

    Bars at risk are priced bars from the entry up to the bar before the exit, at least the entry.
    """
    equity, found = costs.capital / sleeves, []
    own = bars.symbols.index(sleeve.symbols[0])
    priced, adjustment = (each[own, -len(sleeve.time) :] for each in (bars.priced, bars.adjustment))
    for trade in sleeve.trades:
        entry, leave = (
            int(np.searchsorted(sleeve.time, time)) for time in (trade.entry_time, trade.exit_time)
        )
        counted = trade.shares * adjustment[entry] * costs.commission_per_share
        fee = trade.shares * trade.entry_price * costs.commission + counted
        spent = trade.shares * trade.entry_price + max(fee, costs.commission_minimum)
        on = [bar for bar in range(entry, max(leave, entry + 1)) if priced[bar]]
        found.append((on, (spent / equity) ** 2))
        equity += trade.profit
    return found


def expected(figures: Figures, name: str) -> list[float]:
    """Return a score by fold, 0 without variance."""
    ratio = {"sharpe": "deviation", "appraisal_ratio": "left"}.get(name)
    return [
        0.0 if ratio and (each["deviation"] < 1e-10 or each[ratio] < 1e-10) else each[name]
        for each in figures
    ]


def is_clear(figures: Figures) -> bool:
    """Return whether no fold is so close to constant that rounding decides."""
    return all(each["deviation"] < 1e-12 or each["left"] > 1e-3 for each in figures)


def is_ruined(run: Backtest) -> bool:
    return any(bool((sleeve.equity <= 0).any()) for sleeve in run.sleeves or (run,))


@pytest.mark.filterwarnings("ignore:invalid value|divide by zero")
@given(seed=SEEDS, folds=st.integers(1, 5))
@settings(max_examples=60)
def test_scores_follow_from_the_equity(seed: int, folds: int) -> None:
    """Leave out the floor if cash earns interest, which `risks_of` does not model."""
    with_orders = seed % 5 > 0
    bars, costs = ragged(seed, with_orders=with_orders), terms(seed, cash_rate=seed % 2 * 0.05)
    start = seed % 3 * (len(bars) // 8)
    batch = programs(seed, 3, with_orders)
    edges = np.linspace(start, len(bars), folds + 1).round().astype(int) - start
    assume(np.diff(edges).min() > 2)  # a deviation needs two returns
    with patch.object(FoldSums, "variance_floor", 0.0) if costs.cash_rate else nullcontext():
        by_name = {
            name: FoldFitness(bars, costs, goals(folds, name), start)(batch) for name in NAMES
        }
    for index, program in enumerate(batch):
        run = backtest(program, bars, costs, start=start)
        figures = by_fold(run, bars, costs, edges)
        for name, scored in by_name.items():
            scores = scored[index]
            assert (scores.infeasible_reason == "ruined") == is_ruined(run)
            assert scores.trades == len(run.trades)
            if is_ruined(run) or not is_clear(figures):
                continue
            values = expected(figures, name)
            assert scores.folds == pytest.approx(values, rel=1e-6, abs=1e-8), name
            spread = np.std(values, ddof=1) if folds > 1 else 0.0
            assert scores.values[0] == pytest.approx(
                np.mean(values) - 0.5 * spread, rel=1e-6, abs=1e-7
            )


@given(seed=SEEDS)
@settings(max_examples=40)
@pytest.mark.filterwarnings("ignore:invalid value|divide by zero")
def test_requirements_apply_to_the_portfolio(seed: int) -> None:
    bars, costs = ragged(seed), terms(seed)
    edges = np.linspace(0, len(bars), 4).round().astype(int)
    (program,) = programs(seed, 1)
    run = backtest(program, bars, costs)
    assume(not is_ruined(run) and len(bars) > 8)
    figures = by_fold(run, bars, costs, edges)
    for name in ("trades_per_fold", "exposure_per_fold"):
        minimum = min(each[name] for each in figures)

        def scored(needed: float, name: str = name) -> Scores:
            asked = replace(goals(3), require={name: needed})
            return FoldFitness(bars, costs, asked)([program])[0]

        assert scored(minimum - 1e-9).is_feasible
        assert scored(minimum + 1e-6).infeasible_reason.startswith(f"{name} {minimum:g}, below")


@given(seed=SEEDS)
@settings(max_examples=40)
def test_the_portfolio_mode_agrees_with_the_modes_of_one_symbol(seed: int) -> None:
    """Trade a portfolio of one symbol."""
    bars, costs = whole(seed, 1, 120, with_orders=True), terms(seed)
    batch = [*programs(seed, 4), *programs(seed, 4, with_orders=False)]
    trader = FoldTrader(bars, costs, 3)
    np.testing.assert_allclose(
        trader.sum_folds(batch, trader.portfolio), trader(batch), rtol=1e-9, atol=1e-11
    )


def test_a_bar_without_symbols_changes_neither_trades_nor_growth() -> None:
    bars = whole(4, 1, 120, with_orders=True)
    time = np.insert(bars.time, 60, bars.time[59] + np.timedelta64(1, "h"))
    panels = {
        name: np.insert(getattr(bars, name), 60, 1.0 if name == "adjustment" else np.nan, axis=1)
        for name in PANELS
    }
    holed = Bars(bars.symbols, time, **panels)
    batch = programs(4, 6)
    sums = [FitnessSpec(("total_return",), (), {}, 1, 0.5)] * 2
    one, other = (
        FoldFitness(each, market(), goal)(batch)
        for each, goal in zip((bars, holed), sums, strict=True)
    )
    assert [each.trades for each in one] == [each.trades for each in other]
    for first, second in zip(one, other, strict=True):
        assert first.values == pytest.approx(second.values)
    assert any(each.trades for each in one)


def test_the_order_of_symbols_does_not_matter() -> None:
    for seed in range(12):
        bars, costs, batch = ragged(seed), terms(seed), programs(seed, 5)
        turned = in_order(bars, list(range(len(bars.symbols)))[::-1])
        one, other = (FoldFitness(each, costs, goals(3))(batch) for each in (bars, turned))
        for first, second in zip(one, other, strict=True):
            assert first.values == pytest.approx(second.values, rel=1e-6, abs=1e-8)
            assert (first.trades, first.infeasible_reason) == (
                second.trades,
                second.infeasible_reason,
            )


@pytest.mark.parametrize("arena_mb", [64, 1e-6])
def test_scores_do_not_depend_on_the_batch_or_memory(
    arena_mb: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars, batch = ragged(5, with_orders=False), programs(5, 120, with_orders=False)
    expected = FoldFitness(bars, market(), goals(3))(batch)
    monkeypatch.setattr(fitness, "BATCH", 7)
    scorer = FoldFitness(bars, market(), goals(3), arena_mb=arena_mb)
    assert scorer(batch) == expected
    assert [scorer([each])[0] for each in reversed(batch)] == expected[::-1]
    assert scorer(batch[::-1]) == expected[::-1]
    assert scorer([]) == []


def tripling(symbol: int) -> Bars:
    """Return three symbols; one triples on each bar, so that a short of it is ruined."""
    bars = whole(3, 3, 60, with_orders=True)
    panels = {name: getattr(bars, name).copy() for name in PANELS}
    panels["volume"][:] = 4.0 * (np.arange(3)[:, None] == symbol)
    for name in ("open", "high", "low", "close"):
        panels[name][symbol] = 3.0 ** np.arange(60)
    return Bars(bars.symbols, bars.time, **panels)


@pytest.mark.parametrize("symbol", [0, 1, 2])
def test_ruin_of_one_sleeve_makes_it_infeasible(symbol: int) -> None:
    (program,) = programs(0, 1)
    scores = FoldFitness(tripling(symbol), market(), goals(3))([program])[0]
    assert scores.infeasible_reason == "ruined"
    assert np.isfinite(scores.values).all()


def test_symbols_may_have_no_bar_in_a_fold_or_at_all() -> None:
    bars = whole(9, 4, 100, with_orders=True)
    absent = np.zeros((4, 100), np.bool_)
    absent[0] = True  # never
    absent[1, 30:] = True  # in the first fold alone
    absent[2, :70] = True  # in the last alone
    panel = without(bars, absent)
    batch = programs(9, 6)
    for start in (0, 40, 75):
        scored = FoldFitness(panel, market(), goals(3), start)(batch)
        for scores, program in zip(scored, batch, strict=True):
            assert np.isfinite(scores.values).all()
            assert scores.trades == len(backtest(program, panel, market(), start=start).trades)
    nothing = FoldFitness(panel, market(), goals(2, exposure_per_fold=0.76))(batch)
    assert {each.is_feasible for each in nothing} == {False}, "a fourth is never invested"


@pytest.mark.parametrize("symbols", [1, 3])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_one_fold_is_the_metric_of_its_name(name: str, rate: float, symbols: int) -> None:
    """Compare the Sharpe ratio too, in excess of cash."""
    bars, costs = whole(2, symbols, 300, with_orders=False), market(cash_rate=rate)
    program: Program = check("strategy s { buy when rsi(close, 3) < 20 hold 4 }")
    scores = FoldFitness(bars, costs, FitnessSpec((name,), (), {}, 1, 0.0))([program])[0]
    assert scores.values[0] == pytest.approx(backtest(program, bars, costs).metrics[name])
