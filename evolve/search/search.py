"""Search loop: epochs from the starting programs to a hall of fame."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from evolve.search.executors import Executor, SeenKeys, SerialExecutor
from evolve.search.external import ExternalProposer, Outcome, Proposal
from evolve.search.hall_of_fame import HallOfFame
from evolve.search.individual import SEED, Fitness, Individual
from evolve.search.interval import Interval, begin_interval
from evolve.search.island import EpochResult, Island, accept_migrants, new_island
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget, Progress
from evolve.search.proposer_stats import ProposerStats, merge_stats
from evolve.stop import Stop

MIGRANTS_PER_EPOCH = 2
MIN_IMPROVEMENT = 1e-9
INTERRUPTED = "interrupted"


@dataclass
class _SearchState:
    islands: tuple[Island, ...]
    seen: SeenKeys = field(default_factory=SeenKeys)
    stats: dict[str, ProposerStats] = field(default_factory=dict)
    seconds: Counter[str] = field(default_factory=Counter)
    hall_of_fame: HallOfFame = field(default_factory=HallOfFame)
    epoch: int = 0
    interval: Interval | None = None  # None after a migration
    stale_evaluations: int = 0  # allowed since the last improvement


def search(
    problem: SearchProblem,
    budget: Budget,
    executor: Executor | None = None,
    external: ExternalProposer | None = None,
    stop: Stop | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Run a search; yield its state after the starting programs and after every epoch.

    Args:
        problem: the constants of the search.
        budget: the limits at which it stops.
        executor: runs the epochs; serial if None.
        external: another proposer, synchronized after the generation that ends nearest to the
            evaluation count that it returns. Without proposals, it changes no trial.
        stop: once set, ends the search after the current epoch.
        clock: returns seconds; called at the end of epochs only.
    """
    executor, stop = executor or SerialExecutor(problem), stop or Stop()
    state = _SearchState(tuple(new_island(index, problem.seed) for index in range(problem.islands)))
    started = clock()
    trials = _count_new(_evaluate_start(problem), state)
    state.islands = tuple(
        Island(each.index, tuple(t for t in trials if t.scores.is_feasible), each.rng_state)
        for each in state.islands
    )
    while True:
        _update_hall_of_fame(trials, state)
        stop_reason = _find_stop_reason(state, problem, budget, clock() - started, external)
        if stop.is_set and not stop_reason:
            stop_reason = INTERRUPTED
        progress = Progress(
            state.epoch, tuple(trials), len(state.seen), state.hall_of_fame.best,
            state.hall_of_fame.members, dict(state.stats), state.islands, stop_reason,
            dict(state.seconds),
        )  # fmt: skip
        if stop_reason:
            yield progress
            return
        state.epoch += 1
        interval = _continue_interval(state, problem, budget)
        if external is not None:
            generation = problem.population * problem.islands
            external.ask(progress, progress.evaluated + interval.generations * generation)
        generations, is_sync_due = _plan_epoch(interval, state, problem, external)
        tasks = interval.build_tasks(state.islands, generations, state.epoch)
        pending = executor.submit(tasks, state.seen) if problem.proposers else list
        yield progress  # the caller handles it while the epochs run in worker processes
        trials = _collect_epochs(pending(), state, problem, interval, generations)
        if external is not None and is_sync_due:
            trials += _sync_external(external, state, problem, budget)


def _evaluate_start(problem: SearchProblem) -> list[Individual]:
    """Evaluate the starting programs, which may exceed the limits of the space."""
    distinct = list({each.key: each for each in problem.start_from}.values())
    scores = problem.evaluate(distinct)
    return [
        Individual(program, score, Fitness(problem.weights, score.values), SEED, (), 0, 0)
        for program, score in zip(distinct, scores, strict=True)
    ]


def _update_hall_of_fame(trials: Sequence[Individual], state: _SearchState) -> None:
    before = state.hall_of_fame.best
    state.hall_of_fame = state.hall_of_fame.add(trials)
    best = state.hall_of_fame.best
    if best is not None and (before is None or best.score > before.score + MIN_IMPROVEMENT):
        state.stale_evaluations = 0


def _continue_interval(state: _SearchState, problem: SearchProblem, budget: Budget) -> Interval:
    """Return the rest of the interval between two migrations; begin one after a migration."""
    left = max(budget.evaluations - len(state.seen), 0)
    if state.interval is not None:
        return state.interval.limit(left)
    allowed = min(left, problem.max_epoch_evaluations)
    state.stale_evaluations += allowed if problem.proposers else problem.max_epoch_evaluations
    return begin_interval(state.stats, problem.islands, problem.generations_per_epoch, left)


def _plan_epoch(
    interval: Interval,
    state: _SearchState,
    problem: SearchProblem,
    external: ExternalProposer | None,
) -> tuple[int, bool]:
    """Return the generations of the next epoch, and whether a synchronization follows it."""
    evaluated, size = len(state.seen), problem.population * problem.islands
    sync = external.next_sync(evaluated) if external is not None else None
    if sync is None:
        return interval.generations, False
    generations = max((sync - evaluated + size // 2) // size, 1)
    return min(generations, interval.generations), generations <= interval.generations


def _collect_epochs(
    results: Sequence[EpochResult],
    state: _SearchState,
    problem: SearchProblem,
    interval: Interval,
    generations: int,
) -> list[Individual]:
    """Merge the results of an epoch into the state; return the trials that are new."""
    state.interval = None
    if results:
        rest = interval.advance(results, generations)
        state.interval = None if rest.is_over else rest
        for each in results:
            state.stats = merge_stats(state.stats, each.stats)
            state.seconds.update(each.seconds)
        state.islands = tuple(each.island for each in results)
        if state.interval is None:
            state.islands = _migrate(state.islands, problem.population)
    return _count_new([trial for each in results for trial in each.trials], state)


def _sync_external(
    external: ExternalProposer, state: _SearchState, problem: SearchProblem, budget: Budget
) -> list[Individual]:
    """Evaluate the proposals of an external proposer for one island; return the new trials."""
    batch = external.collect(state.epoch)
    new: dict[bytes, Proposal] = {}
    for proposal in batch.proposals:
        if proposal.program.key not in state.seen:
            new.setdefault(proposal.program.key, proposal)
    admitted = list(new.values())[: budget.evaluations - len(state.seen)]
    scores = problem.evaluate([each.program for each in admitted])
    index = state.epoch % len(state.islands)
    evaluated = {
        id(each): Individual(
            each.program, score, Fitness(problem.weights, score.values), each.proposer,
            each.parents, index, state.epoch,
        )
        for each, score in zip(admitted, scores, strict=True)
    }  # fmt: skip
    trials = list(evaluated.values())
    feasible = [each for each in trials if each.scores.is_feasible]
    island = accept_migrants(state.islands[index], feasible, problem.population)
    state.islands = (*state.islands[:index], island, *state.islands[index + 1 :])
    survivors = set(map(id, island.population))
    outcomes = [
        _build_outcome(
            each, evaluated.get(id(each)), survivors, is_new=new.get(each.program.key) is each
        )
        for each in batch.proposals
    ]
    state.stats = merge_stats(state.stats, batch.stats)
    for outcome in outcomes:
        state.stats = merge_stats(state.stats, {outcome.proposal.proposer: _outcome_stats(outcome)})
    external.tell(outcomes)
    return _count_new(trials, state)


def _build_outcome(
    proposal: Proposal, individual: Individual | None, survivors: set[int], is_new: bool
) -> Outcome:
    if individual is None:
        return Outcome(proposal, "no budget" if is_new else "duplicate")
    best = proposal.parent_score
    improved = individual.scores.is_feasible and (best is None or individual.score > best)
    return Outcome(proposal, "evaluated", individual, id(individual) in survivors, improved)


def _outcome_stats(outcome: Outcome) -> ProposerStats:
    if outcome.individual is None:
        return ProposerStats(duplicate=int(outcome.status == "duplicate"))
    best = outcome.proposal.parent_score
    is_gain = outcome.improved and best is not None
    gain = round(outcome.individual.score - (best or 0.0), 12) if is_gain else 0.0
    return ProposerStats(
        evaluated=1, accepted=int(outcome.accepted), improved=int(outcome.improved), gain=gain
    )


def _count_new(trials: Sequence[Individual], state: _SearchState) -> list[Individual]:
    """Return the trials of new programs; a program that two islands propose counts once."""
    new = []
    for trial in trials:
        if trial.program.key not in state.seen:
            state.seen.add(trial.program.key)
            new.append(trial)
    return new


def _find_stop_reason(
    state: _SearchState,
    problem: SearchProblem,
    budget: Budget,
    seconds: float,
    external: ExternalProposer | None,
) -> str:
    if len(state.seen) >= budget.evaluations:
        return f"budget of {budget.evaluations:,} evaluations spent"
    stale = budget.stale_epochs
    if (
        stale is not None
        and state.interval is None
        and state.stale_evaluations >= stale * problem.max_epoch_evaluations
    ):
        return f"no improvement in {stale} epochs"
    if budget.minutes is not None and seconds >= budget.minutes * 60:
        return f"budget of {budget.minutes:g} minutes spent at epoch {state.epoch}"
    if not problem.proposers and (external is None or external.next_sync(len(state.seen)) is None):
        return "no proposals left"
    return ""


def _migrate(islands: Sequence[Island], size: int) -> tuple[Island, ...]:
    """Return the islands, each with the best individuals of its predecessor in the ring."""
    if len(islands) == 1:
        return tuple(islands)
    best = [
        sorted(each.population, key=lambda one: one.fitness.wvalues, reverse=True)[
            :MIGRANTS_PER_EPOCH
        ]
        for each in islands
    ]
    return tuple(accept_migrants(each, best[index - 1], size) for index, each in enumerate(islands))
