"""The search as a fold over epochs, from seeds to a hall of fame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deap import tools

from dsl.program import Program
from evolve.search.credit import Credit, joined
from evolve.search.individual import Fitness, Individual
from evolve.search.island import (
    Breeding,
    Epoch,
    Island,
    first_island,
    immigrated,
    run_epoch,
)

FAME = 5
MIGRANTS = 2
IMPROVEMENT = 1e-9
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Budget:
    """When to stop: at so many evaluations, epochs without improvement, or minutes."""

    evaluations: int
    stale_epochs: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Progress:
    """The state of a search at the end of an epoch.

    Attributes:
        epoch: its number, 0 for the seeds.
        trials: what this epoch evaluated that no other island had, in order.
        evaluated: distinct programs evaluated so far.
        best: the best feasible individual so far.
        ledger: counts by proposer so far.
        islands: the populations.
        stopped: why the search ends here; empty if it goes on.
    """

    epoch: int
    trials: tuple[Individual, ...]
    evaluated: int
    best: Individual | None
    fame: tuple[Individual, ...]
    ledger: Mapping[str, Credit]
    islands: tuple[Island, ...]
    stopped: str = ""


@dataclass
class _State:
    islands: tuple[Island, ...]
    seen: set[bytes] = field(default_factory=set)
    ledger: dict[str, Credit] = field(default_factory=dict)
    epoch: int = 0
    stale: int = 0


def search(
    breeding: Breeding,
    budget: Budget,
    seed: int,
    islands: int,
    seeds: Sequence[Program] = (),
    clock: Callable[[], float] = time.monotonic,
    is_interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Run a search, giving its state after the seeds and after every epoch.

    Args:
        breeding: space, evaluation and population.
        budget: when to stop.
        seed: of every generator.
        islands: how many populations.
        seeds: programs to start from, on every island.
        clock: seconds, read at boundaries only.
        is_interrupted: whether to stop, read at boundaries.
    """
    state = _State(tuple(first_island(index, seed) for index in range(islands)))
    fame = tools.HallOfFame(FAME, similar=_is_alike)
    started = clock()
    trials = _evaluate_seeds(seeds, breeding)
    state.islands = tuple(
        Island(each.index, tuple(t for t in trials if t.scores.is_feasible), each.state)
        for each in state.islands
    )
    while True:
        fresh = _count(trials, state)
        best_before = fame[0].score if len(fame) else None
        fame.update([each for each in fresh if each.scores.is_feasible])
        improved = len(fame) and (best_before is None or fame[0].score > best_before + IMPROVEMENT)
        state.stale = 0 if improved else state.stale + 1
        stopped = _reason_to_stop(state, budget, clock() - started)
        if is_interrupted() and not stopped:
            stopped = INTERRUPTED
        best = fame[0] if len(fame) else None
        yield Progress(
            state.epoch, tuple(fresh), len(state.seen), best, tuple(fame), dict(state.ledger),
            state.islands, stopped,
        )  # fmt: skip
        if stopped:
            return
        state.epoch += 1
        quotas = _quotas(budget.evaluations - len(state.seen), islands)
        epochs = [
            run_epoch(island, breeding, state.ledger, state.seen, quota, state.epoch)
            for island, quota in zip(state.islands, quotas, strict=True)
        ]
        trials = [trial for each in epochs for trial in each.trials]
        for each in epochs:
            state.ledger = joined(state.ledger, each.ledger)
        state.islands = _migrated(epochs, breeding.population)


def _evaluate_seeds(seeds: Sequence[Program], breeding: Breeding) -> list[Individual]:
    """The seeds as individuals. A seed may be larger than what the search writes."""
    distinct = list({each.key: each for each in seeds}.values())
    scores = breeding.evaluate(distinct)
    return [
        Individual(program, score, Fitness(breeding.weights, score.values), "seed", (), 0, 0)
        for program, score in zip(distinct, scores, strict=True)
    ]


def _count(trials: Sequence[Individual], state: _State) -> list[Individual]:
    """The trials that no island had made before; each distinct program is one."""
    fresh = []
    for trial in trials:
        if trial.program.key not in state.seen:
            state.seen.add(trial.program.key)
            fresh.append(trial)
    return fresh


def _reason_to_stop(state: _State, budget: Budget, seconds: float) -> str:
    if len(state.seen) >= budget.evaluations:
        return f"all {budget.evaluations:,} evaluations made"
    if budget.stale_epochs is not None and state.stale > budget.stale_epochs:
        return f"no improvement in {budget.stale_epochs} epochs"
    if budget.minutes is not None and seconds >= budget.minutes * 60:
        return f"{budget.minutes:g} minutes spent, at epoch {state.epoch}"
    return ""


def _quotas(remaining: int, islands: int) -> list[int]:
    """What each island may evaluate in an epoch, so that all together stay within the budget."""
    share, extra = divmod(remaining, islands)
    return [share + (index < extra) for index in range(islands)]


def _migrated(epochs: Sequence[Epoch], size: int) -> tuple[Island, ...]:
    """Each island with the best of the one before it in the ring."""
    best = [
        sorted(each.island.population, key=lambda one: one.fitness.wvalues, reverse=True)[:MIGRANTS]
        for each in epochs
    ]
    return tuple(
        immigrated(each.island, best[index - 1], size) if len(epochs) > 1 else each.island
        for index, each in enumerate(epochs)
    )


def _is_alike(one: Individual, other: Individual) -> bool:
    """Whether two individuals behave the same on train: all their scores agree."""
    return one.scores == other.scores or one.scores.values[0] == other.scores.values[0]
