"""Histogram of the best scores, or the largest leads, of null searches and the real search."""

from __future__ import annotations

import math

import numpy as np

from evolve.report.formats import format_score
from evolve.report.page.charts import Axis, Chart, Mark, Trace
from evolve.validation.null_run import NullRun

MIN_BINS, MAX_BINS = 5, 20


def build_histogram(null: NullRun) -> Chart:
    """Build the histogram of a null run that `has_values`."""
    real, *values = _list_values(null)
    measure = "largest lead" if null.leads else "best score"
    bins = min(MAX_BINS, max(MIN_BINS, math.ceil(2 * math.sqrt(len(values)))))
    counts, edges = np.histogram(values, bins)
    hover = tuple(
        f"{count} with a {measure}\nfrom {format_score(low)} to {format_score(high)}"
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    )
    middles = (edges[:-1] + edges[1:]) / 2
    marks = [Mark("this search", real)]
    if null.threshold is not None:
        marks.append(Mark("score that would pass", null.threshold, role="neutral"))
    return Chart(
        "null-histogram",
        f"{measure.capitalize()}s by luck",
        _describe(null),
        Axis("largest lead, in standard deviations" if null.leads else "best score"),
        Axis("searches on shuffled prices", unit="count"),
        (
            Trace(
                "searches on shuffled prices", tuple(middles.tolist()), tuple(counts.tolist()),
                "bars", "luck", hover,
            ),
        ),
        marks=tuple(marks),
    )  # fmt: skip


def has_values(null: NullRun) -> bool:
    """Return whether a null run has what a histogram shows."""
    real, *values = _list_values(null)
    return bool(values) and math.isfinite(real)


def _list_values(null: NullRun) -> list[float]:
    """Return what decides: of the real search, then of the null searches that have it."""
    if not null.leads:
        return [null.score, *null.bests]
    real, *others = (each.largest for each in null.leads)
    return [real, *(each for each in others if math.isfinite(each))]


def _describe(null: NullRun) -> str:
    real, *values = _list_values(null)
    count, largest = len(null.results), max(values)
    measure, verb = ("largest lead", "leads by") if null.leads else ("best score", "scores")
    sentences = [
        f"Each bar counts searches on shuffled prices, which have no edge, by their {measure}. "
        "The further right the line of this search, the less luck explains it.",
        f"This search {verb} {format_score(real)}; {null.exceedances} of {count} did as "
        f"well, and the best of them {verb} {format_score(largest)}.",
    ]
    if null.leads:
        sentences.append(
            "A lead is the best score less the mean of the other searches, over their deviation, "
            "at round numbers of trials; a search that loses its lead ends."
        )
    if null.threshold is not None:
        sentences.append(f"A score above {format_score(null.threshold)} would pass.")
    if any(each.reached for each in null.results):
        sentences.append(
            "A shuffled search ends when it does as well, so its score is a lower bound."
        )
    missing = count - len(values)
    if missing:
        sentences.append(f"Without a feasible strategy, and not shown: {missing}.")
    return " ".join(sentences)
