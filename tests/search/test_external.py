"""Proposals from outside a search: heard where they were to be, counted once, told what came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.search.external import Outcome, Proposal, ProposalBatch
from evolve.search.island import EpochResult, EpochTask
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget, Progress
from evolve.search.proposer_stats import ProposerStats
from tests.search.toy import ToyScores, solve, toy_problem

GUEST = "guest"


@dataclass
class Guest:
    """An adviser that is heard at given counts and says what a test wants.

    Attributes:
        counts: at which it is to be heard; without any left it is heard at once, `rounds` times.
        says: what, by the number of the hearing, from 0.
        log: what it was asked, in order; outcomes: what it was told, by hearing.
    """

    counts: list[int] = field(default_factory=list)
    says: Callable[[int], ProposalBatch] = lambda number: ProposalBatch()
    rounds: int = 0
    log: list[str] = field(default_factory=list)
    outcomes: list[list[Outcome]] = field(default_factory=list)

    def ask(self, progress: Progress) -> None:
        assert not progress.stop_reason
        self.log.append(f"asked after {progress.epoch}")

    def next_sync(self, evaluated: int) -> int | None:
        if self.counts:
            return self.counts[0]
        return evaluated if len(self.outcomes) < self.rounds else None

    def collect(self, epoch: int) -> ProposalBatch:
        self.log.append(f"heard in {epoch}")
        self.counts = self.counts[1:]
        return self.says(len(self.outcomes))

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.log.append(f"told of {len(outcomes)}")
        self.outcomes.append(list(outcomes))


def totals(programs: Sequence[Program]) -> list[ToyScores]:
    """The sum of a program's numbers as written; from 200 on it cannot be used."""
    scored = []
    for program in programs:
        rules = filter(None, program.rules)
        total = sum(part.value or 0.0 for term in rules for part in term.walk())
        scored.append(ToyScores((total, float(program.nodes)), total < 200))
    return scored


def worth(total: int) -> Program:
    """A program whose numbers add up to so much."""
    return check(f"strategy s {{ buy when rsi(close, 10) < {total - 10} }}")


def proposed(*totals: int, arm: str = GUEST, parent_score: float | None = None) -> ProposalBatch:
    offered = [Proposal(worth(each), arm, ("ab", "cd"), parent_score) for each in totals]
    return ProposalBatch(tuple(offered))


def alone(population: int = 20) -> SearchProblem:
    return replace(toy_problem(population), proposers={}, evaluate=totals)


def hashes(run: Sequence[Progress]) -> list[str]:
    return [trial.program.hash for each in run for trial in each.trials]


def heard_at(run: Sequence[Progress]) -> list[int]:
    """How much was evaluated when the guest's programs were taken in."""
    guests = [sum(trial.proposer == GUEST for trial in each.trials) for each in run]
    return [each.evaluated - count for each, count in zip(run, guests, strict=True) if count]


def bred(guest: Guest | None, evaluations: int = 300, islands: int = 1) -> list[Progress]:
    return solve(toy_problem(), Budget(evaluations), 1, islands, external=guest)


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return [each.status for each in outcomes]


def test_it_is_heard_exactly_at_the_counts_it_names() -> None:
    guest = Guest([35, 100, 102, 170, 293], lambda number: proposed(60 + number, 90 + number))
    run = bred(guest)
    assert heard_at(run) == [35, 100, 102, 170, 293]
    assert run[-1].evaluated == 300
    assert [statuses(each) for each in guest.outcomes] == [["evaluated"] * 2] * 5


def test_where_problem_finds_too_few_new_programs_it_is_heard_directly_after() -> None:
    named = [40, 140, 230, 290]
    guest = Guest(named, lambda number: proposed(60 + number))
    run = bred(guest, islands=3)
    short = [count - at for count, at in zip(named, heard_at(run), strict=True)]
    assert all(0 <= each <= 3 for each in short)
    assert any(short), "two islands came to the same program"


def test_where_problem_finds_nothing_at_all_it_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def barren(task: EpochTask, *others: object) -> EpochResult:
        return EpochResult(task.island, (), {})

    monkeypatch.setattr("evolve.search.executors.run_epoch", barren)
    guest = Guest([60, 61, 600], lambda number: proposed(60 + number))
    run = solve(toy_problem(), Budget(700, stale_epochs=4), 1, 1, external=guest)
    assert heard_at(run) == [0, 1]
    assert [each.evaluated for each in run][:3] == [0, 1, 2]
    assert guest.counts == [600], "more than a whole epoch away, it is not heard yet"


def test_it_is_asked_heard_and_told_in_turn_and_never_after_the_end() -> None:
    guest = Guest([60, 200], lambda number: proposed(60 + number))
    assert bred(guest, 240)[-1].stop_reason == "all 240 evaluations made"
    assert guest.log == [
        "asked after 0", "heard in 1", "told of 1", "asked after 1", "asked after 2",
        "asked after 3", "heard in 4", "told of 1", "asked after 4",
    ]  # fmt: skip


def test_a_proposal_is_one_trial_with_its_author_and_place() -> None:
    guest = Guest(rounds=4, says=lambda number: proposed(60 + number, 90 + number))
    run = solve(alone(), Budget(100), 1, 3, external=guest)
    trials = [trial for each in run for trial in each.trials]
    assert len(trials) == len({each.program.key for each in trials}) == run[-1].evaluated == 8
    assert [each.epoch for each in trials] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [each.island for each in trials] == [1, 1, 2, 2, 0, 0, 1, 1]
    assert {(each.proposer, each.parents) for each in trials} == {(GUEST, ("ab", "cd"))}
    homes = [{round(each.score) for each in island.population} for island in run[-1].islands]
    assert homes == [{62, 92}, {60, 90, 63, 93}, {61, 91}]
    assert run[-1].best is not None
    assert run[-1].best.score == 93


def test_what_was_evaluated_before_is_a_duplicate_and_no_trial() -> None:
    spoken = [proposed(60, 70, 60), proposed(70, 50, 80)]
    guest = Guest(rounds=2, says=lambda number: spoken[number])
    run = solve(alone(), Budget(100), 1, 1, [worth(50)], external=guest)
    assert [statuses(each) for each in guest.outcomes] == [
        ["evaluated", "evaluated", "duplicate"], ["duplicate", "duplicate", "evaluated"],
    ]  # fmt: skip
    assert run[-1].evaluated == 4
    assert [round(trial.score) for each in run for trial in each.trials] == [50, 60, 70, 80]
    assert run[-1].stats[GUEST] == ProposerStats(duplicate=3, evaluated=3, accepted=3, improved=3)


def test_what_the_budget_has_no_room_for_is_not_evaluated() -> None:
    guest = Guest(rounds=9, says=lambda number: proposed(50, 60, 70, 80, 90, 100))
    run = solve(alone(), Budget(4), 1, 1, [worth(50)], external=guest)
    assert statuses(guest.outcomes[0]) == ["duplicate", *["evaluated"] * 3, *["no budget"] * 2]
    assert [each.individual is None for each in guest.outcomes[0]] == [
        True, False, False, False, True, True,
    ]  # fmt: skip
    assert (run[-1].evaluated, run[-1].stop_reason) == (4, "all 4 evaluations made")
    assert run[-1].stats[GUEST] == ProposerStats(duplicate=1, evaluated=3, accepted=3, improved=3)


def test_a_hearing_at_the_end_of_the_budget_finds_no_room_beside_problem() -> None:
    guest = Guest([500], lambda number: proposed(60, 70))
    run = bred(guest, 120)
    assert run[-1].evaluated == 120
    assert [statuses(each) for each in guest.outcomes] == [["no budget"] * 2]


def test_what_became_of_each_proposal_is_told_in_order_and_credited_to_its_arm() -> None:
    spoken = [
        (44, "a", None), (34, "a", 34.0), (54, "a", 0.0), (64, "b", 44.0), (15, "b", -5.0),
        (300, "b", 0.0), (44, "b", 1.0),
    ]  # fmt: skip
    offered = [Proposal(worth(total), arm, (), score) for total, arm, score in spoken]
    noted = {"a": ProposerStats(proposed=5, valid=3), "b": ProposerStats(proposed=4, valid=4)}
    guest = Guest(rounds=1, says=lambda number: ProposalBatch(tuple(offered), noted))
    run = solve(alone(population=3), Budget(100), 1, 1, external=guest)
    (told,) = guest.outcomes
    assert all(each.proposal is one for each, one in zip(told, offered, strict=True))
    assert statuses(told) == ["evaluated"] * 6 + ["duplicate"]
    assert [each.individual and each.individual.score for each in told] == [
        44, 34, 54, 64, 15, 300, None,
    ]  # fmt: skip
    assert [each.accepted for each in told] == [True, False, True, True, False, False, False]
    assert [each.improved for each in told] == [True, False, True, True, True, False, False]
    assert run[-1].stats == {
        "a": ProposerStats(5, 3, 0, evaluated=3, accepted=2, improved=2, gain=54.0),
        "b": ProposerStats(4, 4, 1, evaluated=3, accepted=1, improved=2, gain=40.0),
    }
    assert [round(each.score) for each in run[-1].islands[0].population] == [64, 54, 44]


def test_alone_it_stops_after_exactly_so_many_epochs_without_improvement() -> None:
    spoken = [10, 5, 20, 1, 20, 3, 4, 90]
    guest = Guest(rounds=99, says=lambda number: proposed(100 + spoken[number]))
    run = solve(alone(), Budget(100, stale_epochs=3), 1, 1, external=guest)
    assert (run[-1].epoch, run[-1].stop_reason) == (6, "no improvement in 3 epochs")
    assert run[-1].best is not None
    assert run[-1].best.score == 120
    assert run[-1].evaluated == 5


@pytest.mark.parametrize("stale", [1, 2, 5])
def test_alone_epochs_in_which_it_says_nothing_are_epochs_without_improvement(stale: int) -> None:
    guest = Guest(rounds=99)
    run = solve(alone(), Budget(100, stale_epochs=stale), 1, 2, external=guest)
    assert (run[-1].epoch, run[-1].evaluated) == (stale, 0)
    assert run[-1].stop_reason == f"no improvement in {stale} epochs"
    seeded = solve(alone(), Budget(100, stale), 1, 2, [worth(50)], external=Guest(rounds=99))
    assert (seeded[-1].epoch, seeded[-1].evaluated) == (stale, 1)


def test_alone_it_ends_when_there_is_nothing_more_to_hear() -> None:
    guest = Guest(rounds=3, says=lambda number: proposed(60 + number))
    run = solve(alone(), Budget(100), 1, 1, external=guest)
    assert (run[-1].epoch, run[-1].evaluated) == (3, 3)
    assert run[-1].stop_reason == "the models will propose nothing more"
    nobody = solve(alone(), Budget(100), 1, 1, [worth(50)])
    assert [(each.epoch, each.stop_reason) for each in nobody] == [
        (0, "the models will propose nothing more")
    ]


def test_an_adviser_that_is_never_heard_changes_nothing() -> None:
    for islands in (1, 3):
        silent, without = bred(Guest(), 400, islands), bred(None, 400, islands)
        assert hashes(silent) == hashes(without)
        assert [each.stats for each in silent] == [each.stats for each in without]
        assert [each.evaluated for each in silent] == [each.evaluated for each in without]


def test_heard_between_epochs_an_adviser_that_says_nothing_changes_nothing() -> None:
    assert hashes(bred(Guest([60, 120, 240]))) == hashes(bred(None))


def test_what_is_bred_depends_on_when_it_was_to_be_heard_and_on_nothing_else() -> None:
    counts = [35, 77, 200, 201]
    noted = ProposalBatch((), {GUEST: ProposerStats(proposed=9, valid=2)})
    run, again = (
        bred(Guest(counts), islands=2),
        bred(Guest(counts, lambda number: noted), islands=2),
    )
    assert hashes(run) == hashes(again)
    assert len(hashes(run)) == len(set(hashes(run))) == 300
    assert again[-1].stats[GUEST] == ProposerStats(proposed=36, valid=8)
    other = bred(Guest([35, 78, 200, 201]), islands=2)
    assert hashes(run) != hashes(other)
    assert hashes(run)[:35] == hashes(other)[:35]


def test_what_is_heard_is_bred_on() -> None:
    best = check("strategy s { buy when rsi(close, 77) < 50.7 or rsi(close, 90) < 60 }")
    guest = Guest([35], lambda number: ProposalBatch((Proposal(best, GUEST),)))
    children = [
        trial for each in bred(guest) for trial in each.trials if best.hash in trial.parents
    ]
    assert children
    assert all(each.epoch > 1 and each.proposer != GUEST for each in children)
