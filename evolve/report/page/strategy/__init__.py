"""Section of a page: the best strategy and its rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.analysis.counterfactuals import DRAWS, Counterfactuals, measure_counterfactuals
from evolve.analysis.neighborhood import MAX_EVALUATIONS, measure_curves
from evolve.analysis.plateau import Score
from evolve.backtest.activity import measure_activity
from evolve.backtest.backtest import Backtester
from evolve.backtest.market import Market
from evolve.backtest.metrics import DEFAULT_METRIC, measure
from evolve.errors import EvolveError
from evolve.experiment.plan import build_fitness
from evolve.experiment.result_parts import RobustnessDocument
from evolve.experiment.robustness import read_counterfactuals, score_programs, seed_draws
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block
from evolve.report.page.strategy.curves import iterate_curves
from evolve.report.page.strategy.orders import iterate_orders, iterate_run_orders
from evolve.report.page.strategy.plateau import iterate_plateau
from evolve.report.page.strategy.rules import iterate_rules
from evolve.report.page.strategy.source import iterate_source

SEED = 1  # of the random entries of a strategy without a run
MAX_BACKTESTED_BARS = 3_000_000  # of the draws, and of the curves: a second each
MIN_DRAWS = 20


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the best strategy of a run; nothing of the sealed holdout is read."""
    program = view.best
    if program is None:
        return
    data = view.data
    train, market = data.split.train, data.market
    yield from iterate_source(program, _name_fill(market, train))
    activity = measure_activity(program, train, market, has_traded=False)
    if view.state == "running":  # what follows takes seconds, and the best strategy still changes
        yield from iterate_rules(program, activity, None, "train")
        return
    found = _find_counterfactuals(view, program)
    yield from iterate_rules(program, activity, found, "train")
    fitness, settings = build_fitness(view.plan, data), view.plan.experiment.fitness
    curves = measure_curves(program, lambda programs: score_programs(fitness, programs))
    objective = settings.maximize[0].replace("_", " ")
    note = f" The score is that of the search: its leading objective, {objective}, over the folds."
    yield from iterate_curves(curves, "score", settings.scored_on, note)
    if (robustness := _find_robustness(view, program)) is not None:
        yield from iterate_plateau(robustness.plateau)
    yield from iterate_run_orders(view, program)


def iterate_strategy(
    program: Program, bars: Bars, market: Market, start: int = 0, source: str = ""
) -> Iterator[Block]:
    """Yield the blocks of a strategy without a run.

    Args:
        program: a checked strategy.
        bars: the window, preceded by the bars of the warm-up.
        market: fills and costs.
        start: first bar of the window.
        source: its text as its author wrote it; empty to print the program.

    Raises:
        EvolveError: if its equity overflows.
    """
    yield from iterate_source(program, _name_fill(market, bars), source)
    activity = measure_activity(program, bars, market, start, has_traded=False)
    run = Backtester(bars, market, start)
    affordable = _count_affordable(run)
    draws = max(MIN_DRAWS, min(DRAWS, affordable))
    found = measure_counterfactuals(program, run, seed_draws(SEED, program), draws=draws)
    yield from iterate_rules(program, activity, found, "these bars")
    curves = measure_curves(program, _score_by_metric(run), min(MAX_EVALUATIONS, affordable))
    yield from iterate_curves(curves, DEFAULT_METRIC.replace("_", " "), "these bars")
    yield from iterate_orders(program, bars, market, start)


def _name_fill(market: Market, bars: Bars) -> str:
    return f"at the {market.filled_at(bars.closes_only == bars.symbols)}"


def _find_robustness(view: RunView, program: Program) -> RobustnessDocument | None:
    """Return the analyses of the result document; None if they are not about a strategy."""
    document = view.document
    if document is None or document.best is None or document.best.hash != program.hash:
        return None
    return document.robustness


def _find_counterfactuals(view: RunView, program: Program) -> Counterfactuals | None:
    """Return the counterfactuals of the result document; measure them if it has none."""
    robustness, document = _find_robustness(view, program), view.document
    if robustness is not None and document is not None and document.best is not None:
        return read_counterfactuals(robustness, document.best.metrics.get("train", {}))
    run = Backtester(view.data.split.train, view.data.market)
    rng = seed_draws(view.plan.experiment.seed, program)
    draws = max(MIN_DRAWS, min(DRAWS, _count_affordable(run)))
    try:
        return measure_counterfactuals(program, run, rng, draws=draws)
    except EvolveError:  # its equity overflows
        return None


def _count_affordable(run: Backtester) -> int:
    """Return the number of backtests that a reader waits for."""
    return MAX_BACKTESTED_BARS // sum(len(each.indices) for each in run.sleeves)


def _score_by_metric(run: Backtester) -> Score:
    def score(programs: Sequence[Program]) -> list[float]:
        return [_measure_metric(run, each) for each in programs]

    return score


def _measure_metric(run: Backtester, program: Program) -> float:
    try:
        value = measure(run(program).performance, (DEFAULT_METRIC,))[DEFAULT_METRIC]
    except EvolveError:  # its equity overflows
        return -np.inf
    return value if np.isfinite(value) else -np.inf
