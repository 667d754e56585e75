"""Leads of equal searches over each other by number of trials, and the end of a lead that is lost.

The real search and its null searches are treated alike, so that its rank among them remains an
exact p-value, however often one looks. Source of the maximum over several looks: Westfall and
Young, "Resampling-Based Multiple Testing" (1993).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.search.best_curve import CurvePoint, read_best

MIN_OTHERS = 4  # with a score, for a mean and a deviation
MIN_LEAD = 3.0  # deviations; luck alone rarely leads so far: see benchmarks/luck_stop.py
LOST_SHARE = 0.5  # of the largest lead
MIN_TAIL = 1e-300  # a probability whose normal score is finite

Scores = NDArray[np.float64]


class Lead(NamedTuple):
    """Lead of a search over the others, in standard deviations of their best scores.

    Attributes:
        largest: its largest lead until it was lost; -inf if it was never measured.
        trials: number of trials at that lead.
        last: the last lead that was measured.
        lost_at: number of trials at which the lead was lost; 0 if it was not.
    """

    largest: float = -math.inf
    trials: int = 0
    last: float = -math.inf
    lost_at: int = 0


def build_scores(curves: Sequence[Sequence[CurvePoint]], counts: Sequence[int]) -> Scores:
    """Return float64[search, count], the best score after each count; -inf if there is none.

    Args:
        curves: the curve of each search. One that ended counts with its last score.
        counts: numbers of trials.
    """
    table = np.full((len(curves), len(counts)), -math.inf)
    for row, curve in enumerate(curves):
        for column, count in enumerate(counts):
            best = read_best(curve, count)
            if best is not None:
                table[row, column] = best
    return table


def measure_leads(scores: Scores, counts: Sequence[int]) -> list[Lead]:
    """Return the lead of each search.

    A lead is the best score less the mean of the others, over their standard deviation. It is lost
    once it was at least `MIN_LEAD` and is at most half of that. The search ends then, and its score
    at that count is its last one.

    Args:
        scores: float64[search, count], best scores so far.
        counts: numbers of trials, ascending.
    """
    searches = len(scores)
    leads = [Lead()] * searches
    is_over = np.zeros(searches, bool)
    current = np.full(searches, -math.inf)
    for column, count in enumerate(counts):
        current = np.where(is_over, current, scores[:, column])
        for row, lead in enumerate(_measure(current).tolist()):
            if is_over[row] or math.isnan(lead):
                continue
            leads[row] = _add(leads[row], lead, count)
            is_over[row] = leads[row].lost_at > 0
    return leads


def convert_to_normal(leads: Sequence[float]) -> list[float]:
    """Return leads as normal scores, in the order of the leads.

    A lead over few searches has the heavy tail of Student's t, since their deviation is uncertain.
    Normal scores have approximately the tail of a best score.

    Args:
        leads: the largest lead of each search.
    """
    from scipy.special import ndtri, stdtr

    others = len(leads) - 1
    student = np.array(leads) * math.sqrt(others / (others + 1))
    tail = stdtr(others - 1, -student)
    return [float(each) for each in -ndtri(np.maximum(tail, MIN_TAIL))]


def _add(before: Lead, lead: float, count: int) -> Lead:
    """Return a lead with the value at a further count."""
    if lead > before.largest:
        return Lead(lead, count, lead)
    is_lost = before.largest >= MIN_LEAD and lead <= LOST_SHARE * before.largest
    return before._replace(last=lead, lost_at=count if is_lost else 0)


def _measure(scores: Scores) -> Scores:
    """Return float64[search], the lead of each score over the other ones; NaN for none."""
    leads = np.full(len(scores), np.nan)
    has_score = np.isfinite(scores)
    finite = scores[has_score]
    count = len(finite)
    if count <= MIN_OTHERS:
        return leads
    deltas = finite - finite.mean()
    variance_of_others = (np.sum(deltas**2) - deltas**2 * (count / (count - 1))) / (count - 2)
    is_spread = variance_of_others > 1e-12 * float(np.mean(deltas**2))
    safe = np.sqrt(np.where(is_spread, variance_of_others, 1.0))
    leads[has_score] = np.where(is_spread, deltas * (count / (count - 1)) / safe, np.nan)
    return leads
