"""Finalists and other good trials of a search, on train and on validation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsl.diagnostics import LanguageError
from evolve.backtest.backtest import backtest
from evolve.backtest.metrics import METRICS, measure
from evolve.errors import EvolveError
from evolve.experiment.archive import select_candidates
from evolve.experiment.finalists import explain_finalists
from evolve.experiment.result_parts import FinalistDocument
from evolve.experiment.run_parts import list_open_parts
from evolve.experiment.run_view import RunView
from evolve.experiment.trial_program import check_trial
from evolve.report.formats import format_rules, format_value
from evolve.report.page.blocks import Block, Column, Table
from evolve.report.page.charts import Axis, Cell, Chart, Role, Trace
from evolve.store.rows import TrialRow

MAX_RULES_CHARACTERS = 400
MAX_OTHERS = 24
MAX_PER_CLASS = 6
MIN_OTHERS = 4
RANKED = {
    "train": "Ranked by the mean of both parts, weighted by their bars; the first is the winner.",
    "validation": "Ranked by validation, which scores the search; the first is the winner.",
}
MAX_CELLS = 20_000_000  # bars of all symbols, of all backtests together


@dataclass(frozen=True)
class Point:
    """Strategy on train and on validation.

    Attributes:
        name: a description, in lines.
        train, validation: the metric there.
    """

    name: str
    train: float
    validation: float


def iterate_selection(view: RunView) -> Iterator[Block]:
    """Yield the chart of finalists and other good trials, and the table of finalists."""
    fitness = view.plan.experiment.fitness
    metric = fitness.maximize[0]
    finalists = view.document.finalists if view.document is not None else []
    chosen = [point for each in finalists if (point := _read_finalist(each, metric))]
    others = list(_measure_others(view, metric))
    if chosen or others:
        yield _build_chart(metric, chosen, others, fitness.scored_on == "train")
    if finalists:
        yield _build_table(metric, finalists, RANKED[fitness.scored_on])


def select_others(
    trials: Sequence[TrialRow], finalists: Sequence[FinalistDocument], count: int
) -> list[TrialRow]:
    """Select the best feasible trials of each size class that differ from all finalists.

    They are in order of score, the best first.

    Args:
        trials: the trials.
        finalists: the finalists.
        count: the maximum number.
    """
    known = {digest for each in finalists for digest in (each.hash, each.trial)}
    alike = {each.behavior for each in trials if each.hash in known}
    others = (each for each in trials if each.hash not in known and each.behavior not in alike)
    return select_candidates(others, MAX_PER_CLASS)[:count]


def _measure_others(view: RunView, metric: str) -> Iterator[Point]:
    """Yield good trials that are no finalists, from a bounded number of backtests."""
    if not view.rows.trials or "validation" not in list_open_parts(view):
        return
    finalists = view.document.finalists if view.document is not None else []
    split, market = view.data.split, view.data.market
    count = min(MAX_OTHERS, max(MIN_OTHERS, MAX_CELLS // (2 * split.seen.close.size)))
    for each in select_others(view.rows.trials, finalists, count):
        try:
            program = check_trial(each.source)
            parts = (
                backtest(program, split.train, market),
                backtest(program, split.seen, market, start=split.validation_start),
            )
        except (LanguageError, EvolveError):
            continue  # equity that overflows on validation
        train, validation = (measure(part.performance, (metric,))[metric] for part in parts)
        if math.isfinite(train) and math.isfinite(validation):
            yield Point(f"trial {each.number:,}, {each.nodes} nodes", train, validation)


def _read_finalist(finalist: FinalistDocument, metric: str) -> Point | None:
    """Return the point of a finalist; None if a metric has no value."""
    train, validation = (finalist.find_metric(part, metric) for part in ("train", "validation"))
    if train is None or validation is None:
        return None
    return Point(f"finalist, {finalist.nodes} nodes", train, validation)


def _build_chart(
    metric: str, chosen: Sequence[Point], others: Sequence[Point], is_unseen: bool
) -> Chart:
    values = [value for each in (*chosen, *others) for value in (each.train, each.validation)]
    limits = (min(values), max(values))
    title, unit = metric.replace("_", " "), METRICS[metric].unit
    traces = [Trace("equal on both", limits, limits, "line", "neutral", is_dashed=True)]
    if others:
        traces.append(_build_trace("other good trials", others, metric, "neutral", "circle"))
    if chosen:
        traces.append(_build_trace("finalists", chosen[1:], metric, "validation"))
        traces.append(_build_trace("winner", chosen[:1], metric, "strategy", "star"))
    return Chart(
        "train-validation",
        "Train against validation",
        _describe(title, [*chosen, *others], is_unseen),
        Axis(f"{title} on train", unit=unit),
        Axis(f"{title} on validation", unit=unit),
        tuple(each for each in traces if each.x),
    )


def _build_trace(
    name: str, points: Sequence[Point], metric: str, role: Role, symbol: str = "diamond"
) -> Trace:
    unit = METRICS[metric].unit
    hover = tuple(
        f"{each.name}\ntrain {format_value(each.train, unit)}\n"
        f"validation {format_value(each.validation, unit)}"
        for each in points
    )
    return Trace(
        name, tuple(each.train for each in points), tuple(each.validation for each in points),
        "points", role, hover, symbol,
    )  # fmt: skip


def _describe(title: str, points: Sequence[Point], is_unseen: bool) -> str:
    below = sum(each.validation < each.train for each in points)
    positive = sum(each.validation > 0 for each in points)
    lead = f"Each point is a strategy: {title} on train against that on validation. "
    if not is_unseen:
        return (
            f"{lead}The search is scored on validation, so neither of them is unseen. "
            f"{below} of {len(points)} are below the dashed line."
        )
    return (
        f"{lead}The search learns from train and never sees validation. Points below the dashed "
        "line lost on the way; a cloud without a slope means that train predicts nothing. "
        f"{below} of {len(points)} are below the line, {positive} are above 0 on validation. "
        "Finalists and near copies of them are compared on validation, so the winner looks a "
        "little too good there. All other trials are measured there for this page alone, and "
        "nothing is selected by them."
    )


def _build_table(metric: str, finalists: Sequence[FinalistDocument], about: str) -> Table:
    title, unit = metric.replace("_", " "), METRICS[metric].unit
    return Table(
        "finalists",
        "Finalists",
        (
            Column("rank", "count"),
            Column("rules", "code"),
            Column("nodes", "count", "size of the strategy"),
            Column("train", unit, f"{title} on train"),
            Column("validation", unit, f"{title} on validation"),
            Column("train trades", "count", "closed trades on train"),
            Column("validation trades", "count", "closed trades on validation"),
            Column("bars held", "ratio", "mean number of bars of a trade on train"),
            Column("exposure", "percent", "share of the bars of train in a position"),
            Column("correlation", "ratio", "of its positions on train with those of the winner"),
        ),
        tuple(_build_row(rank, each, metric) for rank, each in enumerate(finalists, start=1)),
        f"{about} {explain_finalists(finalists)}",
    )


def _build_row(rank: int, finalist: FinalistDocument, metric: str) -> tuple[Cell, ...]:
    return (
        rank, format_rules(finalist.source, MAX_RULES_CHARACTERS), finalist.nodes,
        finalist.find_metric("train", metric), finalist.find_metric("validation", metric),
        finalist.find_metric("train", "num_trades"),
        finalist.find_metric("validation", "num_trades"),
        finalist.find_metric("train", "avg_trade_bars"), finalist.find_metric("train", "exposure"),
        finalist.correlation,
    )  # fmt: skip
