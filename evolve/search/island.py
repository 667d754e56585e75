"""Islands of a search, with the input and the output of an epoch on one of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from evolve.search.individual import Individual
from evolve.search.proposer_stats import ProposerStats


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
        shares: shares of the proposals by proposer.
        max_evaluations: number of evaluations that this island may use.
        epoch: number of the epoch.
        generations: number of generations.
        unknown: keys among the seen ones that this island may propose again.
    """

    island: Island
    shares: Mapping[str, float]
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
