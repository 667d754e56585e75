"""Tasks and results of epochs as text."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dsl.analysis.program import Program
from dsl.analysis.text_program import TextProgram
from evolve.cluster.wire import decode_result, decode_task, encode_result, encode_task
from evolve.fitness.fitness import Scores
from evolve.search.epoch import run_epoch
from evolve.search.individual import SEED, Fitness, Individual
from evolve.search.island import EpochResult, EpochTask, Island, new_island
from evolve.search.problem import SearchProblem
from tests.cluster.toy_problem import build_inputs, describe_island, describe_result, open_toy


def iterate_tasks(problem: SearchProblem, count: int) -> Iterator[tuple[EpochTask, EpochResult]]:
    """Yield random tasks with their results; each of a population that evolved."""
    draw = random.Random(5)
    for number in range(count):
        if number % 10 == 0:
            island = replace(new_island(number % 3, number), population=evaluate_start(problem))
            seen: set[bytes] = set()
        unknown = frozenset(draw.sample(sorted(seen), len(seen) // 4))
        generations = draw.randint(1, 3)
        shares = {name: draw.uniform(0.1, 4.0) for name in problem.proposers}
        task = EpochTask(island, shares, draw.randint(1, 40), number, generations, unknown)
        result = run_epoch(task, problem, seen - unknown)
        yield task, result
        island = result.island
        seen |= {each.program.key for each in result.trials}


def evaluate_start(problem: SearchProblem) -> tuple[Individual, ...]:
    scores = problem.evaluate(problem.start_from)
    return tuple(
        Individual(each, score, Fitness(problem.weights, score.values), SEED, (), 0, 0)
        for each, score in zip(problem.start_from, scores, strict=True)
    )


def describe_task(task: EpochTask) -> tuple[object, ...]:
    return (describe_island(task.island), dict(task.shares), *task[2:])


def check_round_trips(count: int) -> None:
    problem = open_toy(build_inputs(population=12))
    for task, result in iterate_tasks(problem, count):
        decoded = decode_task(encode_task(task), problem.weights, {})
        assert describe_task(decoded) == describe_task(task)
        repeated = run_epoch(decoded, problem, seen_of(task, result))
        text = encode_result(repeated, decoded)
        assert describe_result(decode_result(text, problem.weights, task)) == describe_result(
            run_epoch(task, problem, seen_of(task, result))
        )


def seen_of(task: EpochTask, result: EpochResult) -> set[bytes]:
    """Return keys that an epoch must not propose: some of those that it did without them."""
    return {each.program.key for each in result.trials[::3]} | set(task.unknown)


def test_tasks_and_results_are_equal_after_the_wire() -> None:
    check_round_trips(20)


@pytest.mark.slow
def test_a_thousand_tasks_and_results_are_equal_after_the_wire() -> None:
    check_round_trips(1000)


def test_a_wire_has_the_texts_of_programs_and_plain_values_only() -> None:
    problem = open_toy(build_inputs(population=12))
    task, result = list(iterate_tasks(problem, 3))[-1]
    for text in (encode_task(task), encode_result(result, task)):
        assert "\n" not in text
        assert json.loads(text)
    assert "define rise" in encode_task(next(iterate_tasks(problem, 1))[0])


def test_the_survivors_of_a_result_are_the_individuals_of_its_task() -> None:
    problem = open_toy(build_inputs(population=12))
    for task, result in iterate_tasks(problem, 6):
        decoded = decode_result(encode_result(result, task), problem.weights, task)
        before = {id(each) for each in task.island.population}
        survivors = [id(each) for each in decoded.island.population if id(each) in before]
        expected = [id(each) for each in result.island.population if id(each) in before]
        assert survivors == expected
        trials = {id(each) for each in decoded.trials}
        assert all(id(each) in before | trials for each in decoded.island.population)


@pytest.mark.parametrize("value", [-0.0, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -1 / 3])
def test_a_score_keeps_each_bit(value: float) -> None:
    problem = open_toy(build_inputs())
    scores = Scores((value, 3.0), (value,), 7, "ruined")
    individual = Individual(
        problem.start_from[0], scores, Fitness((1.0, -1.0), scores.values), "llm a·b", ("ab",), 1, 2
    )
    task = EpochTask(Island(0, (individual,), new_island(0, 1).rng_state), {}, 5, 1, 1)
    back = decode_task(encode_task(task), (1.0, -1.0), {}).island.population[0]
    assert repr(back.scores) == repr(scores)
    assert (back.proposer, back.parents, back.island, back.epoch) == ("llm a·b", ("ab",), 1, 2)


def test_a_population_is_parsed_only_where_it_is_not_known() -> None:
    problem = open_toy(build_inputs(population=12))
    task, result = list(iterate_tasks(problem, 3))[-1]
    text = encode_task(task._replace(island=result.island))
    unknown = decode_task(text, problem.weights, {}).island.population
    assert all(isinstance(each.program, TextProgram) for each in unknown)
    assert not any("rules" in vars(each.program) for each in unknown)
    known: dict[str, Program] = {
        each.program.text: each.program for each in unknown if isinstance(each.program, TextProgram)
    }
    again = decode_task(text, problem.weights, known).island.population
    assert [id(each.program) for each in again] == [id(each.program) for each in unknown]
