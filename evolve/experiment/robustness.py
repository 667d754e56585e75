"""Robustness of a winner: counterfactuals, neighbors, costs and statistics of its trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np

from dsl.analysis.program import Program
from evolve.analysis.costs import AtCosts, measure_costs
from evolve.analysis.counterfactuals import (
    Counterfactual,
    Counterfactuals,
    Figures,
    RandomEntries,
    measure_counterfactuals,
)
from evolve.analysis.plateau import Plateau, measure_plateau
from evolve.backtest.backtest import Backtest, Backtester
from evolve.errors import EvolveError
from evolve.experiment.plan import LoadedData
from evolve.experiment.result_parts import FiguresDocument, RobustnessDocument
from evolve.search.individual import Evaluate
from evolve.search.problem import SearchProblem
from evolve.validation.holdout import appraisal_returns
from evolve.validation.trial_statistics import TrialStatistics, compute_trial_statistics


@dataclass(frozen=True, eq=False)
class Robustness:
    """Analyses of a winner on train.

    Attributes:
        counterfactuals: results with one change.
        plateau: scores of its neighbors.
        costs: results at higher costs.
        statistics: statistics of the winner among its trials.
    """

    counterfactuals: Counterfactuals
    plateau: Plateau
    costs: tuple[AtCosts, ...]
    statistics: TrialStatistics


def analyze_winner(
    program: Program, sample: Sequence[Program], trials: int, problem: SearchProblem,
    data: LoadedData,
) -> Robustness:  # fmt: skip
    """Analyze a winner on train.

    Args:
        program: the winner.
        sample: feasible trials of the search.
        trials: number of trials.
        problem: the problem of the search.
        data: the data of the run.
    """
    train, market = data.split.train, data.market
    run = Backtester(train, market)
    rng = seed_draws(problem.seed, program)
    winner = appraisal_returns(run(program).performance)
    returns = [appraisal_returns(result.performance) for result in _iterate_results(run, sample)]
    matrix = np.array(returns).T if returns else np.empty((len(winner), 0))
    return Robustness(
        measure_counterfactuals(program, run, rng),
        measure_plateau(program, lambda programs: score_programs(problem.evaluate, programs)),
        measure_costs(program, train, market),
        compute_trial_statistics(winner, matrix, trials, train.bars_per_year, rng),
    )


def describe_robustness(robustness: Robustness) -> dict[str, Any]:
    """Describe the analyses of a winner for JSON, with null for figures without a finite value."""
    found, plateau = robustness.counterfactuals, robustness.plateau
    document = {
        "metric": found.metric,
        "counterfactuals": [
            {"change": each.change, **each.figures._asdict(), "difference": each.difference}
            for each in found.rows
        ],
        "random_entries": {
            **asdict(found.random_entries),
            "mean": found.random_entries.mean._asdict(),
        },
        "plateau": {
            "neighbors": len(plateau.neighbors),
            "share": plateau.share,
            "median": plateau.median,
            "worst": None if plateau.worst is None else asdict(plateau.worst),
        },
        "costs": [asdict(each) for each in robustness.costs],
        "statistics": asdict(robustness.statistics),
    }
    return cast("dict[str, Any]", _replace_infinite(document))


def read_counterfactuals(
    document: RobustnessDocument, metrics: Mapping[str, float]
) -> Counterfactuals:
    """Read the counterfactuals of a strategy.

    Args:
        document: its analyses.
        metrics: its metrics on train; a missing one has no value.
    """
    metric, drawn = document.metric, document.random_entries
    rows = tuple(
        Counterfactual(each.change, _read_figures(each), _read(each.difference))
        for each in document.counterfactuals
    )
    names = (metric, "total_return", "num_trades")
    strategy = Figures(*[metrics.get(name, math.nan) for name in names])
    entries = RandomEntries(
        drawn.draws, _read_figures(drawn.mean), _read(drawn.deviation), _read(drawn.difference),
        _read(drawn.share),
    )  # fmt: skip
    return Counterfactuals(metric, strategy, rows, entries)


def score_programs(evaluate: Evaluate, programs: Sequence[Program]) -> list[float]:
    """Return the score of each program; -inf for an infeasible one."""
    return [each.values[0] if each.is_feasible else -math.inf for each in evaluate(programs)]


def seed_draws(seed: int, program: Program) -> np.random.Generator:
    """Return the generator for the analyses of a strategy.

    Args:
        seed: seed of the run.
        program: the strategy.
    """
    return np.random.default_rng([seed, int(program.hash, 16)])


def _read_figures(document: FiguresDocument) -> Figures:
    return Figures(_read(document.metric), _read(document.total_return), _read(document.trades))


def _read(value: float | None) -> float:
    return math.nan if value is None else value


def _replace_infinite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _replace_infinite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_replace_infinite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _iterate_results(run: Backtester, programs: Sequence[Program]) -> Iterator[Backtest]:
    """Yield the backtest of each program whose equity does not overflow."""
    for program in programs:
        try:
            yield run(program)
        except EvolveError:
            continue
