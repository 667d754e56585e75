"""Epoch on one island: a pure function of the island's state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import accumulate
from time import perf_counter
from typing import Any, NamedTuple

from deap import base, tools

from dsl.analysis.program import Program, Rules
from dsl.syntax.expressions import MAX_DEPTH
from dsl.syntax.vocabulary import DIRECTION_ORDERS
from dsl.terms.canonical import MeaningError
from evolve.search.individual import Fitness, Individual
from evolve.search.problem import SearchProblem
from evolve.search.proposer_stats import ProposerStats, compute_shares
from evolve.search.proposers import PROPOSERS
from evolve.search.space import Space

TOURNAMENT_SIZE = 3
MAX_TRIES_PER_CHILD = 20


@dataclass(frozen=True)
class Island:
    """Population and the state of its random generator.

    Attributes:
        index: index of the island in the ring.
        population: the individuals, the best first after an epoch.
        rng_state: as `random.Random.getstate` returns it.
    """

    index: int
    population: tuple[Individual, ...]
    rng_state: tuple[Any, ...]


class EpochTask(NamedTuple):
    """Input of an epoch on one island.

    Attributes:
        island: the island before the epoch.
        stats: counts by proposer at the last migration.
        max_evaluations: number of evaluations that this island may use.
        epoch: number of the epoch.
        generations: number of generations.
        unknown: keys among the seen ones that this island may propose again.
    """

    island: Island
    stats: Mapping[str, ProposerStats]
    max_evaluations: int
    epoch: int
    generations: int
    unknown: frozenset[bytes] = frozenset()


@dataclass(frozen=True)
class EpochResult:
    """Output of an epoch on one island.

    Attributes:
        island: the island after the epoch.
        trials: all evaluated individuals, in order.
        stats: counts by proposer in this epoch.
        seconds: time by proposer, for reports only: two equal epochs differ in it.
    """

    island: Island
    trials: tuple[Individual, ...]
    stats: Mapping[str, ProposerStats]
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)


def run_epoch(task: EpochTask, problem: SearchProblem, seen: Set[bytes]) -> EpochResult:
    """Run the generations of one epoch.

    Args:
        task: the island, the statistics and the budget.
        problem: the constants of the search.
        seen: keys of programs evaluated before the epoch, which are not evaluated again.
    """
    return _EpochRun(task, problem, seen).run()


def new_island(index: int, seed: int) -> Island:
    """Return an empty island whose random generator depends on its index."""
    return Island(index, (), random.Random(f"{seed}/{index}").getstate())


def accept_migrants(island: Island, migrants: Sequence[Individual], size: int) -> Island:
    """Return the island with new individuals added.

    Args:
        island: the island.
        migrants: the individuals; those that the population has are ignored.
        size: size of the population, beyond which the worst are dropped.
    """
    present = {each.program.key for each in island.population}
    new = [each for each in migrants if each.program.key not in present]
    merged = sorted([*island.population, *new], key=lambda each: each.fitness.wvalues, reverse=True)
    return replace(island, population=tuple(merged[:size]))


def fits_space(rules: Rules, space: Space) -> bool:
    """Return whether rules enter a position, in allowed directions, within the limits of size.

    The parser reads no deeper nesting than `MAX_DEPTH`, and a run that goes on reads its programs.
    """
    entered = {
        name for name, side in DIRECTION_ORDERS.items() if getattr(rules, side.entry) is not None
    }
    return (
        bool(entered)
        and entered.issubset(space.directions)
        and rules.nodes <= space.max_nodes
        and max(term.depth for term in rules if term is not None) <= MAX_DEPTH
    )


def build_toolbox(problem: SearchProblem) -> base.Toolbox:
    """Build a DEAP toolbox with the proposers, parent selection and survivor selection."""
    box = base.Toolbox()
    for name, proposer in PROPOSERS.items():
        box.register(name, proposer.propose, space=problem.space)
    box.register("select", select_parents, size=TOURNAMENT_SIZE)
    if len(problem.weights) > 1:
        box.register("survive", tools.selNSGA2, nd="log")
    else:
        box.register("survive", tools.selBest)  # NSGA-II needs two objectives or more
    return box


def select_parents(
    ranked: Sequence[Individual], count: int, rng: random.Random, size: int
) -> list[Individual]:
    """Select parents by tournament.

    Args:
        ranked: the population, the best first.
        count: number of parents.
        rng: the random generator.
        size: number of draws of a tournament.
    """
    last = len(ranked)
    return [ranked[int(min([rng.random() for _ in range(size)]) * last)] for _ in range(count)]


class _EpochRun:
    """Working state of one epoch."""

    def __init__(self, task: EpochTask, problem: SearchProblem, seen: Set[bytes]) -> None:
        self.task, self.problem, self.seen = task, problem, seen
        self.rng = random.Random()
        self.rng.setstate(task.island.rng_state)
        self.toolbox = build_toolbox(problem)
        self.population = sorted(
            task.island.population, key=lambda each: each.fitness.wvalues, reverse=True
        )
        self.proposed: set[bytes] = set()  # keys
        self.trials: list[Individual] = []
        self.counts = {name: ProposerStats().as_counts() for name in PROPOSERS}
        self.seconds = dict.fromkeys(PROPOSERS, 0.0)
        self.shares = compute_shares(problem.proposers, task.stats)

    def run(self) -> EpochResult:
        for _ in range(self.task.generations):
            size = min(self.problem.population, self.task.max_evaluations - len(self.trials))
            if size <= 0:
                break
            self._run_generation(size)
        state = self.rng.getstate()
        island = Island(self.task.island.index, tuple(self.population), state)
        stats = {
            name: ProposerStats.from_counts(counts)
            for name, counts in self.counts.items()
            if any(counts.values())
        }
        seconds = {name: spent for name, spent in self.seconds.items() if spent > 0}
        return EpochResult(island, tuple(self.trials), stats, seconds)

    def _run_generation(self, size: int) -> None:
        offspring = list(self._propose(size))
        started = perf_counter()
        scores = self.problem.evaluate([program for program, _, _ in offspring])
        share = (perf_counter() - started) / max(len(offspring), 1)
        children = [
            Individual(
                program, score, Fitness(self.problem.weights, score.values), name,
                tuple(parent.program.hash for parent in parents), self.task.island.index,
                self.task.epoch,
            )
            for (program, name, parents), score in zip(offspring, scores, strict=True)
        ]  # fmt: skip
        self.trials.extend(children)
        feasible = [each for each in children if each.scores.is_feasible]
        self.population = self.toolbox.survive(
            self.population + feasible,
            min(self.problem.population, len(self.population) + len(feasible)),
        )
        self.population.sort(key=lambda each: each.fitness.wvalues, reverse=True)
        survivors = set(map(id, self.population))
        for each, (_, name, parents) in zip(children, offspring, strict=True):
            counts = self.counts[name]
            self.seconds[name] += share
            counts["evaluated"] += 1
            counts["accepted"] += id(each) in survivors
            best = max([parent.score for parent in parents], default=each.score)
            if each.scores.is_feasible and each.score > best:
                counts["improved"] += 1
                counts["gain"] = round(counts["gain"] + each.score - best, 12)

    def _propose(self, size: int) -> Iterator[tuple[Program, str, list[Individual]]]:
        """Yield new programs, each with its proposer and parents."""
        names, weights = list(self.shares), list(accumulate(self.shares.values()))
        count = 0
        for _ in range(size * MAX_TRIES_PER_CHILD):
            if count == size:
                return
            started = perf_counter()
            name = self.rng.choices(names, cum_weights=weights)[0]
            proposer = PROPOSERS[name]
            if len(self.population) < max(2, proposer.parents):
                proposer = PROPOSERS["random"]
            parents = self.toolbox.select(self.population, proposer.parents, rng=self.rng)
            rules = getattr(self.toolbox, proposer.name)(
                [each.program.rules for each in parents], rng=self.rng
            )
            program = self._admit(rules, proposer.name)
            self.seconds[proposer.name] += perf_counter() - started
            if program is not None:
                count += 1
                yield program, proposer.name, parents

    def _admit(self, rules: Rules | None, name: str) -> Program | None:
        """Return the program of rules if it fits the space and is new, else None."""
        if rules is None:
            return None
        counts = self.counts[name]
        counts["proposed"] += 1
        if not fits_space(rules, self.problem.space):
            return None
        program = Program("evolved", rules)
        try:
            key = program.key
        except MeaningError:
            return None
        counts["valid"] += 1
        is_known = key in self.seen and key not in self.task.unknown
        if is_known or key in self.proposed:
            counts["duplicate"] += 1
            return None
        self.proposed.add(key)
        return program
