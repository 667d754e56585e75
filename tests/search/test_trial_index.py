"""Index of the trials of a search: numbers, origins and lineage."""

from __future__ import annotations

from functools import cache

import pytest

from evolve.search import trial_index
from evolve.search.individual import SEED, Individual
from evolve.search.progress import Budget, Progress
from evolve.search.trial_index import TrialIndex
from tests.search.toy import solve, toy_problem


@cache
def finished() -> tuple[Progress, dict[str, Individual]]:
    progress = solve(toy_problem(), Budget(600), islands=3)
    return progress[-1], {each.program.hash: each for one in progress for each in one.trials}


def test_numbers_are_those_of_the_trials_in_order() -> None:
    last, trials = finished()
    assert [bytes.fromhex(each) for each in trials] == last.index.keys
    assert [last.index.find_number(each) for each in last.index.keys] == [*range(1, 601)]
    assert len(last.index) == len(last.index.seen) == 600


def test_the_proposers_are_those_of_all_ancestors() -> None:
    last, trials = finished()

    def collect(each: Individual) -> set[str]:
        found, waiting, done = {each.proposer}, list(each.parents), set[str]()
        while waiting:
            name = waiting.pop()
            if name not in done:
                done.add(name)
                found.add(trials[name].proposer)
                waiting.extend(trials[name].parents)
        return found

    assert any(len(collect(each)) > 2 for each in trials.values())
    for each in list(trials.values())[::7]:
        assert last.index.list_proposers(each) == sorted(collect(each))


def test_a_trace_follows_the_last_parent() -> None:
    last, trials = finished()
    longest = 0
    for each in trials.values():
        expected, current = [each.proposer], each
        while current.parents and len(expected) < 4:
            current = trials[current.parents[-1]]
            expected.append(current.proposer)
        assert last.index.trace(each, 4) == tuple(expected)
        longest = max(longest, len(expected))
    assert longest == 4


def test_a_parent_that_is_no_trial_ends_a_trace() -> None:
    index, (_, trials) = TrialIndex(), finished()
    child = next(each for each in trials.values() if each.parents)
    assert index.add_new([child, child]) == [child]
    assert index.trace(child, 9) == (child.proposer, SEED)
    assert index.list_proposers(child) == [child.proposer]


def test_a_program_that_two_islands_propose_has_the_origin_of_the_first() -> None:
    last, trials = finished()
    populations = [(each.index, one) for each in last.islands for one in each.population]
    assert all(last.index.has_origin(each) for each in trials.values())
    assert all(
        last.index.has_origin(each) == (each.island == trials[each.program.hash].island)
        for _, each in populations
    )


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_a_restored_index_equals_that_of_the_search(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_index, "BATCH", batch)
    last, trials = finished()
    rows = [
        (digest, each.proposer, " ".join(each.parents), each.island, each.epoch)
        for digest, each in trials.items()
    ]
    assert vars(TrialIndex.restore(iter(rows))) == vars(last.index)
    assert vars(TrialIndex.restore(iter(rows[:50]))) != vars(last.index)
    assert vars(TrialIndex.restore(iter([]))) == vars(TrialIndex())
