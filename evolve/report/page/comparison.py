"""Page that compares runs: figures, settings, equity, progress and sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dsl.printable import make_printable
from evolve.backtest.backtest import Backtest, backtest
from evolve.errors import EvolveError
from evolve.experiment.comparison import ComparedRun, Comparison, compare_runs
from evolve.experiment.run_parts import list_open_parts
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_iso
from evolve.report.page.blocks import Block, Column, Page, Section, Step, Table, Text, Tree
from evolve.report.page.charts import Axis, Cell, Chart, Mark, Role, Trace
from evolve.report.page.diff import diff_sources
from evolve.report.page.downsample import pick_extremes
from evolve.report.page.luck.progress import list_improvements
from evolve.report.page.search.authors import name_author

ROLES: tuple[Role, ...] = ("strategy", "luck", "validation", "holdout", "bad", "train")
MAX_RUNS = len(ROLES)  # lines that a chart shows clearly
PARTS = 600  # of a line of equity
RUN_COLUMNS = (
    Column("run"),
    Column("experiment"),
    Column("seed", "count"),
    Column("state"),
    Column("verdict"),
    Column("data"),
)
FIGURE_COLUMNS = (
    Column("run"),
    Column("best score", "ratio", "best score of the search"),
    Column("validation", "ratio", "the objective of the winner on validation"),
    Column("beats buy and hold", "text", "total return on validation above buy and hold"),
    Column("holdout", "ratio", "the objective of the winner on an opened holdout"),
    Column("trials", "count"),
    Column("per second", "count", "trials per second of the search"),
    Column("nulls beaten", "text", "searches on shuffled prices with a lower best score"),
    Column("$", "usd", "cost of the models"),
)
NO_END = " The line of a search that has not ended has train alone."
BEATS = {True: "yes", False: "no", None: None}


def build_comparison_page(views: Sequence[RunView]) -> Page:
    """Build the page that compares runs.

    Raises:
        EvolveError: if the runs cannot be compared, or a file of them is damaged.
    """
    comparison = compare_runs(views)
    if len(views) > MAX_RUNS:
        hint = "leave out --report, or compare fewer runs"
        raise EvolveError(f"a page compares at most {MAX_RUNS} runs, found {len(views)}", hint)
    labels = [make_printable(each.label) for each in comparison.runs]
    sections = {
        "figures": ("Figures", _iterate_figures(comparison)),
        "settings": ("Settings that differ", _iterate_settings(comparison)),
        "credit": ("Credit", _iterate_credit(comparison)),
        "charts": ("Equity and progress", _iterate_charts(views, labels)),
        "sources": ("Sources of the winners", _iterate_sources(comparison.runs)),
    }
    built = [Section(name, title, tuple(blocks)) for name, (title, blocks) in sections.items()]
    return Page(
        title="Comparison of runs",
        subtitle=" | ".join(labels),
        sections=tuple(each for each in built if each.blocks),
    )


def _iterate_figures(comparison: Comparison) -> Iterator[Block]:
    for text in comparison.warnings:
        yield Text(make_printable(text), "warning")
    objectives = dict.fromkeys(each.objective.replace("_", " ") for each in comparison.runs)
    runs = comparison.runs
    yield Table("runs", "Runs", RUN_COLUMNS, tuple(map(_describe_run, runs)))
    rows = [_list_figures(each) for each in runs]
    known = [
        index
        for index, cells in enumerate(zip(*rows, strict=True))
        if any(cell is not None for cell in cells)
    ]
    yield Table(
        "results",
        "Results",
        tuple(FIGURE_COLUMNS[index] for index in known),
        tuple(tuple(row[index] for index in known) for row in rows),
        f"The score is the {' or '.join(objectives)} over folds. A better figure may be chance: "
        "runs that differ in their seed only show how much.",
    )


def _describe_run(run: ComparedRun) -> tuple[Cell, ...]:
    return (
        make_printable(run.label), make_printable(run.name), run.seed, run.state, run.verdict,
        make_printable(run.data),
    )  # fmt: skip


def _list_figures(run: ComparedRun) -> tuple[Cell, ...]:
    nulls = f"{run.nulls_beaten} of {run.null_searches}" if run.null_searches else None
    return (
        make_printable(run.label), run.score, run.validation, BEATS[run.beats_benchmark],
        run.holdout, run.trials, run.evaluations_per_second, nulls, run.usd,
    )  # fmt: skip


def _iterate_settings(comparison: Comparison) -> Iterator[Block]:
    if comparison.settings:
        yield Table(
            "differences",
            "Settings by run",
            (
                Column("setting", "code"),
                *[Column(make_printable(each.label), "code") for each in comparison.runs],
            ),
            tuple(
                (
                    make_printable(name),
                    *[None if each is None else make_printable(each) for each in values],
                )
                for name, values in comparison.settings.items()
            ),
        )
    else:
        yield Text("The runs have equal settings, except for name and seed.")


def format_credit(run: ComparedRun, proposer: str) -> str | None:
    """Format the trials of a proposer, and those that improved; None if it has none."""
    stats = run.credit.get(proposer)
    if stats is None:
        return None
    return f"{stats.evaluated:,} ({stats.improved:,})"


def _iterate_credit(comparison: Comparison) -> Iterator[Block]:
    runs = comparison.runs
    rows = [
        (name_author(name), *[format_credit(each, name) for each in runs])
        for name in comparison.proposers
    ]
    if rows:
        columns = (Column("proposer"), *[Column(make_printable(each.label)) for each in runs])
        about = "Trials of each proposer; in parentheses, those that improve on their best parent."
        yield Table("credit", "Trials by proposer", columns, tuple(rows), about)


def _iterate_charts(views: Sequence[RunView], labels: Sequence[str]) -> Iterator[Block]:
    equity = _build_equity(views, labels)
    if equity.traces:
        yield equity
    progress = _build_progress(views, labels)
    if progress.traces:
        yield progress


def _build_equity(views: Sequence[RunView], labels: Sequence[str]) -> Chart:
    """Build the chart of equity; buy and hold is that of the run with the most bars."""
    found = [
        (label, role, result)
        for view, label, role in zip(views, labels, ROLES, strict=False)
        if (result := _backtest_best(view)) is not None
    ]
    traces, ends = list[Trace](), list[str]()
    if found:
        label, _, longest = max(found, key=lambda each: len(each[-1].equity))
        traces.append(_build_line(longest, f"buy and hold ({label})", "benchmark"))
    for label, role, result in found:
        traces.append(_build_line(result, label, role))
        ends.append(f"{label} ends at {result.equity[-1] / result.performance.capital:.2f}")
    ended = [each for each in views if "validation" in list_open_parts(each)]
    rest = "" if len(ended) == len(views) else NO_END
    return Chart(
        "equity",
        "Equity on train and validation",
        "Equity of each winner as a multiple of its capital, in one backtest from the first bar "
        "of train to the last of validation, on a logarithmic scale. Growth before the vertical "
        f"line is on train. On the part that scores its search, a winner looks too good.{rest} "
        f"{'; '.join(ends)}.",
        Axis("time", "time", "time"),
        Axis("equity (multiple of the capital)", "log"),
        tuple(traces),
        marks=_mark_validation(views, labels),
        is_tall=True,
    )


def _mark_validation(views: Sequence[RunView], labels: Sequence[str]) -> tuple[Mark, ...]:
    """Return the first day of validation where it is shown; of each run if they differ."""
    starts = dict[str, list[str]]()
    for view, label in zip(views, labels, strict=True):
        if "validation" not in list_open_parts(view):
            continue
        split = view.data.split
        starts.setdefault(format_iso(split.seen.time[split.validation_start]), []).append(label)
    return tuple(
        Mark(
            "validation" if len(starts) == 1 else f"validation of {', '.join(names)}",
            day, "x", "validation",
        )
        for day, names in sorted(starts.items())
    )  # fmt: skip


def _backtest_best(view: RunView) -> Backtest | None:
    """Backtest the best strategy on train, and on validation if shown; None if there is none."""
    if view.best is None:
        return None
    split = view.data.split
    bars = split.seen if "validation" in list_open_parts(view) else split.train
    try:
        return backtest(view.best, bars, view.data.market)
    except EvolveError:
        return None


def _build_line(result: Backtest, name: str, role: Role) -> Trace:
    values = result.benchmark if role == "benchmark" else result.equity
    values = np.asarray(values, np.float64) / result.performance.capital
    chosen = pick_extremes(values, PARTS)
    return Trace(
        name, tuple(format_iso(result.time[each]) for each in chosen),
        tuple(float(value) if value > 0 else None for value in values[chosen]), "line", role,
        is_dashed=role == "benchmark",
    )  # fmt: skip


def _build_progress(views: Sequence[RunView], labels: Sequence[str]) -> Chart:
    traces, ends = list[Trace](), list[str]()
    for view, label, role in zip(views, labels, ROLES, strict=False):
        points = list_improvements(view.rows.trials)
        if points:
            numbers, scores = zip(*points, strict=True)
            traces.append(Trace(label, numbers, scores, "step", role))
            ends.append(f"{label} reaches {scores[-1]:.3f} after {numbers[-1]:,} trials")
    return Chart(
        "progress",
        "Best score by number of trials",
        "Each line is the best score so far of a search. A line that is above another at the same "
        f"number of trials searched better, or was luckier. {'; '.join(ends)}.",
        Axis("trials", unit="count"),
        Axis("best score so far"),
        tuple(traces),
        is_tall=True,
    )


def _iterate_sources(runs: Sequence[ComparedRun]) -> Iterator[Block]:
    found = [each for each in runs if each.source]
    if not found:
        return
    first, *others = found
    steps = [_build_step(first, None), *[_build_step(each, first) for each in others]]
    about = f"Each step has the source of a winner beside that of {make_printable(first.label)}."
    yield Tree("sources", "Source of each winner", about, tuple(steps))


def _build_step(run: ComparedRun, first: ComparedRun | None) -> Step:
    before = first.source or "" if first is not None else ""
    score = "no score" if run.score is None else f"best score {run.score:.4f}"
    parents = () if first is None else (make_printable(first.label),)
    return Step(
        make_printable(run.label), make_printable(run.name), "neutral", parents,
        f"seed {run.seed}, {score}", diff_sources(before, run.source or ""),
    )  # fmt: skip
