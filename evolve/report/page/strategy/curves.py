"""Neighborhoods of the constants of a strategy, as a table and as curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from dsl.syntax.literals import format_number
from evolve.analysis.neighborhood import Curve
from evolve.analysis.plateau import RETAINED_SHARE
from evolve.report.formats import format_value
from evolve.report.page.blocks import Block, Column, Table, Text
from evolve.report.page.charts import Axis, Cell, CellUnit, Chart, Mark, Trace

MAX_CHARTS = 6
NO_TRIALS = "None of these evaluations is a trial, and nothing is selected by them."


def iterate_curves(
    curves: Sequence[Curve], score: str, window: str, note: str = ""
) -> Iterator[Block]:
    """Yield a table of the constants, and a chart for each of the most fragile ones.

    Args:
        curves: the scores over the values of each constant.
        score: name of the score.
        window: name of the bars.
        note: meaning of the score, as a sentence; empty if its name is enough.
    """
    if not curves:
        return
    ordered = sorted(curves, key=lambda curve: -1 if math.isnan(curve.share) else curve.share)
    charts = ordered[:MAX_CHARTS]
    text = f"Each constant takes other values on {window}, while the others stay.{note} {NO_TRIALS}"
    if len(charts) < len(curves):
        text += f" The {len(charts)} most fragile of {len(curves)} constants have a chart."
    yield Text(text)
    yield _build_table(ordered, score)
    for index, curve in enumerate(charts, 1):
        yield _build_chart(f"strategy-curve-{index}", curve, score, window)


def _build_table(curves: Sequence[Curve], score: str) -> Table:
    return Table(
        "strategy-constants",
        "Constants",
        (
            Column("constant", "code"),
            Column("rule"),
            Column("value", "code"),
            Column("keeps half from", "code", "the values around it with at least half the score"),
            Column("share", "percent", "share of the other values with at least half of the score"),
            Column("best value", "code", "the value with the highest score"),
        ),
        tuple(_build_row(each) for each in curves),
        "The most fragile first. A constant that reflects the market keeps at least half of the "
        f"{score} over a broad range of values; one that was fitted to noise is an isolated peak.",
    )


def _build_row(curve: Curve) -> tuple[Cell, ...]:
    write, share = _writer(curve), None if math.isnan(curve.share) else curve.share
    ends = [] if curve.retained is None else list(map(write, curve.retained))
    retained = " to ".join(dict.fromkeys(ends)) or None
    rule = curve.rule or "parameter"
    return (curve.name, rule, write(curve.value), retained, share, write(curve.best[0]))


def _build_chart(name: str, curve: Curve, score: str, window: str) -> Chart:
    xs = tuple(value for value, _ in curve.points)
    ys = tuple(value if math.isfinite(value) else None for _, value in curve.points)
    write = _writer(curve)
    unit: CellUnit = "percent" if curve.is_percent else "count" if curve.is_whole else "ratio"
    hover = tuple(f"{write(x)}: {_write_score(y)}" for x, y in curve.points)
    marks = [Mark(f"now {write(curve.value)}", curve.value)]
    if 0 < curve.score < math.inf:
        half = RETAINED_SHARE * curve.score
        marks.append(Mark("half of the score", half, "y", "neutral"))
    return Chart(
        name,
        f"{curve.name}" + (f" ({curve.rule})" if curve.rule not in ("", curve.name) else ""),
        f"{score.capitalize()} on {window} over the values of this constant. {_describe(curve)}",
        Axis("value of the constant", unit=unit),
        Axis(f"{score} on {window}"),
        (
            Trace("", xs, ys, "line", hover=hover),
            Trace("", xs, ys, "points", hover=hover),
        ),
        marks=tuple(marks),
        is_small=True,
    )


def _describe(curve: Curve) -> str:
    """Describe the range of values with at least half of the score, and the best value."""
    write, (best, score) = _writer(curve), curve.best
    words = [f"At {write(curve.value)}, its value, the score is {_write_score(curve.score)}."]
    if curve.retained is None:
        words.append("A score that is not above 0 has no half to keep.")
    elif curve.retained[0] == curve.retained[1]:
        words.append("Neither value beside it keeps half of the score: it is an isolated peak.")
    else:
        low, high = map(write, curve.retained)
        words.append(f"It keeps at least half of its score from {low} to {high}.")
    if best != curve.value:
        words.append(f"The best of these values is {write(best)}, with {_write_score(score)}.")
    infeasible = [write(x) for x, y in curve.points if not math.isfinite(y)]
    if infeasible:
        words.append(f"Infeasible at {', '.join(infeasible)}.")
    return " ".join(words)


def _writer(curve: Curve) -> Callable[[float], str]:
    return lambda value: format_number(value, curve.is_percent)


def _write_score(score: float) -> str:
    return format_value(score, "ratio") if math.isfinite(score) else "infeasible"
