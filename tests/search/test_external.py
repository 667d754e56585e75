"""External proposers: synchronized at the right counts, counted once, with outcomes in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.notices import NoticeList
from evolve.search.executors import ProcessExecutor
from evolve.search.external import Outcome, Proposal, ProposalBatch
from evolve.search.island import EpochResult, EpochTask
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget, Progress
from evolve.search.proposer_stats import ProposerStats
from evolve.search.search import search
from tests.search.toy import ToyScores, ignore_large_ones, solve, toy_problem

ARM = "external"
GENERATION = 20  # of the toy problem


@dataclass
class ScriptedProposer:
    """External proposer with scripted proposals.

    Attributes:
        counts: evaluation counts at which to synchronize; after the last, it synchronizes at once
            until there have been `rounds`.
        propose: returns the batch of a synchronization, by its number from 0.
        rounds: number of synchronizations without a count.
        log: the calls in order.
        outcomes: the outcomes by synchronization.
    """

    counts: list[int] = field(default_factory=list)
    propose: Callable[[int], ProposalBatch] = lambda number: ProposalBatch()
    rounds: int = 0
    log: list[str] = field(default_factory=list)
    outcomes: list[list[Outcome]] = field(default_factory=list)

    def save(self) -> dict[str, Any]:
        return {"counts": self.counts, "collected": len(self.outcomes)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.counts = list(state["counts"])
        self.outcomes = [[] for _ in range(state["collected"])]

    def ask(self, progress: Progress, migration: int) -> None:
        assert not progress.stop_reason
        assert progress.evaluated < migration
        self.log.append(f"asked after {progress.epoch}")

    def next_sync(self, evaluated: int) -> int | None:
        if self.counts:
            return self.counts[0]
        return evaluated if len(self.outcomes) < self.rounds else None

    def collect(self, epoch: int) -> ProposalBatch:
        self.log.append(f"collected in {epoch}")
        self.counts = self.counts[1:]
        return self.propose(len(self.outcomes))

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.log.append(f"outcomes of {len(outcomes)}")
        self.outcomes.append(list(outcomes))


def totals(programs: Sequence[Program]) -> list[ToyScores]:
    """Return the sum of each program's numbers; it is infeasible from 200."""
    scored = []
    for program in programs:
        rules = filter(None, program.rules)
        total = sum(part.value or 0.0 for term in rules for part in term.walk())
        scored.append(ToyScores((total, float(program.nodes)), total < 200))
    return scored


def program_of(total: int) -> Program:
    """Return a program whose numbers have a sum."""
    return check(f"strategy s {{ buy when rsi(close, 10) < {total - 10} }}")


def batch(*totals: int, arm: str = ARM, parent_score: float | None = None) -> ProposalBatch:
    proposals = [Proposal(program_of(each), arm, ("ab", "cd"), parent_score) for each in totals]
    return ProposalBatch(tuple(proposals))


def problem_without_operators(population: int = 20) -> SearchProblem:
    return replace(toy_problem(population), proposers={}, evaluate=totals)


def hashes(run: Sequence[Progress]) -> list[str]:
    return [trial.program.hash for each in run for trial in each.trials]


def populations(progress: Progress) -> list[tuple[object, list[str]]]:
    """Return the state of the generator and the programs of each island."""
    return [
        (each.rng_state, [one.program.hash for one in each.population]) for each in progress.islands
    ]


def sync_counts(run: Sequence[Progress]) -> list[int]:
    """Return the evaluation counts at which external proposals were evaluated."""
    external = [sum(trial.proposer == ARM for trial in each.trials) for each in run]
    return [each.evaluated - count for each, count in zip(run, external, strict=True) if count]


def solve_with(
    proposer: ScriptedProposer | None, evaluations: int = 300, islands: int = 1
) -> list[Progress]:
    return solve(toy_problem(), Budget(evaluations), 1, islands, external=proposer)


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return [each.status for each in outcomes]


def test_proposals_are_collected_after_the_generation_nearest_to_the_count() -> None:
    counts = [33, 60, 115, 240, 289]
    proposer = ScriptedProposer(counts, lambda number: batch(60 + number, 90 + number))
    run = solve_with(proposer)
    assert all(
        abs(at - count) <= GENERATION // 2
        for at, count in zip(sync_counts(run), counts, strict=True)
    )
    assert run[-1].evaluated == 300
    assert [statuses(each) for each in proposer.outcomes] == [["evaluated"] * 2] * 5


def test_an_epoch_is_at_least_one_generation_of_every_island() -> None:
    proposer = ScriptedProposer(list(range(1, 400)), lambda number: batch(60 + number))
    run = solve_with(proposer, islands=3)
    proposed = [sum(trial.proposer != ARM for trial in each.trials) for each in run[1:-1]]
    assert min(proposed) > 3 * GENERATION - 9, "islands may propose the same program"
    assert len(run) == 6


def test_proposals_are_collected_if_the_islands_propose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_empty_epoch(task: EpochTask, *others: object) -> EpochResult:
        return EpochResult(task.island, (), {})

    monkeypatch.setattr("evolve.search.executors.run_epoch", run_empty_epoch)
    proposer = ScriptedProposer([60, 61, 600], lambda number: batch(60 + number))
    run = solve(toy_problem(), Budget(700, stale_epochs=4), 1, 1, external=proposer)
    assert sync_counts(run) == [0, 1]
    assert [each.evaluated for each in run][:3] == [0, 1, 2]
    assert proposer.counts == [600], "it is more than an epoch away"


def test_a_proposer_is_called_in_turn_and_never_after_the_end() -> None:
    proposer = ScriptedProposer([60, 200], lambda number: batch(60 + number))
    assert solve_with(proposer, 240)[-1].stop_reason == "budget of 240 evaluations spent"
    assert proposer.log == [
        "asked after 0", "collected in 1", "outcomes of 1", "asked after 1", "asked after 2",
        "asked after 3", "collected in 4", "outcomes of 1", "asked after 4",
    ]  # fmt: skip


def test_a_proposal_is_one_trial_with_its_arm_island_and_epoch() -> None:
    proposer = ScriptedProposer(rounds=4, propose=lambda number: batch(60 + number, 90 + number))
    run = solve(problem_without_operators(), Budget(100), 1, 3, external=proposer)
    trials = [trial for each in run for trial in each.trials]
    assert len(trials) == len({each.program.key for each in trials}) == run[-1].evaluated == 8
    assert [each.epoch for each in trials] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [each.island for each in trials] == [1, 1, 2, 2, 0, 0, 1, 1]
    assert {(each.proposer, each.parents) for each in trials} == {(ARM, ("ab", "cd"))}
    populations = [{round(each.score) for each in island.population} for island in run[-1].islands]
    assert populations == [{62, 92}, {60, 90, 63, 93}, {61, 91}]
    assert run[-1].best is not None
    assert run[-1].best.score == 93


def test_a_program_that_was_evaluated_is_a_duplicate_and_no_trial() -> None:
    batches = [batch(60, 70, 60), batch(70, 50, 80)]
    proposer = ScriptedProposer(rounds=2, propose=lambda number: batches[number])
    run = solve(problem_without_operators(), Budget(100), 1, 1, [program_of(50)], external=proposer)
    assert [statuses(each) for each in proposer.outcomes] == [
        ["evaluated", "evaluated", "duplicate"], ["duplicate", "duplicate", "evaluated"],
    ]  # fmt: skip
    assert run[-1].evaluated == 4
    assert [round(trial.score) for each in run for trial in each.trials] == [50, 60, 70, 80]
    assert run[-1].stats[ARM] == ProposerStats(duplicate=3, evaluated=3, accepted=3, improved=3)


def test_proposals_beyond_the_budget_are_not_evaluated() -> None:
    proposer = ScriptedProposer(rounds=9, propose=lambda number: batch(50, 60, 70, 80, 90, 100))
    run = solve(problem_without_operators(), Budget(4), 1, 1, [program_of(50)], external=proposer)
    assert statuses(proposer.outcomes[0]) == ["duplicate", *["evaluated"] * 3, *["no budget"] * 2]
    assert [each.individual is None for each in proposer.outcomes[0]] == [
        True, False, False, False, True, True,
    ]  # fmt: skip
    assert (run[-1].evaluated, run[-1].stop_reason) == (4, "budget of 4 evaluations spent")
    assert run[-1].stats[ARM] == ProposerStats(duplicate=1, evaluated=3, accepted=3, improved=3)


def test_proposals_at_the_end_of_the_budget_are_not_evaluated() -> None:
    proposer = ScriptedProposer([120], lambda number: batch(60, 70))
    run = solve_with(proposer, 120)
    assert run[-1].evaluated == 120
    assert [statuses(each) for each in proposer.outcomes] == [["no budget"] * 2]


def test_outcomes_are_in_order_and_count_for_their_arms() -> None:
    script = [
        (44, "a", None), (34, "a", 34.0), (54, "a", 0.0), (64, "b", 44.0), (15, "b", -5.0),
        (300, "b", 0.0), (44, "b", 1.0),
    ]  # fmt: skip
    proposals = [Proposal(program_of(total), arm, (), score) for total, arm, score in script]
    stats = {"a": ProposerStats(proposed=5, valid=3), "b": ProposerStats(proposed=4, valid=4)}
    proposer = ScriptedProposer(
        rounds=1, propose=lambda number: ProposalBatch(tuple(proposals), stats)
    )
    run = solve(problem_without_operators(population=3), Budget(100), 1, 1, external=proposer)
    (outcomes,) = proposer.outcomes
    assert all(each.proposal is one for each, one in zip(outcomes, proposals, strict=True))
    assert statuses(outcomes) == ["evaluated"] * 6 + ["duplicate"]
    assert [each.individual and each.individual.score for each in outcomes] == [
        44, 34, 54, 64, 15, 300, None,
    ]  # fmt: skip
    assert [each.accepted for each in outcomes] == [True, False, True, True, False, False, False]
    assert [each.improved for each in outcomes] == [True, False, True, True, True, False, False]
    assert run[-1].stats == {
        "a": ProposerStats(5, 3, 0, evaluated=3, accepted=2, improved=2, gain=54.0),
        "b": ProposerStats(4, 4, 1, evaluated=3, accepted=1, improved=2, gain=40.0),
    }
    assert [round(each.score) for each in run[-1].islands[0].population] == [64, 54, 44]


def test_a_sole_proposer_stops_after_the_stale_epochs() -> None:
    totals_above_100 = [10, 5, 20, 1, 20, 3, 4, 90]
    proposer = ScriptedProposer(
        rounds=99, propose=lambda number: batch(100 + totals_above_100[number])
    )
    run = solve(problem_without_operators(), Budget(100, stale_epochs=3), 1, 1, external=proposer)
    assert (run[-1].epoch, run[-1].stop_reason) == (6, "no improvement in 3 epochs")
    assert run[-1].best is not None
    assert run[-1].best.score == 120
    assert run[-1].evaluated == 5


@pytest.mark.parametrize("stale", [1, 2, 5])
def test_epochs_without_a_proposal_are_stale(stale: int) -> None:
    proposer = ScriptedProposer(rounds=99)
    run = solve(
        problem_without_operators(), Budget(100, stale_epochs=stale), 1, 2, external=proposer
    )
    assert (run[-1].epoch, run[-1].evaluated) == (stale, 0)
    assert run[-1].stop_reason == f"no improvement in {stale} epochs"
    seeded = solve(
        problem_without_operators(),
        Budget(100, stale),
        1,
        2,
        [program_of(50)],
        external=ScriptedProposer(rounds=99),
    )
    assert (seeded[-1].epoch, seeded[-1].evaluated) == (stale, 1)


def test_a_sole_proposer_without_further_proposals_ends_the_search() -> None:
    proposer = ScriptedProposer(rounds=3, propose=lambda number: batch(60 + number))
    run = solve(problem_without_operators(), Budget(100), 1, 1, external=proposer)
    assert (run[-1].epoch, run[-1].evaluated) == (3, 3)
    assert run[-1].stop_reason == "no proposals left"
    empty = solve(problem_without_operators(), Budget(100), 1, 1, [program_of(50)])
    assert [(each.epoch, each.stop_reason) for each in empty] == [(0, "no proposals left")]


def test_a_proposer_without_synchronization_does_not_change_the_search() -> None:
    for islands in (1, 3):
        silent, without = (
            solve_with(ScriptedProposer(), 400, islands),
            solve_with(None, 400, islands),
        )
        assert hashes(silent) == hashes(without)
        assert [each.stats for each in silent] == [each.stats for each in without]
        assert [each.evaluated for each in silent] == [each.evaluated for each in without]


@pytest.mark.parametrize("islands", [1, 2, 3])
@pytest.mark.parametrize("counts", [[60, 120, 240], [35, 77, 200, 201], range(1, 500), [499]])
def test_synchronizations_without_proposals_change_no_trial(
    counts: Sequence[int], islands: int
) -> None:
    stats = {ARM: ProposerStats(proposed=9, valid=2)}
    proposer = ScriptedProposer(list(counts), lambda number: ProposalBatch((), stats))
    synced, alone = solve_with(proposer, 500, islands)[-1], solve_with(None, 500, islands)[-1]
    assert populations(synced) == populations(alone)
    assert synced.evaluated == alone.evaluated
    for name, each in alone.stats.items():
        assert replace(synced.stats[name], gain=0.0) == replace(each, gain=0.0)
    syncs = len(proposer.outcomes)
    assert synced.stats.get(ARM, ProposerStats()).proposed == 9 * syncs
    assert syncs or counts == [499]


def test_synchronizations_change_no_trial_where_programs_are_idle() -> None:
    problem = replace(toy_problem(), evaluate=ignore_large_ones)
    alone = solve(problem, Budget(400), 1, 2)
    synced = solve(problem, Budget(400), 1, 2, external=ScriptedProposer(list(range(1, 400))))
    assert populations(synced[-1]) == populations(alone[-1])
    idle = [{name: each.idle for name, each in run[-1].stats.items()} for run in (synced, alone)]
    assert idle[0] == idle[1]
    assert sum(idle[0].values()) > 30


def test_synchronizations_change_no_trial_in_worker_processes() -> None:
    problem = replace(toy_problem(), seed=1, islands=2)
    proposer = ScriptedProposer(list(range(1, 400)))
    with ProcessExecutor(problem, 2, NoticeList()) as executor:
        synced = list(search(problem, Budget(400), executor, proposer))
    alone = solve_with(None, 400, islands=2)
    assert populations(synced[-1]) == populations(alone[-1])
    assert sorted(hashes(synced)) == sorted(hashes(alone))
    assert len(synced) > len(alone)


def test_stale_epochs_do_not_depend_on_synchronizations() -> None:
    budget = Budget(100_000, stale_epochs=2)
    runs = [
        solve(toy_problem(), budget, 3, 2, external=external)[-1]
        for external in (None, ScriptedProposer(list(range(1, 3000, 7))))
    ]
    assert runs[0].stop_reason == runs[1].stop_reason == "no improvement in 2 epochs"
    assert runs[0].evaluated == runs[1].evaluated
    assert populations(runs[0]) == populations(runs[1])


def test_an_accepted_proposal_becomes_a_parent() -> None:
    best = check("strategy s { buy when rsi(close, 77) < 50.7 or rsi(close, 90) < 60 }")
    proposer = ScriptedProposer([35], lambda number: ProposalBatch((Proposal(best, ARM),)))
    children = [
        trial
        for each in solve_with(proposer)
        for trial in each.trials
        if best.hash in trial.parents
    ]
    assert children
    assert all(each.epoch > 1 and each.proposer != ARM for each in children)
