"""Pareto front of score against size."""

from __future__ import annotations

from collections.abc import Iterable

from evolve.store.rows import TrialRow


def find_front(trials: Iterable[TrialRow]) -> list[TrialRow]:
    """Return the feasible trials that score above all of their size or smaller.

    The smallest is the first.
    """
    feasible = (each for each in trials if each.is_feasible)
    front = list[TrialRow]()
    for each in sorted(feasible, key=lambda one: (one.nodes, -one.scores[0], one.number)):
        if not front or each.scores[0] > front[-1].scores[0]:
            front.append(each)
    return front
