"""What a run reports while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolve.config import Experiment
    from evolve.data import Dataset, DataSplit
    from evolve.experiment.result import Assessed, Run
    from evolve.llm.model_set import ModelSet
    from evolve.search.progress import Progress


class Observer:
    """Receives the events of a run, in this order; override the methods you need."""

    def notice(self, text: str) -> None:
        """Receive what a person should know, such as the use of a fallback."""

    def data(self, dataset: Dataset) -> None:
        """Receive the data."""

    def split(self, split: DataSplit) -> None:
        """Receive the split of the data."""

    def proposers(self, experiment: Experiment, models: ModelSet) -> None:
        """Receive what proposes strategies."""

    def compiling(self) -> None:
        """Learn that kernels are compiled, for the first time on this machine."""

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        """Receive buy-and-hold and the starting strategies on train."""

    def progress(self, progress: Progress, seconds: float) -> None:
        """Receive the state after an epoch, `seconds` after the start of the search."""

    def waiting(self) -> None:
        """Learn that the search waits for a model, once in a run."""

    def done(self, run: Run) -> None:
        """Receive the finished run."""
