"""Hall of fame: the best feasible individuals of each size class, with distinct scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.search.hall_of_fame import (
    MAX_MEMBERS_PER_CLASS,
    MAX_NODES_BY_SIZE_CLASS,
    HallOfFame,
    find_size_class,
)
from evolve.search.individual import Individual
from evolve.search.options import DEFAULT_OPTIONS
from evolve.search.progress import Budget
from tests.search.toy import ToyScores, solve, toy_problem

WEIGHTS = (1.0, -1.0)


@cache
def program_of(conditions: int) -> Program:
    """Return a program with 3 nodes, and 4 more for each further condition."""
    rule = " and ".join(["close > open", *["close > open"] * (conditions - 1)])
    return check(f"strategy s {{ buy when {rule} }}")


def one(
    score: float, conditions: int = 1, is_feasible: bool = True, exposure: float = 0.5
) -> Individual:
    program = program_of(conditions)
    values = (score, float(program.nodes))
    scores = ToyScores(values, is_feasible, exposure=exposure, holding=20 * exposure)
    return Individual.create(program, scores, WEIGHTS, "random", (), 0, 1)


INDIVIDUALS = st.lists(
    st.builds(
        one, st.integers(0, 80).map(float), st.integers(1, 7), st.booleans(),
        st.sampled_from((0.1, 0.5, 0.9)),
    ),
    max_size=600,
)  # fmt: skip


@given(INDIVIDUALS)
def test_members_are_the_best_feasible_ones_of_each_class(trials: Sequence[Individual]) -> None:
    members = HallOfFame().add(trials).members
    for size_class in range(len(MAX_NODES_BY_SIZE_CLASS) + 1):
        of_class = [each for each in trials if find_size_class(each) == size_class]
        distinct = sorted({each.score for each in of_class if each.scores.is_feasible})
        found = dict.fromkeys(each.score for each in members if find_size_class(each) == size_class)
        assert list(found)[:MAX_MEMBERS_PER_CLASS] == distinct[::-1][:MAX_MEMBERS_PER_CLASS]


@given(INDIVIDUALS)
def test_members_include_the_best_feasible_ones_of_each_niche(trials: Sequence[Individual]) -> None:
    members = HallOfFame().add(trials).members
    niches = {each.niche for each in trials}
    for niche in niches:
        distinct = sorted(
            {each.score for each in trials if each.scores.is_feasible and each.niche == niche}
        )
        found = {each.score for each in members if each.niche == niche}
        assert set(distinct[-DEFAULT_OPTIONS.niche_members :]) <= found
    of_classes = MAX_MEMBERS_PER_CLASS * (len(MAX_NODES_BY_SIZE_CLASS) + 1)
    assert len(members) <= of_classes + DEFAULT_OPTIONS.niche_members * len(niches)


@given(INDIVIDUALS)
def test_the_first_member_is_the_best(trials: Sequence[Individual]) -> None:
    hall_of_fame = HallOfFame().add(trials)
    feasible = [each.fitness.wvalues for each in trials if each.scores.is_feasible]
    best = hall_of_fame.best
    assert (best.fitness.wvalues if best else None) == max(feasible, default=None)
    ranks = [each.fitness.wvalues for each in hall_of_fame.members]
    assert ranks == sorted(ranks, reverse=True)


@given(INDIVIDUALS, st.integers(0, 600))
def test_members_do_not_depend_on_the_batches(trials: Sequence[Individual], cut: int) -> None:
    once = HallOfFame().add(trials)
    twice = HallOfFame().add(trials[:cut]).add(trials[cut:])
    assert list(map(id, once.members)) == list(map(id, twice.members))


def test_an_earlier_individual_wins_a_tie_of_all_objectives() -> None:
    first, second = one(1.0), one(1.0)
    assert HallOfFame().add([first, second]).best is first
    assert HallOfFame().add([first]).add([second]).best is first


def test_of_equal_scores_in_a_class_the_smaller_is_a_member() -> None:
    large, small = one(1.0, 2), one(1.0, 1)
    assert find_size_class(large) == find_size_class(small)
    assert HallOfFame().add([large]).add([small]).members == (small,)


def test_a_class_has_a_maximum_and_drops_its_worst() -> None:
    trials = [one(float(score)) for score in range(MAX_MEMBERS_PER_CLASS + 5)]
    members = HallOfFame().add([*trials, one(-1.0, 7)]).members
    assert [each.score for each in members] == [
        *[float(score) for score in range(MAX_MEMBERS_PER_CLASS + 4, 4, -1)], -1.0,
    ]  # fmt: skip


def test_every_size_has_a_class_and_larger_programs_never_a_smaller_one() -> None:
    sizes = [program_of(conditions) for conditions in range(1, 9)]
    classes = [find_size_class(one(0.0, each)) for each in range(1, 9)]
    assert classes == sorted(classes)
    for size_class, group in groupby(zip(classes, sizes, strict=True), key=lambda each: each[0]):
        nodes = [program.nodes for _, program in group]
        if size_class < len(MAX_NODES_BY_SIZE_CLASS):
            assert max(nodes) <= MAX_NODES_BY_SIZE_CLASS[size_class]
        if size_class > 0:
            assert min(nodes) > MAX_NODES_BY_SIZE_CLASS[size_class - 1]


def test_the_best_of_a_class_remains_after_it_leaves_every_population() -> None:
    run = solve(toy_problem(), Budget(1500), seed=1, islands=2)
    trials = [trial for each in run for trial in each.trials]
    last = run[-1]
    assert last.best is last.hall_of_fame[0]
    populations = {each.program.key for island in last.islands for each in island.population}
    absent = 0
    for size_class in {find_size_class(each) for each in trials}:
        best = max(each.score for each in trials if find_size_class(each) == size_class)
        member = next(each for each in last.hall_of_fame if find_size_class(each) == size_class)
        assert member.score == best
        absent += member.program.key not in populations
    assert absent
