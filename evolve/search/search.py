"""The search as a fold over epochs, from seeds to a hall of fame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from deap import tools

from dsl.analysis.program import Program
from evolve.search.credit import Credit, joined
from evolve.search.executors import Alone, Assignment, Bred, Crew, Seen
from evolve.search.external import Adviser, Outcome, Proposal
from evolve.search.individual import Fitness, Individual
from evolve.search.island import (
    Breeding,
    Epoch,
    Island,
    first_island,
    immigrated,
)
from evolve.search.progress import Budget, Progress

FAME = 5
MIGRANTS = 2
IMPROVEMENT = 1e-9
INTERRUPTED = "interrupted"


@dataclass
class _State:
    islands: tuple[Island, ...]
    seen: Seen = field(default_factory=Seen)
    ledger: dict[str, Credit] = field(default_factory=dict)
    epoch: int = 0
    idle: int = 0  # evaluations granted since the last improvement


def search(
    breeding: Breeding,
    budget: Budget,
    seed: int,
    islands: int,
    seeds: Sequence[Program] = (),
    clock: Callable[[], float] = time.monotonic,
    is_interrupted: Callable[[], bool] = lambda: False,
    adviser: Adviser | None = None,
    crew: Crew | None = None,
) -> Iterator[Progress]:
    """Run a search, giving its state after the seeds and after every epoch.

    Args:
        breeding: space, evaluation and population; without proposers the adviser alone proposes.
        budget: when to stop.
        seed: of every generator.
        islands: how many populations.
        seeds: programs to start from, on every island.
        clock: seconds, read at boundaries only.
        is_interrupted: whether to stop, read at boundaries.
        adviser: someone else who proposes: heard at the evaluation counts it names.
        crew: who breeds the epochs; this process alone if None.
    """
    crew = crew or Alone(breeding)
    state = _State(tuple(first_island(index, seed) for index in range(islands)))
    fame = tools.HallOfFame(FAME, similar=_is_alike)
    started = clock()
    fresh = _count(_evaluate_seeds(seeds, breeding), state)
    state.islands = tuple(
        Island(each.index, tuple(t for t in fresh if t.scores.is_feasible), each.state)
        for each in state.islands
    )
    while True:
        best_before = fame[0].score if len(fame) else None
        fame.update([each for each in fresh if each.scores.is_feasible])
        if len(fame) and (best_before is None or fame[0].score > best_before + IMPROVEMENT):
            state.idle = 0
        stopped = _reason_to_stop(state, breeding, budget, clock() - started, adviser)
        if is_interrupted() and not stopped:
            stopped = INTERRUPTED
        best = fame[0] if len(fame) else None
        progress = Progress(
            state.epoch, tuple(fresh), len(state.seen), best, tuple(fame), dict(state.ledger),
            state.islands, stopped,
        )  # fmt: skip
        if stopped:
            yield progress
            return
        if adviser is not None:
            adviser.ask(progress)
        state.epoch += 1
        hearing = adviser.next_hearing(len(state.seen)) if adviser else None
        goal = budget.evaluations if hearing is None else min(hearing, budget.evaluations)
        is_heard = hearing is not None and goal - len(state.seen) <= _full_epoch(state, breeding)
        bred = _begin(state, breeding, goal, crew)
        yield progress  # others may breed while it is kept and told
        fresh = _taken(bred(), state, breeding)
        if adviser is not None and is_heard:
            fresh += _hear(adviser, state, breeding, budget)


def _full_epoch(state: _State, breeding: Breeding) -> int:
    """How many evaluations an epoch that nothing cuts short may make."""
    return breeding.population * breeding.generations * len(state.islands)


def _begin(state: _State, breeding: Breeding, goal: int, crew: Crew) -> Bred:
    """One epoch on every island, up to a number of evaluations, begun."""
    if not breeding.proposers:
        state.idle += _full_epoch(state, breeding)
        return list
    quotas = _quotas(max(goal - len(state.seen), 0), len(state.islands))
    state.idle += min(sum(quotas), _full_epoch(state, breeding))
    assignments = [
        Assignment(island, state.ledger, quota, state.epoch)
        for island, quota in zip(state.islands, quotas, strict=True)
    ]
    return crew.begin(assignments, state.seen)


def _taken(epochs: Sequence[Epoch], state: _State, breeding: Breeding) -> list[Individual]:
    """What came of an epoch on every island, taken in; the trials that are new."""
    for each in epochs:
        state.ledger = joined(state.ledger, each.ledger)
    state.islands = _migrated(epochs, breeding.population) or state.islands
    return _count([trial for each in epochs for trial in each.trials], state)


def _hear(adviser: Adviser, state: _State, breeding: Breeding, budget: Budget) -> list[Individual]:
    """Take in what the adviser proposes, on one island after another; the trials that are new."""
    heard = adviser.hear(state.epoch)
    new: dict[bytes, Proposal] = {}
    for proposal in heard.proposals:
        if proposal.program.key not in state.seen:
            new.setdefault(proposal.program.key, proposal)
    admitted = list(new.values())[: budget.evaluations - len(state.seen)]
    scores = breeding.evaluate([each.program for each in admitted])
    index = state.epoch % len(state.islands)
    born = {
        id(each): Individual(
            each.program, score, Fitness(breeding.weights, score.values), each.proposer,
            each.parents, index, state.epoch,
        )
        for each, score in zip(admitted, scores, strict=True)
    }  # fmt: skip
    trials = list(born.values())
    feasible = [each for each in trials if each.scores.is_feasible]
    island = immigrated(state.islands[index], feasible, breeding.population)
    state.islands = (*state.islands[:index], island, *state.islands[index + 1 :])
    staying = set(map(id, island.population))
    outcomes = [
        _outcome(each, born.get(id(each)), staying, is_new=new.get(each.program.key) is each)
        for each in heard.proposals
    ]
    state.ledger = joined(state.ledger, heard.ledger)
    for outcome in outcomes:
        earned = {outcome.proposal.proposer: _credit(outcome)}
        state.ledger = joined(state.ledger, earned)
    adviser.learn(outcomes)
    return _count(trials, state)


def _outcome(
    proposal: Proposal, individual: Individual | None, staying: set[int], is_new: bool
) -> Outcome:
    if individual is None:
        return Outcome(proposal, "no budget" if is_new else "duplicate")
    best = proposal.parent_score
    improved = individual.scores.is_feasible and (best is None or individual.score > best)
    return Outcome(proposal, "evaluated", individual, id(individual) in staying, improved)


def _credit(outcome: Outcome) -> Credit:
    if outcome.individual is None:
        return Credit(duplicate=int(outcome.fate == "duplicate"))
    best = outcome.proposal.parent_score
    is_gain = outcome.improved and best is not None
    gain = round(outcome.individual.score - (best or 0.0), 12) if is_gain else 0.0
    return Credit(
        evaluated=1, accepted=int(outcome.accepted), improved=int(outcome.improved), gain=gain
    )


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


def _reason_to_stop(
    state: _State, breeding: Breeding, budget: Budget, seconds: float, adviser: Adviser | None
) -> str:
    if len(state.seen) >= budget.evaluations:
        return f"all {budget.evaluations:,} evaluations made"
    stale = budget.stale_epochs
    if stale is not None and state.idle >= stale * _full_epoch(state, breeding):
        return f"no improvement in {stale} epochs"
    if budget.minutes is not None and seconds >= budget.minutes * 60:
        return f"{budget.minutes:g} minutes spent, at epoch {state.epoch}"
    if not breeding.proposers and (
        adviser is None or adviser.next_hearing(len(state.seen)) is None
    ):
        return "the adviser may ask no more"
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
