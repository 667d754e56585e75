"""Table of the figures behind a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_view import RunView
from evolve.report.formats import format_score
from evolve.report.page.blocks import Column, Table
from evolve.report.page.verdict.gates import format_figure
from evolve.validation.holdout import MIN_POWER
from evolve.validation.null_run import NullRun
from evolve.validation.power import GOOD_SHARE

Row = tuple[str, str, str]


def build_figures(view: RunView) -> Table:
    """Build a table of the search, its null searches and its power, as far as they are known."""
    return Table(
        "verdict-figures",
        "Figures",
        (Column("figure"), Column("value"), Column("how to read it")),
        tuple(_iterate_rows(view)),
    )


def _iterate_rows(view: RunView) -> Iterator[Row]:
    settings, trials = view.plan.experiment, view.rows.trials
    evidence = view.document.validation if view.document else None
    count = evidence.trials if evidence is not None else len(trials)
    yield (
        "trials", f"{count:,} of {settings.budget.evaluations:,}",
        "distinct strategies that were evaluated; each one raises what luck can reach",
    )  # fmt: skip
    best = view.rows.best
    if best is not None:
        name = settings.fitness.maximize[0].replace("_", " ")
        part, penalty = settings.fitness.scored_on, settings.fitness.spread_penalty
        about = f"{name}: mean over folds of {part}, less {penalty:g} deviations over them"
        yield "best score", format_score(best.scores[0]), about
    if view.null is not None:
        yield from _iterate_null(view.null)
    if evidence is None:
        return
    if evidence.family is not None:
        yield (
            "runs on these prices", f"{evidence.family.runs:,}",
            "the p-value counts all of them, since the best of many runs is better by luck",
        )  # fmt: skip
    if evidence.power is not None:
        yield (
            "power of the holdout", format_figure(evidence.power, "percent"),
            "how often it would confirm an edge as large as on train; it stays sealed below "
            f"{MIN_POWER:.0%}",
        )  # fmt: skip
    yield from _iterate_power(view)


def _iterate_null(null: NullRun) -> Iterator[Row]:
    done, beaten = len(null.results), len(null.results) - null.exceedances
    yield (
        "searches on shuffled prices", f"{done:,} of at most {null.planned:,}",
        "each is the same search on prices without an edge; they end once the outcome is certain",
    )  # fmt: skip
    measure = "largest lead" if null.leads else "best score"
    yield "of them beaten", f"{beaten:,}", f"their {measure} is below that of this search"
    if null.leads:
        yield from _iterate_leads(null)
    if null.mean is not None:
        largest = f"{format_score(max(null.bests))}; mean {format_score(null.mean)}"
        yield "best score by luck", largest, "largest and mean best score of these searches"
    if null.threshold is not None:
        is_bound = any(each.reached for each in null.results) or done < null.planned
        yield (
            "score that would pass",
            f"{'at least ' if is_bound else ''}{format_score(null.threshold)}",
            "an edge on this much data differs from luck only above it",
        )  # fmt: skip
    yield (
        "p-value of this search", f"{null.p_value:.2g}",
        "share of all searches, with this one, that do at least as well",
    )  # fmt: skip


def _iterate_leads(null: NullRun) -> Iterator[Row]:
    real, *others = null.leads
    yield (
        "largest lead over luck", f"{format_score(real.largest)} at {real.trials:,} trials",
        "best score less the mean of the other searches, over their deviation, at round numbers of "
        "trials, until it is lost",
    )  # fmt: skip
    yield (
        "largest lead by luck", format_score(max(others).largest),
        "that of a search on shuffled prices over the others and this one",
    )  # fmt: skip
    if real.lost_at:
        yield (
            "lead lost", f"at {real.lost_at:,} trials",
            f"it was {format_score(real.last)} then, so the search stopped (`budget.stop: luck`)",
        )  # fmt: skip


def _iterate_power(view: RunView) -> Iterator[Row]:
    """Yield the smallest edge that the search usually finds, if the run measured its power."""
    power = view.document.power if view.document is not None else None
    edges = power.edges if power is not None else []
    if edges:
        chosen = next((each for each in edges if each.share >= GOOD_SHARE), edges[-1])
        yield (
            f"power of the search, {abs(chosen.edge_bps):g} bps",
            f"{chosen.found} of {chosen.searches}",
            "searches that found a planted edge of this size on as much data",
        )  # fmt: skip
