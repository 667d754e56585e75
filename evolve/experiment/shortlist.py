"""Shortlist of a search: the best of each size, and others that trade differently.

The best strategies on train are often near copies, which give validation no choice. Those of the
shortlist differ in size or in their positions, and validation selects among them.
"""

from __future__ import annotations

from collections.abc import Sequence

from evolve.backtest.backtest import Backtest, Backtester
from evolve.experiment.positions import is_different, standardize_positions
from evolve.search.hall_of_fame import find_size_class
from evolve.search.individual import Individual

MAX_SHORTLIST = 8  # the best of 5, 8, 10 and 15, by less than the error (benchmarks/finalists.py)


def select_shortlist(
    hall_of_fame: Sequence[Individual], run: Backtester, total: int = MAX_SHORTLIST
) -> list[tuple[Individual, Backtest]]:
    """Select the best of each size class, then others in order of score that trade differently.

    Each of the others trades differently from all that are selected before.

    Args:
        hall_of_fame: the candidates.
        run: backtests on train.
        total: the maximum number of strategies, except that each size class has one.

    Returns:
        The strategies in the order of their selection, with their backtests on train.
    """
    ranked, leaders = sorted(hall_of_fame, key=rank_by_score), select_leaders(hall_of_fame)
    selected = [(each, run(each.program)) for each in leaders]
    positions = [standardize_positions(result) for _, result in selected]
    for individual in ranked:
        if len(selected) >= total:
            break
        if individual in leaders:
            continue
        result = run(individual.program)
        own = standardize_positions(result)
        if is_different(own, positions):
            selected.append((individual, result))
            positions.append(own)
    return selected


def select_leaders(hall_of_fame: Sequence[Individual]) -> list[Individual]:
    """Select the best of each size class, in order of score."""
    ranked = sorted(hall_of_fame, key=rank_by_score)
    best_of_class = {find_size_class(each): each for each in reversed(ranked)}
    return sorted(best_of_class.values(), key=rank_by_score)


def rank_by_score(individual: Individual) -> tuple[float, int, str]:
    """Return the sort key of an individual: score, then fewer nodes, then hash."""
    return -individual.score, individual.program.nodes, individual.program.hash
