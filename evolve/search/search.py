"""Search loop: epochs from the starting programs to a hall of fame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from evolve.search.checkpoint import Checkpoint, restore_state
from evolve.search.credit import compute_shares, update_credit
from evolve.search.executors import Executor, SerialExecutor
from evolve.search.external import ExternalProposer, Outcome, Proposal, ProposalBatch
from evolve.search.individual import SEED, Individual
from evolve.search.interval import Interval, begin_interval
from evolve.search.island import EpochResult, Island, accept_migrants, new_island
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget, Progress
from evolve.search.proposer_stats import ProposerStats, merge_stats
from evolve.search.state import SearchState
from evolve.stop import Stop

MIGRANTS_PER_EPOCH = 2
MIN_IMPROVEMENT = 1e-9
INTERRUPTED = "interrupted"

FindEnd = Callable[[Sequence[Individual]], str]
"""Receives the trials of each epoch; returns the reason why the search ends, or an empty text."""


def search(
    problem: SearchProblem,
    budget: Budget,
    executor: Executor | None = None,
    external: ExternalProposer | None = None,
    stop: Stop | None = None,
    clock: Callable[[], float] = time.monotonic,
    resume_from: Checkpoint | None = None,
    find_end: FindEnd | None = None,
) -> Iterator[Progress]:
    """Run a search; yield its state after the starting programs and after every epoch.

    A search that goes on from a checkpoint yields the state of its epoch first, without trials.
    All later states are those of a search that was never interrupted.

    Args:
        problem: the constants of the search.
        budget: the limits at which it stops.
        executor: runs the epochs; serial if None.
        external: another proposer, synchronized after the generation that ends nearest to the
            evaluation count that it returns. Without proposals, it changes no trial.
        stop: once set, ends the search after the current epoch, or after the last one if the
            current one would wait for an external proposer.
        clock: returns seconds; called at the end of epochs only.
        resume_from: where to go on; None for a new search.
        find_end: a further condition that ends the search; None for none.
    """
    executor, stop = executor or SerialExecutor(problem), stop or Stop()
    started, trials = clock(), list[Individual]()
    if resume_from is None:
        state = _begin(problem)
        trials = list(state.first)
    else:
        state = restore_state(resume_from)
        started -= resume_from.seconds
        saved = resume_from.state["proposer"]
        if external is not None and saved is not None:  # None if the run had no proposer then
            external.restore(saved)
    while True:
        _update_hall_of_fame(trials, state, problem)
        stop_reason = _find_stop_reason(state, problem, budget, clock() - started, external)
        if find_end is not None:
            stop_reason = stop_reason or find_end(trials)
        if stop.is_set and not stop_reason:
            stop_reason = INTERRUPTED
        progress = Progress(
            state.epoch, tuple(trials), len(state.index), state.hall_of_fame.best,
            state.hall_of_fame.members, dict(state.stats), state.islands, stop_reason,
            dict(state.seconds), state.first, state.interval, state.stale_evaluations,
            external.save() if external is not None else None, state.index, state.credit,
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
        pending = executor.submit(tasks, state.index) if problem.proposers else list
        yield progress  # the caller handles it while the epochs run in worker processes
        trials = _collect_epochs(pending(), state, problem, interval, generations)
        if external is not None and is_sync_due:
            batch = ProposalBatch() if stop.is_set else external.collect(state.epoch)
            if stop.is_set:  # it ends every wait, so the epoch is not that of another run
                yield replace(progress, trials=(), stop_reason=INTERRUPTED)
                return
            trials += _take_in(batch, external, state, problem, budget)


def _begin(problem: SearchProblem) -> SearchState:
    """Return the state after the starting programs, which join every island if feasible."""
    islands = [new_island(number, problem.seed) for number in range(problem.islands)]
    state = SearchState(())
    state.first = tuple(state.index.add_new(_evaluate_start(problem)))
    feasible = tuple(each for each in state.first if each.scores.is_feasible)
    state.islands = tuple(replace(each, population=feasible) for each in islands)
    return state


def _evaluate_start(problem: SearchProblem) -> list[Individual]:
    """Evaluate the starting programs, which may exceed the limits of the space."""
    distinct = list({each.key: each for each in problem.start_from}.values())
    scores = problem.evaluate(distinct)
    return [
        Individual.create(program, score, problem.weights, SEED, (), 0, 0)
        for program, score in zip(distinct, scores, strict=True)
    ]


def _update_hall_of_fame(
    trials: Sequence[Individual], state: SearchState, problem: SearchProblem
) -> None:
    before = state.hall_of_fame.best
    state.hall_of_fame = state.hall_of_fame.add(trials, problem.options.niche_members)
    best = state.hall_of_fame.best
    if best is not None and (before is None or best.score > before.score + MIN_IMPROVEMENT):
        state.stale_evaluations = 0


def _continue_interval(state: SearchState, problem: SearchProblem, budget: Budget) -> Interval:
    """Return the rest of the interval between two migrations; begin one after a migration."""
    left = max(budget.evaluations - len(state.index), 0)
    if state.interval is not None:
        return state.interval.limit(left)
    allowed = min(left, problem.max_epoch_evaluations)
    state.stale_evaluations += allowed if problem.proposers else problem.max_epoch_evaluations
    shares = compute_shares(problem.proposers, state.credit)
    return begin_interval(state.stats, shares, problem.islands, problem.generations_per_epoch, left)


def _plan_epoch(
    interval: Interval,
    state: SearchState,
    problem: SearchProblem,
    external: ExternalProposer | None,
) -> tuple[int, bool]:
    """Return the generations of the next epoch, and whether a synchronization follows it."""
    evaluated, size = len(state.index), problem.population * problem.islands
    sync = external.next_sync(evaluated) if external is not None else None
    if sync is None:
        return interval.generations, False
    generations = max((sync - evaluated + size // 2) // size, 1)
    return min(generations, interval.generations), generations <= interval.generations


def _collect_epochs(
    results: Sequence[EpochResult],
    state: SearchState,
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
            decay = problem.options.credit_decay
            state.credit = update_credit(state.credit, interval.stats, state.stats, decay)
            state.islands = _migrate(state.islands, problem.population)
    return state.index.add_new([trial for each in results for trial in each.trials])


def _take_in(
    batch: ProposalBatch,
    external: ExternalProposer,
    state: SearchState,
    problem: SearchProblem,
    budget: Budget,
) -> list[Individual]:
    """Evaluate the proposals of an external proposer for one island; return the new trials."""
    new: dict[bytes, Proposal] = {}
    for proposal in batch.proposals:
        if proposal.program.key not in state.index:
            new.setdefault(proposal.program.key, proposal)
    admitted = list(new.values())[: budget.evaluations - len(state.index)]
    scores = problem.evaluate([each.program for each in admitted])
    number = state.epoch % len(state.islands)
    evaluated = {
        id(each): Individual.create(
            each.program, score, problem.weights, each.proposer, each.parents, number, state.epoch
        )
        for each, score in zip(admitted, scores, strict=True)
    }  # fmt: skip
    trials = list(evaluated.values())
    feasible = [each for each in trials if each.scores.is_feasible]
    island = accept_migrants(state.islands[number], feasible, problem.population)
    state.islands = (*state.islands[:number], island, *state.islands[number + 1 :])
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
    return state.index.add_new(trials)


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


def _find_stop_reason(
    state: SearchState,
    problem: SearchProblem,
    budget: Budget,
    seconds: float,
    external: ExternalProposer | None,
) -> str:
    if len(state.index) >= budget.evaluations:
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
    if not problem.proposers and (external is None or external.next_sync(len(state.index)) is None):
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
