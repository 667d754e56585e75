"""Finalists of a search: the winner, and others that trade differently.

Score and validation rank the shortlist of a search, and its first is the winner. A near copy of a
strategy that ranks higher is no finalist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap

from dsl.syntax.strategy_name import build_strategy_name
from evolve.analysis.prune import prune
from evolve.backtest.backtest import Backtester, backtest
from evolve.config import Experiment
from evolve.experiment.assessed import Assessed
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.positions import (
    MAX_CORRELATION,
    Positions,
    correlate_positions,
    is_different,
    standardize_positions,
)
from evolve.experiment.result_parts import FinalistDocument
from evolve.experiment.shortlist import rank_by_score, select_shortlist
from evolve.search.individual import SEED, Individual
from evolve.store import RunFolder
from evolve.store.files import FINALISTS

MAX_FINALISTS = 5
MAX_COMMENT_CHARACTERS = 90
NO_VERDICT = (
    "Only the winner has a verdict. The others were chosen with less care: their figures on "
    "validation, by which they were ranked, are optimistic, and nothing tested them against luck."
)


def assess_finalists(
    hall_of_fame: Sequence[Individual], plan: Plan, data: LoadedData
) -> list[Assessed]:
    """Rank the shortlist by score and validation; return its best that trade differently.

    The rank is by the mean of the score on train and the metric on validation, weighted by their
    bars. Validation alone has too few bars to select among strategies that differ: it often prefers
    one that hardly earns on train (benchmarks/finalists.py). All are pruned on train before, except
    their fixed rules, a strategy of the user, and those of a search that is scored on validation.

    Returns:
        At most MAX_FINALISTS, the winner first.
    """
    settings, split, market = plan.experiment, data.split, data.market
    run = Backtester(split.train, market)
    assessed, is_train = [], settings.fitness.scored_on == "train"
    shortlist = select_shortlist(hall_of_fame, run)
    for individual, train in sorted(shortlist, key=lambda each: rank_by_score(each[0])):
        program, pruned = individual.program, None
        if individual.proposer != SEED:
            program = program.change(name=build_strategy_name(settings.name))
            pruned = prune(program, run, plan.start.fixed) if is_train else None
        program = program if pruned is None else pruned.program
        validation = backtest(program, split.seen, market, start=split.validation_start)
        assessed.append(Assessed(program, individual, train, validation, pruned))
    metric = settings.fitness.maximize[0]
    weight = split.validation_start / len(split.seen) if is_train else 0.0
    return select_different(sorted(assessed, key=lambda each: -_combine(each, metric, weight)))


def select_different(ranked: Sequence[Assessed], total: int = MAX_FINALISTS) -> list[Assessed]:
    """Select the first strategy, and each that trades differently from all selected before it.

    Args:
        ranked: the strategies, the best first.
        total: the maximum number of strategies.
    """
    selected, positions = list[Assessed](), list[Positions]()
    for each in ranked:
        own = standardize_positions(each.train)
        if len(selected) < total and is_different(own, positions):
            selected.append(each)
            positions.append(own)
    return selected


def explain_finalists(finalists: Sequence[FinalistDocument]) -> str:
    """Explain in sentences how finalists differ, and what they may claim."""
    if len(finalists) == 1:
        return "No other good strategy trades differently from the winner."
    if any(each.correlation is None for each in finalists):  # of an earlier version
        return NO_VERDICT
    return f"Positions on train correlate below {MAX_CORRELATION:g} between any two. {NO_VERDICT}"


def write_finalists(finalists: Sequence[Assessed], settings: Experiment, folder: RunFolder) -> None:
    """Write the files of the winner and of all finalists, with their origin as a comment.

    Raises:
        EvolveError: if a file cannot be written.
    """
    for rank, each in enumerate(finalists, start=1):
        comment = _describe(finalists, rank, settings)
        if rank == 1:
            folder.write_program(folder.best.name, each.program, comment)
        folder.write_program(name_finalist(rank), each.program, comment)
    folder.remove_others(FINALISTS, [name_finalist(rank + 1) for rank in range(len(finalists))])


def name_finalist(rank: int) -> str:
    """Return the file of a finalist in the run folder."""
    return f"{FINALISTS}/{rank}.evo"


def _combine(finalist: Assessed, metric: str, weight: float) -> float:
    """Return the mean of score and validation; `weight` is the share of the score."""
    assert finalist.individual is not None
    return weight * finalist.individual.score + (1 - weight) * finalist.validation_metric(metric)


def _describe(finalists: Sequence[Assessed], rank: int, settings: Experiment) -> str:
    each, fitness = finalists[rank - 1], settings.fitness
    individual = each.individual
    assert individual is not None
    metric = fitness.maximize[0]
    value = each.validation_metric(metric)
    lines = [
        f"finalist: {rank} of {len(finalists)}",
        f"score on {fitness.scored_on}: {individual.score:.6g}",
        f"{metric} on validation: {f'{value:.6g}' if math.isfinite(value) else 'undefined'}",
        f"nodes: {each.program.nodes}, {individual.program.nodes} as found",
        f"proposer: {individual.proposer}, in epoch {individual.epoch}",
        f"trial: {individual.program.hash}",
    ]
    if rank > 1:
        correlation = correlate_positions(each.train, finalists[0].train)
        lines.append(f"correlation of its positions with those of the winner: {correlation:.2f}")
        lines += wrap(NO_VERDICT, MAX_COMMENT_CHARACTERS)
    return "\n".join(lines)
