"""Statistics of the winner among its trials, each with how to read it."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.result_parts import OverfittingDocument, StatisticsDocument
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block, Column, Table

Row = tuple[str, str, str]


def iterate_statistics(view: RunView) -> Iterator[Block]:
    """Yield the table of the statistics that a run has."""
    robustness = view.document.robustness if view.document is not None else None
    if robustness is not None:
        yield Table(
            "statistics",
            "Other statistics on train",
            (Column("statistic"), Column("value"), Column("how to read it")),
            tuple(_iterate_rows(robustness.statistics, view)),
            "They accompany the verdict and never decide it, since all of them ignore that a "
            "search adapts to noise.",
        )


def _iterate_rows(found: StatisticsDocument, view: RunView) -> Iterator[Row]:
    yield (
        "probabilistic Sharpe ratio", _format(found.probabilistic),
        "probability that the ratio of the winner is above 0 if it were the only trial; the best "
        "of many trials is near 1 by luck alone",
    )  # fmt: skip
    sampled = "1 trial" if found.sampled == 1 else f"{found.sampled:,} trials"
    classes = "class" if found.classes == 1 else "classes"
    for value, count, of in (
        (found.deflated_by_classes, found.classes, f"{classes} of behavior in {sampled}"),
        (found.deflated_by_trials, found.trials, "trial" if found.trials == 1 else "trials"),
    ):
        yield (
            f"deflated Sharpe ratio, {count:,} {of}", _format(value),
            f"probability that the ratio is above the best that luck gives among {count:,} "
            "independent trials; above 0.95 is the usual demand",
        )  # fmt: skip
    needed, train = found.track_record_years, view.data.split.train.years
    yield (
        "minimum track record", "never" if needed is None else f"{needed:.1f} years",
        "history that shows the ratio of the winner if it were the only trial; train has "
        f"{train:.1f} years",
    )  # fmt: skip
    yield from _iterate_overfitting(found.overfitting)
    superior = found.superior
    if superior is not None:
        yield (
            "superior predictive ability (SPA), p-value", _format(superior.consistent, 3),
            "probability that the best of as many strategies without an edge does as well; below "
            "0.05 the trials contain one that beats holding cash",
        )  # fmt: skip


def _iterate_overfitting(found: OverfittingDocument | None) -> Iterator[Row]:
    """Yield the rows of the cross-validation; none if there were too few bars or strategies."""
    if found is None:
        return
    yield (
        "probability of backtest overfitting (PBO)", _format(found.pbo),
        "share of the ways to halve train in which the best trial of one half ranks below the "
        "median in the other; 0.5 is chance",
    )  # fmt: skip
    yield (
        "losses in the other half", _format(found.loss),
        "share of these ways in which the best trial of one half loses in the other",
    )  # fmt: skip


def _format(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
