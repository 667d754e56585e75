"""Specification of fitness: objectives, and requirements of every fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.fitness.objectives import DEFAULT_REQUIRE, OBJECTIVES, Objective


@dataclass(frozen=True)
class FitnessSpec:
    """Specification of fitness.

    Attributes:
        maximize, minimize: names of objectives, the most important first.
        require: minimum values by name of requirement.
        folds: number of slices of train.
        spread_penalty: deviations over folds subtracted from the mean.
    """

    maximize: tuple[str, ...] = ("appraisal_ratio",)
    minimize: tuple[str, ...] = ("nodes",)
    require: Mapping[str, float] = field(default_factory=lambda: DEFAULT_REQUIRE)
    folds: int = 5
    spread_penalty: float = 0.5

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Objectives, the maximized ones first."""
        return tuple(OBJECTIVES[name] for name in (*self.maximize, *self.minimize))

    @property
    def weights(self) -> tuple[float, ...]:
        """Weights of the objectives in the convention of DEAP: 1 to maximize, -1 to minimize."""
        return (1.0,) * len(self.maximize) + (-1.0,) * len(self.minimize)
