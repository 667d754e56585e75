"""What is sought: objectives, and what is required of every fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.fitness.objectives import DEFAULT_REQUIRE, OBJECTIVES, Objective


@dataclass(frozen=True)
class FitnessSpec:
    """What fitness is made of.

    Attributes:
        maximize, minimize: names of objectives, the most important first.
        require: least values by name of requirement.
        folds: slices of train.
        spread_penalty: deviations over folds taken off the mean.
    """

    maximize: tuple[str, ...] = ("appraisal_ratio",)
    minimize: tuple[str, ...] = ("nodes",)
    require: Mapping[str, float] = field(default_factory=lambda: DEFAULT_REQUIRE)
    folds: int = 5
    spread_penalty: float = 0.5

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Maximized ones first."""
        return tuple(OBJECTIVES[name] for name in (*self.maximize, *self.minimize))

    @property
    def weights(self) -> tuple[float, ...]:
        """1 for what is maximized, -1 for what is minimized, as DEAP counts."""
        return (1.0,) * len(self.maximize) + (-1.0,) * len(self.minimize)
