"""An epoch on one island: a pure function of the state it is given."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from deap import base, tools

from dsl.analysis.program import Program, Rules
from dsl.terms.canonical import MeaningError
from evolve.search.credit import Credit, shares
from evolve.search.individual import Evaluate, Fitness, Individual
from evolve.search.proposers import PROPOSERS
from evolve.search.space import Space

TOURNAMENT = 3
TRIES_PER_CHILD = 20


@dataclass(frozen=True)
class Breeding:
    """What does not change during a search.

    Attributes:
        space: what may be written.
        evaluate: programs -> scores.
        weights: of the objectives, as DEAP counts.
        population: size of an island.
        generations: in an epoch.
        proposers: weights by name.
    """

    space: Space
    evaluate: Evaluate
    weights: tuple[float, ...]
    population: int
    generations: int
    proposers: Mapping[str, float]


@dataclass(frozen=True)
class Island:
    """A population and the state of its generator."""

    index: int
    population: tuple[Individual, ...]
    state: tuple[Any, ...]


@dataclass(frozen=True)
class Epoch:
    """What an epoch brought.

    Attributes:
        island: its next state.
        trials: every program evaluated, in order.
        ledger: counts by proposer.
    """

    island: Island
    trials: tuple[Individual, ...]
    ledger: Mapping[str, Credit]


def toolbox(breeding: Breeding) -> base.Toolbox:
    """The proposers and DEAP's selection, by name, in a DEAP toolbox."""
    box = base.Toolbox()
    for name, proposer in PROPOSERS.items():
        box.register(name, proposer.propose, space=breeding.space)
    box.register("select", select_parents, size=TOURNAMENT)
    if len(breeding.weights) > 1:
        box.register("survive", tools.selNSGA2, nd="log")
    else:
        box.register("survive", tools.selBest)  # NSGA-II sorts by two objectives or more
    return box


def select_parents(
    ranked: Sequence[Individual], count: int, rng: random.Random, size: int
) -> list[Individual]:
    """Tournaments: the best of `size` drawn, from a population ranked best first."""
    last = len(ranked)
    return [ranked[int(min([rng.random() for _ in range(size)]) * last)] for _ in range(count)]


def run_epoch(
    island: Island, breeding: Breeding, ledger: Mapping[str, Credit], seen: Set[bytes],
    quota: int, number: int,
) -> Epoch:  # fmt: skip
    """Breed some generations.

    Args:
        island: the population and generator to start from.
        breeding: what does not change.
        ledger: credit as of the boundary.
        seen: keys of programs evaluated before the boundary; they are not evaluated again.
        quota: how many programs may be evaluated.
        number: of the epoch.
    """
    rng = random.Random()
    rng.setstate(island.state)
    return _Breeder(island, breeding, ledger, seen, number, rng).run(quota)


class _Breeder:
    """The working state of one epoch."""

    def __init__(
        self, island: Island, breeding: Breeding, ledger: Mapping[str, Credit], seen: Set[bytes],
        number: int, rng: random.Random,
    ) -> None:  # fmt: skip
        self.breeding, self.seen, self.rng, self.number = breeding, seen, rng, number
        self.island = island
        self.box = toolbox(breeding)
        self.population = sorted(
            island.population, key=lambda each: each.fitness.wvalues, reverse=True
        )
        self.known: set[bytes] = set()
        self.trials: list[Individual] = []
        self.counts = {name: Credit().counts() for name in PROPOSERS}
        self.shares = shares(breeding.proposers, ledger)

    def run(self, quota: int) -> Epoch:
        for _ in range(self.breeding.generations):
            size = min(self.breeding.population, quota - len(self.trials))
            if size <= 0:
                break
            self._generation(size)
        state = self.rng.getstate()
        island = Island(self.island.index, tuple(self.population), state)
        ledger = {
            name: Credit.of(counts) for name, counts in self.counts.items() if any(counts.values())
        }
        return Epoch(island, tuple(self.trials), ledger)

    def _generation(self, size: int) -> None:
        offspring = list(self._propose(size))
        scored = self.breeding.evaluate([program for program, _, _ in offspring])
        born = [
            Individual(
                program, scores, Fitness(self.breeding.weights, scores.values), name,
                tuple(parent.program.hash for parent in parents), self.island.index, self.number,
            )
            for (program, name, parents), scores in zip(offspring, scored, strict=True)
        ]  # fmt: skip
        self.trials.extend(born)
        feasible = [each for each in born if each.scores.is_feasible]
        self.population = self.box.survive(
            self.population + feasible,
            min(self.breeding.population, len(self.population) + len(feasible)),
        )
        self.population.sort(key=lambda each: each.fitness.wvalues, reverse=True)
        staying = set(map(id, self.population))
        for each, (_, name, parents) in zip(born, offspring, strict=True):
            counts = self.counts[name]
            counts["evaluated"] += 1
            counts["accepted"] += id(each) in staying
            best = max([parent.score for parent in parents], default=each.score)
            if each.scores.is_feasible and each.score > best:
                counts["improved"] += 1
                counts["gain"] = round(counts["gain"] + each.score - best, 12)

    def _propose(self, size: int) -> Iterator[tuple[Program, str, list[Individual]]]:
        """Programs not seen before, each with the proposer and the parents it came from."""
        names, weights = list(self.shares), list(accumulate(self.shares.values()))
        made = 0
        for _ in range(size * TRIES_PER_CHILD):
            if made == size:
                return
            name = self.rng.choices(names, cum_weights=weights)[0]
            proposer = PROPOSERS[name]
            if len(self.population) < max(2, proposer.parents):
                proposer = PROPOSERS["random"]
            parents = self.box.select(self.population, proposer.parents, rng=self.rng)
            rules = getattr(self.box, proposer.name)(
                [each.program.rules for each in parents], rng=self.rng
            )
            program = self._admitted(rules, proposer.name)
            if program is not None:
                made += 1
                yield program, proposer.name, parents

    def _admitted(self, rules: Rules | None, name: str) -> Program | None:
        """The program of rules that are within limits and new; None for any others."""
        if rules is None:
            return None
        counts = self.counts[name]
        counts["proposed"] += 1
        if not is_within(rules, self.breeding.space):
            return None
        program = Program("evolved", rules)
        try:
            key = program.key
        except MeaningError:
            return None
        counts["valid"] += 1
        if key in self.seen or key in self.known:
            counts["duplicate"] += 1
            return None
        self.known.add(key)
        return program


def is_within(rules: Rules, space: Space) -> bool:
    """Whether rules enter a position, in the space's directions, and are not too large."""
    enters = rules.buy is not None or rules.short is not None
    sides = ("long" in space.directions or rules.buy is None) and (
        "short" in space.directions or rules.short is None
    )
    return enters and sides and rules.nodes <= space.max_nodes


def first_island(index: int, seed: int) -> Island:
    """An empty island with a generator of its own."""
    return Island(index, (), random.Random(f"{seed}/{index}").getstate())


def immigrated(island: Island, arrivals: Sequence[Individual], size: int) -> Island:
    """The island with individuals from another, the worst making room."""
    present = {each.program.key for each in island.population}
    new = [each for each in arrivals if each.program.key not in present]
    merged = sorted([*island.population, *new], key=lambda each: each.fitness.wvalues, reverse=True)
    return replace(island, population=tuple(merged[:size]))
