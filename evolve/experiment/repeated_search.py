"""Repetition of an experiment's search: when it is possible, and in how many processes."""

from __future__ import annotations

from typing import Literal

from evolve.errors import EvolveError
from evolve.experiment.plan import Plan
from evolve.parallel import count_worthwhile_processes


def check_repeatable(plan: Plan) -> None:
    """Check that the search of an experiment can be repeated on other bars.

    Raises:
        EvolveError: if the experiment has no genetic search, or starts from the trials of a run.
    """
    settings = plan.experiment
    if settings.fitness.scored_on == "validation" or settings.llm.mode == "only":
        message = "only the genetic search can be repeated, and this experiment has none"
        raise EvolveError(message, "remove `llm.mode: only`")
    if plan.extra:
        message = "the search starts from strategies that were selected on these prices"
        raise EvolveError(message, "repeat the search of the original experiment")


def choose_processes(wanted: int | Literal["auto"], searches: int, trials: int) -> int:
    """Return the number of worker processes.

    Args:
        wanted: `workers.processes` of the experiment.
        searches: number of searches, each of which runs in one process.
        trials: number of trials of a search.
    """
    return count_worthwhile_processes(searches, searches * trials) if wanted == "auto" else wanted
