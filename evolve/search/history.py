"""History of a search: best score so far, and a sample of its trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evolve.search.best_curve import BestCurve
from evolve.search.checkpoint import Checkpoint
from evolve.search.individual import Individual
from evolve.search.trial_index import TrialIndex
from evolve.search.trial_sample import TrialSample


class SearchHistory:
    """What remains of the trials of a search after they leave the populations.

    Attributes:
        curve: best score so far.
        sample: evenly spaced feasible trials.
    """

    def __init__(self) -> None:
        self.curve, self.sample = BestCurve(), TrialSample()

    def add(self, trials: Sequence[Individual]) -> None:
        """Add trials in order."""
        self.curve.add(trials)
        self.sample.add(trials)

    def save(self, index: TrialIndex) -> dict[str, Any]:
        """Return its state as JSON."""
        return {"curve": self.curve.save(), "sample": self.sample.save(index)}

    @classmethod
    def restore(cls, checkpoint: Checkpoint) -> SearchHistory:
        """Restore the history of a checkpoint, whose state has it under `history`."""
        saved, history = checkpoint.state["history"], cls()
        trials = checkpoint.read_trials(saved["sample"]["trials"])
        history.curve = BestCurve.restore(saved["curve"])
        history.sample = TrialSample.restore(saved["sample"], trials)
        return history
