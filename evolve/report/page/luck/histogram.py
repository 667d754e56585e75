"""Histogram of the best scores of null searches, with that of the real search."""

from __future__ import annotations

import math

import numpy as np

from evolve.report.formats import format_score
from evolve.report.page.charts import Axis, Chart, Mark, Trace
from evolve.validation.null_run import NullRun

MIN_BINS, MAX_BINS = 5, 20


def build_histogram(null: NullRun) -> Chart:
    """Build the histogram of a null run with at least one score."""
    bests = np.array(null.bests)
    bins = min(MAX_BINS, max(MIN_BINS, math.ceil(2 * math.sqrt(len(bests)))))
    counts, edges = np.histogram(bests, bins)
    hover = tuple(
        f"{count} with a best score\nfrom {format_score(low)} to {format_score(high)}"
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    )
    middles = (edges[:-1] + edges[1:]) / 2
    marks = [Mark("this search", null.score)]
    if null.threshold is not None:
        marks.append(Mark("score that would pass", null.threshold, role="neutral"))
    return Chart(
        "null-histogram",
        "Best scores by luck",
        _describe(null),
        Axis("best score"),
        Axis("searches on shuffled prices", unit="count"),
        (
            Trace(
                "searches on shuffled prices", tuple(middles.tolist()), tuple(counts.tolist()),
                "bars", "luck", hover,
            ),
        ),
        marks=tuple(marks),
    )  # fmt: skip


def _describe(null: NullRun) -> str:
    count, largest = len(null.results), max(null.bests)
    sentences = [
        "Each bar counts searches on shuffled prices, which have no edge, by their best score. "
        "The further right the line of this search, the less luck explains it.",
        f"This search scores {format_score(null.score)}; {null.exceedances} of {count} did as "
        f"well, and the best of them scores {format_score(largest)}.",
    ]
    if null.threshold is not None:
        sentences.append(f"A score above {format_score(null.threshold)} would pass.")
    if any(each.reached for each in null.results):
        sentences.append(
            "A shuffled search ends when it does as well, so its score is a lower bound."
        )
    missing = count - len(null.bests)
    if missing:
        sentences.append(f"Without a feasible strategy, and not shown: {missing}.")
    return " ".join(sentences)
