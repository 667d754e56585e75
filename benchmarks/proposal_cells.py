"""Searches of `proposals.py` on a planted market: genetic, with a model too, and a model alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contestants import choose_winner
from quality_task import Task
from search_quality import Cell, measure_winner

from dsl.gc_pause import pause_gc
from evolve.experiment.model_proposer import open_proposer
from evolve.experiment.models import load_model_set
from evolve.experiment.null_models import NullRecorder
from evolve.experiment.plan import build_problem
from evolve.llm.prompt.selection import is_arm
from evolve.llm.transport.usage import Cost
from evolve.search.progress import Progress
from evolve.search.search import search
from evolve.stop import Stop
from evolve.store import Journal

MODES = {"genetic": "off", "mixed": "mix", "model": "only"}
MAX_TRIALS = 1_000_000  # of a search that is limited by time
CALLS_PER_TRIAL = 2  # at most, of a model alone; its answers may be duplicates
MIN_POPULATION, GENERATIONS = 10, 10


@dataclass(frozen=True)
class Limit:
    """Limit of a search, and the calls of a mixed one.

    Attributes:
        evaluations: number of trials.
        seconds: time, checked at the end of an epoch; None for no limit.
        calls: number of calls, if a model proposes beside the genetic operators.
    """

    evaluations: int
    seconds: float | None = None
    calls: int = 20

    @property
    def label(self) -> str:
        """Text of the limit that is equal for all contestants."""
        if self.seconds is not None:
            return f"{self.seconds:g} seconds"
        return f"{self.evaluations} trials"

    def list_settings(self, mode: str) -> list[str]:
        """Return the settings of a search.

        A budget of trials has one island and ten generations. Otherwise it would end before the
        first answers are collected.
        """
        calls = self.calls if mode == "mix" else CALLS_PER_TRIAL * self.evaluations
        settings = [
            f"llm.mode={mode}", f"budget.evaluations={self.evaluations}",
            f"budget.llm_calls={min(calls, MAX_TRIALS)}", "budget.stale_epochs=null",
        ]  # fmt: skip
        if self.seconds is not None:
            return [*settings, f"budget.minutes={self.seconds / 60}"]
        population = max(self.evaluations // GENERATIONS, MIN_POPULATION)
        return [*settings, "search.islands=1", f"search.population={population}"]


@dataclass(frozen=True)
class Searched:
    """Search that has ended.

    Attributes:
        last: its last state.
        seconds: its duration, with all waits for answers.
        cost: cost of the calls.
        answers: number of calls that were answered.
    """

    last: Progress
    seconds: float
    cost: Cost
    answers: int


def iterate_cell(
    cell: Cell, names: Sequence[str], limit: Limit, settings: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the results of contestants on a market, at equal trials or at equal seconds.

    At equal seconds, the calls of a mixed search are spread over the trials of the genetic one.
    """
    bars, expected = cell.draw(), limit.evaluations
    for name in sorted(names, key=list(MODES).index):
        own = replace(limit, evaluations=expected) if name == "mixed" else limit
        task = cell.open(bars, [*own.list_settings(MODES[name]), *settings])
        searched = run_search(task)
        winner = choose_winner(lambda task: searched.last.hall_of_fame, task)
        if name == "genetic" and limit.seconds is not None:
            expected = searched.last.evaluated
        yield {
            "contestant": name, "limit": limit.label, "market": cell.market.name,
            "strength": cell.strength, "costs": cell.costs, "seed": cell.seed,
            **measure_winner(cell.market, bars, task, winner), **describe_search(searched),
            "strategy": winner.text if winner else "",
        }  # fmt: skip


def run_search(task: Task) -> Searched:
    """Run the search of a task with the models that its settings or the environment name."""
    plan = replace(task.plan, environment_folder=Path.cwd())
    models = load_model_set(plan)
    problem = build_problem(plan, task.data, models.settings.mode)
    with (
        TemporaryDirectory() as folder,
        closing(Journal.create(Path(folder) / "calls.sqlite")) as journal,
        open_proposer(models, plan, task.data, NullRecorder(journal), Stop()) as proposer,
        pause_gc(),
    ):
        started = time.perf_counter()
        *_, last = search(problem, plan.experiment.budget.budget(), None, proposer)
        seconds = time.perf_counter() - started
    if proposer is None:
        return Searched(last, seconds, Cost(), 0)
    budget = proposer.budget
    return Searched(last, seconds, budget.spent, budget.spent.calls - budget.assumed.calls)


def describe_search(searched: Searched) -> dict[str, Any]:
    """Return trials, seconds, cost, and the credit of each operator and task of a model."""
    cost, stats = searched.cost, searched.last.stats
    return {
        "trials": searched.last.evaluated, "seconds": round(searched.seconds, 2),
        "calls": cost.calls, "answers": searched.answers, "tokens": cost.tokens,
        "usd": round(cost.usd, 4),
        "credit": {
            name: {
                "proposed": each.proposed, "evaluated": each.evaluated, "accepted": each.accepted,
                "improved": each.improved, "gain": round(each.gain, 4),
            }
            for name, each in sorted(stats.items())
        },
    }  # fmt: skip


def sum_credit(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the credit of all genetic operators and of all tasks of models, over results."""
    sums = {"genetic": Counter[str](), "model": Counter[str]()}
    for result in results:
        for name, counts in result["credit"].items():
            sums["model" if is_arm(name) else "genetic"].update(counts)
    return {
        side: {name: round(value, 4) for name, value in counts.items()}
        for side, counts in sums.items()
        if counts
    }
