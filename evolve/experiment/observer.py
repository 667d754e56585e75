"""What a run reports while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolve.config import Experiment
    from evolve.data import Dataset, Partition
    from evolve.experiment.models import Panel
    from evolve.experiment.result import Assessed, Run
    from evolve.search.progress import Progress


class Observer:
    """What a run tells whoever watches it, in this order; each method may be overridden."""

    def notice(self, text: str) -> None:
        """Something a person should know, such as the use of a fallback."""

    def data(self, dataset: Dataset) -> None:
        """The bars are there."""

    def partition(self, partition: Partition) -> None:
        """They are parted."""

    def proposers(self, experiment: Experiment, panel: Panel) -> None:
        """Who proposes."""

    def compiling(self) -> None:
        """The kernels are compiled for the first time on this machine."""

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        """Buy-and-hold and the seeds on train."""

    def progress(self, progress: Progress, seconds: float) -> None:
        """An epoch ended, so many seconds after the search began."""

    def waiting(self) -> None:
        """The search waits for a model, for the first time in this run."""

    def done(self, run: Run) -> None:
        """The run ended."""
