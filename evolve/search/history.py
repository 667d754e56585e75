"""History of a search: best score so far, lineage, and a sample of its trials."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.search.best_curve import BestCurve
from evolve.search.individual import Individual
from evolve.search.lineage import Lineage
from evolve.search.trial_sample import TrialSample


class SearchHistory:
    """What remains of the trials of a search after they leave the populations.

    Attributes:
        curve: best score so far.
        lineage: origins of all trials.
        sample: evenly spaced feasible trials.
    """

    def __init__(self) -> None:
        self.curve, self.lineage, self.sample = BestCurve(), Lineage(), TrialSample()

    def add(self, trials: Sequence[Individual]) -> None:
        """Add trials in order."""
        self.curve.add(trials)
        self.lineage.add(trials)
        self.sample.add(trials)
