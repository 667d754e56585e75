"""Observer of a run: receives its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolve.config import Experiment
    from evolve.data import Dataset, DataSplit
    from evolve.experiment.result import Assessed, Run
    from evolve.llm.model_set import ModelSet
    from evolve.search.progress import Progress
    from evolve.validation.null_run import NullRun
    from evolve.validation.power import Power
    from evolve.validation.walk_forward import WalkForward


class Observer:
    """Receiver of the events of a run, in this order; override the methods that you need."""

    def notice(self, text: str) -> None:
        """Receive a notice, such as the use of a fallback; it may come at any time."""

    def data(self, dataset: Dataset) -> None:
        """Receive the data."""

    def split(self, split: DataSplit) -> None:
        """Receive the split of the data."""

    def proposers(self, experiment: Experiment, models: ModelSet) -> None:
        """Receive the settings of the proposers and the models."""

    def compiling(self) -> None:
        """Handle the start of a compilation of kernels that are not cached."""

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        """Receive the starting strategies and their benchmark on train."""

    def progress(self, progress: Progress, seconds: float) -> None:
        """Receive the state after an epoch, `seconds` after the start of the search."""

    def waiting(self) -> None:
        """Handle the first wait of the search for a model."""

    def null_search(self, run: NullRun) -> None:
        """Receive the null run after each null search."""

    def family(self, index: int, count: int) -> None:
        """Receive the number of the earlier run that is compared, and the count of them."""

    def diagnostic(self, state: NullRun | Power | WalkForward) -> None:
        """Receive the state of a diagnostic after each of its searches."""

    def done(self, run: Run) -> None:
        """Receive the finished run."""
