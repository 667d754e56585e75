"""Finalists of a search: the best of each size, and others that trade differently.

The best strategies on train are often near copies, which give validation no choice. Finalists
differ in size or in their positions, and validation selects among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.syntax.strategy_name import build_strategy_name
from evolve.analysis.prune import prune
from evolve.backtest.backtest import Backtest, Backtester, backtest
from evolve.config import Experiment
from evolve.experiment.plan import LoadedData
from evolve.experiment.result import Assessed
from evolve.search.hall_of_fame import find_size_class
from evolve.search.individual import SEED, Individual
from evolve.store import RunFolder
from evolve.store.files import FINALISTS

MAX_FINALISTS = 8  # the best of 5, 8, 10 and 15, by less than the error (benchmarks/finalists.py)
MAX_CORRELATION = 0.5  # exclusive; the best of a size class may exceed it


def assess_finalists(
    hall_of_fame: Sequence[Individual], settings: Experiment, data: LoadedData
) -> list[Assessed]:
    """Prune the finalists on train; rank them by score and validation.

    The rank is by the mean of the score on train and the metric on validation, weighted by their
    bars. Validation alone has too few bars to select among strategies that differ: it often prefers
    one that hardly earns on train (benchmarks/finalists.py). A strategy of the user is not pruned,
    nor one that was scored on validation.
    """
    split, market = data.split, data.market
    run = Backtester(split.train, market)
    assessed, is_train = [], settings.fitness.scored_on == "train"
    selected = select_finalists(hall_of_fame, run)
    for individual, train in sorted(selected, key=lambda each: _rank(each[0])):
        program, pruned = individual.program, None
        if individual.proposer != SEED:
            program = program.change(name=build_strategy_name(settings.name))
            pruned = prune(program, run) if is_train else None
        program = program if pruned is None else pruned.program
        validation = backtest(program, split.seen, market, start=split.validation_start)
        assessed.append(Assessed(program, individual, train, validation, pruned))
    metric = settings.fitness.maximize[0]
    weight = split.validation_start / len(split.seen) if is_train else 0.0
    return sorted(assessed, key=lambda each: -_combine(each, metric, weight))  # stable


def write_finalists(finalists: Sequence[Assessed], settings: Experiment, folder: RunFolder) -> None:
    """Write the files of the best one and of the finalists, with their origin as a comment.

    Raises:
        EvolveError: if a file cannot be written.
    """
    for rank, each in enumerate(finalists, start=1):
        comment = _describe(each, rank, len(finalists), settings)
        if rank == 1:
            folder.write_program(folder.best.name, each.program, comment)
        folder.write_program(name_finalist(rank), each.program, comment)
    folder.remove_others(FINALISTS, [name_finalist(rank + 1) for rank in range(len(finalists))])


def select_finalists(
    hall_of_fame: Sequence[Individual], run: Backtester, total: int = MAX_FINALISTS
) -> list[tuple[Individual, Backtest]]:
    """Select the best of each size class, then others in order of score that trade differently.

    The positions of each of the others correlate below MAX_CORRELATION with those of all that are
    selected before.

    Args:
        hall_of_fame: the candidates.
        run: backtests on train.
        total: the maximum number of finalists, except that each size class has one.

    Returns:
        The finalists in the order of their selection, with their backtests on train.
    """
    ranked, leaders = sorted(hall_of_fame, key=_rank), select_leaders(hall_of_fame)
    selected = [(each, run(each.program)) for each in leaders]
    positions = [standardize_positions(result) for _, result in selected]
    for individual in ranked:
        if len(selected) >= total:
            break
        if individual in leaders:
            continue
        result = run(individual.program)
        own = standardize_positions(result)
        if all(float(own @ other) < MAX_CORRELATION for other in positions):
            selected.append((individual, result))
            positions.append(own)
    return selected


def select_leaders(hall_of_fame: Sequence[Individual]) -> list[Individual]:
    """Select the best of each size class, in order of score."""
    ranked = sorted(hall_of_fame, key=_rank)
    best_of_class = {find_size_class(each): each for each in reversed(ranked)}
    return sorted(best_of_class.values(), key=_rank)


def name_finalist(rank: int) -> str:
    """Return the file of a finalist in the run folder."""
    return f"{FINALISTS}/{rank}.evo"


def standardize_positions(run: Backtest) -> NDArray[np.float64]:
    """Return the positions of all symbols with mean 0 and norm 1; zeros if they are constant.

    The product of two of them is their correlation.
    """
    held = np.concatenate([each.held for each in run.sleeves or (run,)]).astype(np.float64)
    held -= held.mean()
    norm = float(np.sqrt(held @ held))
    return held / norm if norm > 0 else held


def _combine(finalist: Assessed, metric: str, weight: float) -> float:
    """Return the mean of score and validation; `weight` is the share of the score."""
    assert finalist.individual is not None
    return weight * finalist.individual.score + (1 - weight) * finalist.validation_metric(metric)


def _describe(finalist: Assessed, rank: int, count: int, settings: Experiment) -> str:
    fitness, individual = settings.fitness, finalist.individual
    assert individual is not None
    metric = fitness.maximize[0]
    value = finalist.validation_metric(metric)
    return "\n".join(
        [
            f"finalist: {rank} of {count}",
            f"score on {fitness.scored_on}: {individual.score:.6g}",
            f"{metric} on validation: {f'{value:.6g}' if math.isfinite(value) else 'undefined'}",
            f"nodes: {finalist.program.nodes}, {individual.program.nodes} as found",
            f"proposer: {individual.proposer}, in epoch {individual.epoch}",
            f"trial: {individual.program.hash}",
        ]
    )


def _rank(individual: Individual) -> tuple[float, int, str]:
    """Return the sort key of a finalist: score, then fewer nodes, then hash."""
    return -individual.score, individual.program.nodes, individual.program.hash
