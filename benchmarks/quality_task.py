"""Task of a contestant of `search_quality.py`, and its answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.data import Dataset
from evolve.experiment.plan import LoadedData, Plan, read_plan

COSTS = {"half": "{commission_bps: 0.5, slippage_bps: 0}", "default": "{}"}
EXPERIMENT = """
name: quality
seed: {seed}
data: {{from: "synthetic:walk"}}
language: {{directions: [{directions}]}}
backtest: {costs}
budget: {{evaluations: {evaluations}}}
workers: 1
"""
METRIC = "appraisal_ratio"


@dataclass(frozen=True)
class Task:
    """Search of one contestant on one market.

    Attributes:
        plan: the experiment.
        data: train and validation.
    """

    plan: Plan
    data: LoadedData

    @property
    def evaluations(self) -> int:
        """Number of strategies that may be evaluated."""
        return self.plan.experiment.budget.evaluations

    @property
    def rng(self) -> random.Random:
        """Random generator of the seed."""
        return random.Random(f"{self.plan.experiment.seed}/contestant")


@dataclass(frozen=True)
class Winner:
    """Choice of a contestant.

    Attributes:
        program: the strategy.
        text: the strategy or formula, in one line.
        train: its score on train.
        validation: its appraisal ratio on validation.
        prepare: returns the bars that the program reads.
    """

    program: Program
    text: str
    train: float
    validation: float
    prepare: Callable[[Bars], Bars] = field(default=lambda bars: bars)

    def measure(self, bars: Bars, data: LoadedData, start: int) -> float:
        """Return the appraisal ratio on the bars from `start`."""
        result = backtest(self.program, self.prepare(bars), data.market, start)
        return float(result.metrics[METRIC])


@dataclass(frozen=True)
class Contestant:
    """Contestant.

    Attributes:
        choose: searches and returns the winner; None if no strategy was feasible.
        settings: settings of the experiment that differ from the defaults.
    """

    choose: Callable[[Task], Winner | None]
    settings: tuple[str, ...] = ()


def open_task(
    bars: Bars, directions: Sequence[str], costs: str, seed: int, settings: Sequence[str]
) -> Task:
    """Build the task of a contestant.

    Args:
        bars: train, validation and a holdout, which is not used.
        directions: directions that a strategy may trade.
        costs: a name of COSTS.
        seed: seed of the search.
        settings: settings `a.b=value`, with `budget.evaluations`.
    """
    text = EXPERIMENT.format(
        seed=seed, directions=", ".join(directions), costs=COSTS[costs], evaluations=1
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "quality.yaml"
        path.write_text(text, "utf-8")
        plan = read_plan(path, settings)
    return Task(plan, plan.split(Dataset(bars, ("planted",), ("planted",))))
