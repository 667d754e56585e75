"""A toy problem for the search: programs scored without any market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dsl.analysis.program import Program
from evolve.search.island import Breeding
from evolve.search.proposers import PROPOSERS
from evolve.search.space import build_space


@dataclass(frozen=True)
class ToyScores:
    values: tuple[float, ...]
    is_feasible: bool = True


def closeness(programs: Sequence[Program]) -> list[ToyScores]:
    """How close the sum of a program's numbers comes to 777.7, and its size."""
    scored = []
    for program in programs:
        total = sum(
            part.value or 0.0 for _, term in program.canonical.named() for part in term.walk()
        )
        scored.append(ToyScores((round(-abs(total - 777.7), 9), float(program.nodes))))
    return scored


def toy_breeding(population: int = 20, generations: int = 3) -> Breeding:
    return Breeding(
        space=build_space(["sma", "rsi", "roc", "atr"], ("long",), 40),
        evaluate=closeness,
        weights=(1.0, -1.0),
        population=population,
        generations=generations,
        proposers={name: each.weight for name, each in PROPOSERS.items()},
    )


def with_weights(breeding: Breeding, **weights: float) -> Breeding:
    return replace(breeding, proposers=weights)
