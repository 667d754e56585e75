"""Robustness of a winner: counterfactuals, neighbors, costs and statistics of its trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Program
from evolve.analysis.costs import AtCosts, measure_costs
from evolve.analysis.counterfactuals import Counterfactuals, measure_counterfactuals
from evolve.analysis.plateau import Plateau, measure_plateau
from evolve.analysis.prune import Pruned
from evolve.backtest.backtest import Backtest, Backtester
from evolve.errors import EvolveError
from evolve.experiment.plan import LoadedData
from evolve.search.problem import SearchProblem
from evolve.validation.holdout import appraisal_returns
from evolve.validation.trial_statistics import TrialStatistics, compute_trial_statistics


@dataclass(frozen=True, eq=False)
class Robustness:
    """Analyses of a winner on train.

    Attributes:
        pruned: the winner as found and as tested.
        counterfactuals: results with one change.
        plateau: scores of its neighbors.
        costs: results at higher costs.
        statistics: statistics of the winner among its trials.
    """

    pruned: Pruned
    counterfactuals: Counterfactuals
    plateau: Plateau
    costs: tuple[AtCosts, ...]
    statistics: TrialStatistics


def analyze_winner(
    pruned: Pruned, sample: Sequence[Program], trials: int, problem: SearchProblem,
    data: LoadedData,
) -> Robustness:  # fmt: skip
    """Analyze a winner on train.

    Args:
        pruned: the winner.
        sample: feasible trials of the search.
        trials: number of trials.
        problem: the problem of the search.
        data: the data of the run.
    """
    train, market = data.split.train, data.market
    run, program = Backtester(train, market), pruned.program
    rng = np.random.default_rng([problem.seed, int(program.hash, 16)])
    winner = appraisal_returns(run(program).performance)
    returns = [appraisal_returns(result.performance) for result in _iterate_results(run, sample)]
    matrix = np.array(returns).T if returns else np.empty((len(winner), 0))
    return Robustness(
        pruned,
        measure_counterfactuals(program, run, rng),
        measure_plateau(program, lambda programs: _score(problem, programs)),
        measure_costs(program, train, market),
        compute_trial_statistics(winner, matrix, trials, train.bars_per_year, rng),
    )


def _iterate_results(run: Backtester, programs: Sequence[Program]) -> Iterator[Backtest]:
    """Yield the backtest of each program whose equity does not overflow."""
    for program in programs:
        try:
            yield run(program)
        except EvolveError:
            continue


def _score(problem: SearchProblem, programs: Sequence[Program]) -> list[float]:
    scores = problem.evaluate(programs)
    return [each.values[0] if each.is_feasible else -math.inf for each in scores]
