"""End of a search whose lead over its null searches is lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evolve.search.best_curve import BestCurve
from evolve.search.individual import Individual
from evolve.validation.leads import Lead, build_scores, measure_leads
from evolve.validation.null_search import NullResult


class LuckStop:
    """Condition that ends a search; call it with the trials of each epoch."""

    def __init__(self, nulls: Sequence[NullResult], curve: BestCurve) -> None:
        """
        Args:
            nulls: the null searches, each with the budget of the search.
            curve: best score of the search so far; it is continued.
        """
        self._counts = [each.trials for each in nulls[0].curve]
        self._nulls = build_scores([each.curve for each in nulls], self._counts)
        self._curve = curve

    def __call__(self, trials: Sequence[Individual]) -> str:
        """Add trials; return the reason why the search ends, or an empty text."""
        self._curve.add(trials)
        points = self._curve.points
        counts = [each for each in self._counts if each <= points[-1].trials]
        scores = np.vstack([build_scores([points], counts), self._nulls[:, : len(counts)]])
        lead = measure_leads(scores, counts)[0]
        return describe_loss(lead, len(self._nulls)) if lead.lost_at else ""


def describe_loss(lead: Lead, nulls: int) -> str:
    """Describe how a search lost its lead over a number of null searches."""
    return (
        f"luck had caught up at {lead.lost_at:,} trials: the lead over {nulls} searches on "
        f"shuffled prices fell from {lead.largest:.1f} standard deviations at {lead.trials:,} "
        f"trials to {lead.last:.1f}"
    )
