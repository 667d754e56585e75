"""Archive of a run by behavior: the strategies that trade differently on train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from evolve.backtest.backtest import Backtest, Backtester
from evolve.errors import EvolveError
from evolve.experiment.positions import MAX_CORRELATION, standardize_positions
from evolve.experiment.run_view import RunView
from evolve.experiment.trial_program import check_trial
from evolve.search.hall_of_fame import MAX_NODES_BY_SIZE_CLASS, find_class_of_size
from evolve.store.rows import TrialRow

MAX_CANDIDATES = 150  # programs that are parsed and backtested
MAX_BEHAVIORS = 12
_CLASSES = len(MAX_NODES_BY_SIZE_CLASS) + 1


@dataclass(frozen=True, eq=False)
class Behavior:
    """Best trial of a group that trades alike.

    Attributes:
        trial: its row.
        program: its program.
        train: its backtest on train.
        members: number of examined trials whose positions correlate with its own most and at least
            by MAX_CORRELATION, with itself.
    """

    trial: TrialRow
    program: Program
    train: Backtest
    members: int


def find_behaviors(view: RunView) -> tuple[Behavior, ...]:
    """Return the best trials that trade differently on train, the best by score first.

    The positions of each correlate below MAX_CORRELATION with those of all before it.

    Args:
        view: the run, of which the best trials of each size class are examined.
    """
    run = Backtester(view.data.split.train, view.data.market)
    found, counts = list[tuple[TrialRow, Program, Backtest]](), Counter[int]()
    positions = np.zeros((MAX_BEHAVIORS, len(run.sleeves) * len(view.data.split.train)))
    for trial in select_candidates(view.rows.trials):
        try:
            program = check_trial(trial.source)
            result = run(program)
        except (LanguageError, EvolveError, ValueError):
            continue  # a journal that was edited
        own = standardize_positions(result)
        correlations = positions[: len(found)] @ own
        if len(found) and correlations.max() >= MAX_CORRELATION:
            counts[int(correlations.argmax())] += 1
        elif len(found) < MAX_BEHAVIORS:
            positions[len(found)] = own
            found.append((trial, program, result))
    return tuple(Behavior(*each, 1 + counts[index]) for index, each in enumerate(found))


def select_candidates(
    trials: Iterable[TrialRow], max_per_class: int = MAX_CANDIDATES // _CLASSES
) -> list[TrialRow]:
    """Select the best feasible trials of each size class with distinct scores, the best first.

    Args:
        trials: the trials.
        max_per_class: the maximum number of trials of a size class.
    """
    ranked = sorted(
        (each for each in trials if each.is_feasible),
        key=lambda each: (-each.scores[0], each.nodes, each.number),
    )
    counts, scores = Counter[int](), set[float]()
    selected = list[TrialRow]()
    for each in ranked:
        size_class = find_class_of_size(each.nodes)
        if counts[size_class] < max_per_class and each.scores[0] not in scores:
            scores.add(each.scores[0])
            counts[size_class] += 1
            selected.append(each)
    return selected
