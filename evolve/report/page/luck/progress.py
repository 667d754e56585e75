"""Chart of the progress of a search, beside that of its null searches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

import numpy as np

from evolve.experiment.run_view import RunView
from evolve.report.formats import format_score
from evolve.report.page.charts import Axis, Band, Chart, Trace
from evolve.search.best_curve import FIRST_COUNT
from evolve.store.rows import TrialRow
from evolve.validation.null_run import NullRun

MIN_WINDOW_TRIALS = 30
WINDOW_GROWTH = 1.2  # of the number of trials, from one window to the next
MIN_FEASIBLE = 4  # of a window, for its quartiles


def build_progress(view: RunView) -> Chart:
    """Build the chart of a run with at least one feasible trial."""
    trials, null = view.rows.trials, view.null
    fitness = view.plan.experiment.fitness
    metric = fitness.maximize[0].replace("_", " ")
    best = list_improvements(trials)
    traces = [Trace("best of this search", *_split(best), kind="step")]
    bands = []
    quartiles = measure_quartiles(trials)
    if quartiles:
        x, low, middle, high = map(tuple, zip(*quartiles, strict=True))
        bands.append(Band("middle half of its trials", x, low, high, "neutral"))
        traces.append(Trace("median of its trials", x, middle, role="neutral"))
    luck = measure_luck_band(null) if null is not None else []
    if luck:
        x, low, middle, high = map(tuple, zip(*luck, strict=True))
        bands.append(Band("best of shuffled searches, range", x, low, high, "luck", is_step=True))
        traces.append(
            Trace("best of shuffled searches, mean", x, middle, "step", "luck", is_dashed=True)
        )
    return Chart(
        "search-progress",
        "Progress of the search, and of luck",
        _describe(best, luck),
        Axis("trials, on a logarithmic scale", "log", "count"),
        Axis(f"score on {fitness.scored_on} ({metric})"),
        tuple(traces),
        tuple(bands),
        is_tall=True,
    )


def list_improvements(trials: Sequence[TrialRow]) -> list[tuple[int, float]]:
    """Return the number and the score of each trial that is the best so far, and the last point."""
    points: list[tuple[int, float]] = []
    for each in trials:
        if each.is_feasible and (not points or each.scores[0] > points[-1][1]):
            points.append((each.number, each.scores[0]))
    if points and points[-1][0] < len(trials):
        points.append((len(trials), points[-1][1]))
    return points


def measure_quartiles(trials: Sequence[TrialRow]) -> list[tuple[int, float, float, float]]:
    """Return the last trial, and the quartiles of the feasible scores, by window of trials.

    The windows grow in proportion to the number of trials, so that those after the first ones have
    equal width on a logarithmic scale.
    """
    scores = np.array([each.scores[0] if each.is_feasible else np.nan for each in trials])
    ends = [0]
    while ends[-1] < len(scores):
        end = max(ends[-1] + MIN_WINDOW_TRIALS, round(WINDOW_GROWTH * ends[-1]))
        ends.append(len(scores) if end + MIN_WINDOW_TRIALS > len(scores) else end)
    rows = []
    for begin, end in pairwise(ends):
        window = scores[begin:end]
        feasible = window[np.isfinite(window)]
        if len(feasible) >= MIN_FEASIBLE:
            low, middle, high = np.quantile(feasible, (0.25, 0.5, 0.75)).tolist()
            rows.append((end, low, middle, high))
    return rows


def measure_luck_band(null: NullRun) -> list[tuple[int, float, float, float]]:
    """Return the trials, and the smallest, mean and largest best score of the null searches.

    The curves have their first point at `FIRST_COUNT` trials. An earlier one is the end of a short
    search, at which nothing is known of the others.
    """
    ends = {point.trials for each in null.results for point in each.curve}
    counts = sorted(each for each in ends if each >= min(FIRST_COUNT, max(ends)))
    rows = []
    for count in counts:
        bests = null.list_bests_after(count)
        if bests:
            rows.append((count, min(bests), fmean(bests), max(bests)))
    return rows


def _split(points: Sequence[tuple[int, float]]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    x, y = zip(*points, strict=True)
    return x, y


def _describe(
    best: Sequence[tuple[int, float]], luck: Sequence[tuple[int, float, float, float]]
) -> str:
    trials, score = best[-1]
    text = (
        "The line is the best score so far; the grey area has the middle half of the feasible "
        f"trials at that time. After {trials:,} {'trial' if trials == 1 else 'trials'} the best "
        f"score is {format_score(score)}."
    )
    if not luck:
        return text
    _, _, mean, largest = luck[-1]
    return (
        f"{text} The other area spans the best scores so far of the searches on shuffled prices, "
        f"which end at {format_score(mean)} on average and at {format_score(largest)} at most: "
        "inside it, this search finds no more than luck does. A shuffled search that ends early "
        "counts with its last score. Their scores are recorded at round numbers of trials, so this "
        "area has steps."
    )
