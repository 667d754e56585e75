"""Checkpoints: a search that goes on from one equals a search that was never interrupted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from dsl.analysis.check import check
from dsl.printing.decompile import compact_text
from evolve.search.checkpoint import Checkpoint, describe_state
from evolve.search.external import Proposal, ProposalBatch
from evolve.search.history import SearchHistory
from evolve.search.individual import Individual
from evolve.search.progress import Budget, Progress
from evolve.search.search import search
from evolve.search.trial_index import TrialIndex
from tests.search.test_external import ScriptedProposer
from tests.search.toy import solve, toy_problem


class Rows:
    """Trials as a journal has them: programs as text."""

    def __init__(self) -> None:
        self.trials: list[Individual] = []

    def add(self, trials: Collection[Individual]) -> None:
        for each in trials:
            program = check(compact_text(each.program))
            self.trials.append(replace(each, program=program))

    def build_index(self, count: int) -> TrialIndex:
        index = TrialIndex()
        index.add_new(self.trials[:count])
        return index

    def read(self, numbers: Collection[int]) -> Mapping[int, Individual]:
        return {number: self.trials[number - 1] for number in numbers}


def describe(progress: Progress) -> str:
    """Describe a state and its trials completely, with the forms of programs, without times."""
    state = describe_state(progress)
    trials = [
        (compact_text(e.program), e.scores.values, e.proposer, e.parents, e.island, e.epoch)
        for e in progress.trials
    ]
    fame = [compact_text(each.program) for each in progress.hall_of_fame]
    everyone = [compact_text(one.program) for each in progress.islands for one in each.population]
    return json.dumps([progress.epoch, progress.stop_reason, state, trials, fame, everyone])


def propose(number: int) -> ProposalBatch:
    orders = f"buy when close > {number}.5 sell when rsi(14) > 70"
    program = check(f'strategy s {{ about "number {number}" {orders} }}')
    return ProposalBatch((Proposal(program, "external"),))


@pytest.mark.parametrize("islands", [1, 3])
@pytest.mark.parametrize("is_divided", [False, True])
def test_a_search_goes_on_from_each_checkpoint_as_if_it_were_never_interrupted(
    islands: int, is_divided: bool
) -> None:
    problem = replace(
        toy_problem(), islands=islands, seed=5,
        start_from=(check("strategy a { buy when close > 3 }"),),
    )  # fmt: skip

    def open_proposer() -> ScriptedProposer | None:
        return ScriptedProposer(list(range(30, 800, 70)), propose) if is_divided else None

    rows, histories, whole = Rows(), list[str](), list[Progress]()
    documents, history = list[str](), SearchHistory()
    for progress in search(problem, Budget(800), external=open_proposer()):
        rows.add(progress.trials)
        history.add(progress.trials)
        saved = {**describe_state(progress), "history": history.save(progress.index)}
        documents.append(json.dumps(saved))
        histories.append(json.dumps(saved["history"]))
        whole.append(progress)
    expected = [describe(each) for each in whole]
    if is_divided:
        assert any(each.interval is not None for each in whole)
    for start, text in list(enumerate(documents))[::3]:
        saved = json.loads(text)
        index = rows.build_index(whole[start].evaluated)
        point = Checkpoint(whole[start].epoch, saved, index, rows.read)
        history = SearchHistory.restore(point)
        resumed = search(problem, Budget(800), external=open_proposer(), resume_from=point)
        for number, progress in enumerate(resumed, start):
            if number == start:
                assert not progress.trials
                assert describe(replace(progress, trials=whole[start].trials)) == expected[start]
                continue
            history.add(progress.trials)
            assert describe(progress) == expected[number]
            assert json.dumps(history.save(progress.index)) == histories[number]
        assert progress.stop_reason


def test_a_search_that_had_no_external_proposer_can_go_on_with_one() -> None:
    rows, first = Rows(), next(search(toy_problem(), Budget(200)))
    rows.add(first.trials)
    saved = json.loads(json.dumps(describe_state(first)))
    point = Checkpoint(first.epoch, saved, rows.build_index(first.evaluated), rows.read)
    external = ScriptedProposer([30, 100], propose)
    *_, last = search(toy_problem(), Budget(200), external=external, resume_from=point)
    assert "external" in last.stats


def test_a_form_that_no_row_has_is_in_the_checkpoint() -> None:
    """Two islands may write one program in two forms, and only the first one is a trial."""
    described = (
        (each, island, one)
        for seed in range(20)
        for each in solve(toy_problem(population=60), Budget(3000), seed=seed, islands=4)
        for island, state in zip(each.islands, describe_state(each)["islands"], strict=True)
        for one in zip(island.population, state["population"], strict=True)
    )
    progress, _, (individual, found) = next(
        each for each in described if not isinstance(each[-1][-1], int)
    )
    assert check(found["source"]) == individual.program
    assert progress.index.keys[found["trial"] - 1] == individual.program.key
    assert (found["proposer"], found["island"]) == (individual.proposer, individual.island)


def test_a_budget_of_minutes_counts_those_before_the_checkpoint() -> None:
    problem, times = toy_problem(), iter(range(0, 10_000, 10))
    first = next(iter(search(problem, Budget(10_000))))
    point = Checkpoint(0, describe_state(first), TrialIndex(), Rows().read, seconds=50.0)
    budget, clock = Budget(10_000, minutes=1.5), lambda: float(next(times))
    resumed = list(search(problem, budget, clock=clock, resume_from=point))
    assert resumed[-1].stop_reason == f"budget of 1.5 minutes spent at epoch {resumed[-1].epoch}"
    assert resumed[-1].epoch == 3
