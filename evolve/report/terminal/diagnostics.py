"""Power and walk-forward as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from evolve.backtest.metrics import METRICS
from evolve.experiment.diagnostics import Diagnostics
from evolve.experiment.walk_forward import list_days
from evolve.report.formats import format_value
from evolve.report.terminal.fitting_table import blank_table
from evolve.report.terminal.tables import metrics_table
from evolve.validation.null_run import NullRun
from evolve.validation.power import GOOD_SHARE, Power
from evolve.validation.walk_forward import WalkForward, WindowResult

STITCHED = (
    "total_return", "cagr", "appraisal_ratio", "sharpe", "max_drawdown", "exposure", "num_trades",
    "costs_paid",
)  # fmt: skip


def list_diagnostics(diagnostics: Diagnostics) -> Iterator[Table | Text]:
    """Yield the tables and sentences of the diagnostics."""
    if diagnostics.power is not None:
        yield from list_power(diagnostics.power)
    if diagnostics.walk_forward is not None:
        yield from list_walk_forward(diagnostics.walk_forward)


def describe_progress(state: NullRun | Power | WalkForward) -> str:
    """Describe the state of a diagnostic in one line."""
    if isinstance(state, NullRun):
        return f"power: null search {len(state.results)} of {state.planned}"
    if isinstance(state, WalkForward):
        return f"walk-forward: window {len(state.results)} of {state.planned}"
    row = state.rows[-1]
    size = f"{abs(row.edge_bps):g} bps a {state.unit}"
    return f"power: an edge of {size} is found in {sum(row.found)} of {len(row.found)} searches"


def list_power(power: Power) -> Iterator[Table | Text]:
    """Yield the table of a power and its sentence."""
    table = blank_table(f"power of {power.trials:,} evaluations, by the size of a planted edge")
    for heading in (f"edge, bps a {power.unit}", "found", "share", "rule alone, appraisal ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in power.rows:
        table.add_row(
            f"{row.edge_bps:g}", f"{sum(row.found)} of {len(row.found)}",
            format_value(row.share, "percent"), format_value(row.ratio, "ratio"),
        )  # fmt: skip
    yield table
    rules = ", ".join(f"{each.name} ({each.text})" for each in power.rules)
    yield Text(f"hidden rules: {rules}; the edge is in the next bar that an order can earn")
    yield Text(describe_power(power))


def describe_power(power: Power) -> str:
    """Describe a power in sentences."""
    needed = "a feasible strategy"
    if power.threshold is not None:
        needed = f"a score above {power.threshold:.2f}"
    lead = f"Found means {needed}, which passes {power.null_runs} null searches. "
    if not power.is_complete:
        lead += "The searches were interrupted. "
    chosen = power.chosen
    if chosen is None:
        return f"{lead}No edge is complete."
    found, count = sum(chosen.found), len(chosen.found)
    finds = (
        f"this budget on this much data finds an edge of {abs(chosen.edge_bps):g} bps a "
        f"{power.unit} in {found} of {count} runs (traded alone, its rule has an appraisal ratio "
        f"of {chosen.ratio:.2f})"
    )
    if chosen.share >= GOOD_SHARE:
        return f"{lead}So {finds}. Smaller edges may exist without being found."
    return (
        f"{lead}Even the largest edge is often missed: {finds}. A result without an edge means "
        "little here; try fewer evaluations, fewer operators, or more symbols."
    )


def list_walk_forward(walk: WalkForward) -> Iterator[Table | Text]:
    """Yield the tables of a walk-forward and its sentence."""
    first = walk.results[0].search.window
    searched = "all" if walk.anchored else f"the {first.begin - first.first:,}"
    table = blank_table(f"walk-forward: {searched} bars before each window are searched")
    table.add_column("window", no_wrap=True)
    for heading in ("in sample", "out of sample", "return", "held", "trades"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in walk.results:
        *_, begin, end = list_days(walk, each.search.window)
        table.add_row(f"{begin} {end}", *_list_cells(walk, each))
    yield table
    yield metrics_table(
        {"out of sample, joined": walk.metrics, "buy and hold": walk.benchmark_metrics}, STITCHED
    )
    yield Text(describe_walk_forward(walk))


def describe_walk_forward(walk: WalkForward) -> str:
    """Describe a walk-forward in sentences."""
    name, unit = walk.metric.replace("_", " "), METRICS[walk.metric].unit
    sentences = [f"In sample and out of sample are {name}."]
    if not walk.is_complete:
        sentences.append(f"Interrupted after {len(walk.results)} of {walk.planned} windows.")
    if walk.efficiency is not None:
        sentences.append(f"Efficiency, their ratio on average: {walk.efficiency:.2f}.")
    if walk.spread is not None:
        spread = format_value(walk.spread, unit)
        sentences.append(f"Deviation over the windows out of sample: {spread}.")
    without = sum(each.search.winner is None for each in walk.results)
    if without:
        sentences.append(
            f"No strategy met `fitness.require` in {without} of {len(walk.results)} windows, which "
            "stay in cash."
        )
    if walk.starts:
        sentences.append("Strategies of `start_from` may be chosen with later bars in view.")
    sentences.append(
        f"The searches are {walk.trials:,} further trials on train and validation: a view of "
        "stability, not a test."
    )
    return " ".join(sentences)


def _list_cells(walk: WalkForward, result: WindowResult) -> list[str]:
    if result.inside is None or result.outside is None:
        return ["none feasible", "–", "–", "–", "–"]
    unit = METRICS[walk.metric].unit
    outside, held = result.outside.metrics, result.outside.benchmark_metrics
    return [
        format_value(result.inside.metrics[walk.metric], unit),
        format_value(outside[walk.metric], unit),
        format_value(outside["total_return"], "percent"),
        format_value(held["total_return"], "percent"),
        format_value(outside["num_trades"], "count"),
    ]
