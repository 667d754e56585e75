"""Tasks and results of epochs as text: programs are lines of the language, numbers are exact.

A worker that ran the last epoch of an island has the parsed programs of its population. For
another, they are parsed when the search reads their rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from dsl.analysis.program import Program
from dsl.analysis.text_program import TextProgram
from dsl.printing.decompile import compact_text
from evolve.fitness.fitness import Scores
from evolve.search.individual import Fitness, Individual
from evolve.search.island import EpochResult, EpochTask, Island
from evolve.search.proposer_stats import ProposerStats
from evolve.search.random_state import decode_random_state, encode_random_state


def encode_task(task: EpochTask) -> str:
    """Encode the task of an epoch as one line of JSON."""
    island = task.island
    return _dump(
        [
            island.index,
            [_encode_individual(each) for each in island.population],
            encode_random_state(island.rng_state),
            dict(task.shares),
            task.max_evaluations,
            task.epoch,
            task.generations,
            sorted(key.hex() for key in task.unknown),
        ]
    )


def decode_task(text: str, weights: Sequence[float], programs: Mapping[str, Program]) -> EpochTask:
    """Decode the task of an epoch.

    Args:
        text: the task as `encode_task` returned it.
        weights: of the objectives.
        programs: parsed programs by their text; those that it lacks are parsed when needed.
    """
    index, rows, random, shares, max_evaluations, epoch, generations, unknown = json.loads(text)
    population = tuple(_decode_individual(row, weights, programs) for row in rows)
    return EpochTask(
        Island(index, population, decode_random_state(random)),
        shares,
        max_evaluations,
        epoch,
        generations,
        frozenset(map(bytes.fromhex, unknown)),
    )


def encode_result(result: EpochResult, task: EpochTask) -> str:
    """Encode the result of an epoch as one line of JSON.

    Args:
        result: the result.
        task: its task, as the worker decoded it. The individuals that survived are not sent back.
    """
    places = {id(each): -place for place, each in enumerate(task.island.population, 1)}
    places.update({id(each): place for place, each in enumerate(result.trials)})
    return _dump(
        [
            [_encode_individual(each) for each in result.trials],
            [places[id(each)] for each in result.island.population],
            encode_random_state(result.island.rng_state),
            _encode_stats(result.stats),
            dict(result.seconds),
        ]
    )


def decode_result(text: str, weights: Sequence[float], task: EpochTask) -> EpochResult:
    """Decode the result of an epoch.

    Args:
        text: the result as `encode_result` returned it.
        weights: of the objectives.
        task: its task, as it was encoded; its individuals are those of the result.
    """
    rows, places, random, stats, seconds = json.loads(text)
    trials = tuple(_decode_individual(row, weights, {}) for row in rows)
    before = task.island.population
    population = tuple(trials[each] if each >= 0 else before[-each - 1] for each in places)
    island = Island(task.island.index, population, decode_random_state(random))
    return EpochResult(island, trials, _decode_stats(stats), seconds)


def _encode_individual(each: Individual) -> list[Any]:
    program, scores = each.program, each.scores
    return [
        compact_text(program), program.hash, program.nodes, program.name,
        scores.values, scores.folds, scores.trades, scores.infeasible_reason,
        each.proposer, each.parents, each.island, each.epoch, each.niche,
    ]  # fmt: skip


def _decode_individual(
    row: Sequence[Any], weights: Sequence[float], programs: Mapping[str, Program]
) -> Individual:
    text, key, nodes, name, values, folds, trades, reason, *origin, niche = row
    proposer, parents, island, epoch = origin
    program = programs.get(text) or TextProgram(text, bytes.fromhex(key), nodes, name)
    scores = Scores(tuple(values), tuple(folds), trades, reason)
    fitness = Fitness(weights, scores.values)
    return Individual(
        program, scores, fitness, proposer, tuple(parents), island, epoch, tuple(niche)
    )


def _encode_stats(stats: Mapping[str, ProposerStats]) -> dict[str, Any]:
    return {name: astuple(each) for name, each in stats.items()}


def _decode_stats(encoded: Mapping[str, Sequence[Any]]) -> dict[str, ProposerStats]:
    return {name: ProposerStats(*each) for name, each in encoded.items()}


def _dump(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
