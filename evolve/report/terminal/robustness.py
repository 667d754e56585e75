"""Tables of the analyses of a strategy: pruning, counterfactuals, neighbors and costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from evolve.analysis.costs import AtCosts
from evolve.analysis.counterfactuals import Counterfactuals, Figures
from evolve.analysis.plateau import Plateau
from evolve.analysis.prune import Pruned
from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_value
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.validation.pbo import Overfitting
from evolve.validation.trial_statistics import TrialStatistics


def pruning_table(pruned: Pruned) -> Table:
    """Build a table with one row per part that pruning dropped."""
    table = blank_table(f"pruned on train: {pruned.nodes_before} to {pruned.nodes_after} nodes")
    table.add_column("dropped, as it changes no trade there", overflow="fold")
    for each in pruned.dropped or ("nothing",):
        table.add_row(format_text(each))
    return table


def counterfactuals_table(result: Counterfactuals, window: str = "") -> Table:
    """Build a table with one row per change of a strategy, and the random entries.

    Args:
        result: the counterfactuals.
        window: the name of the bars, for the title; empty for none.
    """
    metric, unit = result.metric, METRICS[result.metric].unit
    table = blank_table("with one change" + (f", on {window}" if window else ""))
    table.add_column("change", overflow="fold")
    for heading in (metric, "difference", *_list_extra(metric), "trades"):
        table.add_column(heading.replace("_", "\n"), justify="right", no_wrap=True)
    table.add_row("no change", *_figure_cells(result.strategy, math.nan, metric))
    for row in result.rows:
        table.add_row(format_text(row.change), *_figure_cells(row.figures, row.difference, metric))
    drawn = result.random_entries
    title = f"entries on random bars, mean of {drawn.draws:,}"
    table.add_row(title, *_figure_cells(drawn.mean, drawn.difference, metric))
    table.add_row("  standard deviation", format_value(drawn.deviation, unit))
    table.add_row("  share at least as good", format_value(drawn.share, "percent"))
    return table


def plateau_table(plateau: Plateau) -> Table:
    """Build a table of the scores of the neighbors of a strategy on train."""
    table = blank_table("with one constant changed by one step, on train")
    table.add_column("", overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_row("the strategy", _format_score(plateau.score))
    table.add_row(f"median of {len(plateau.neighbors):,} neighbors", _format_score(plateau.median))
    if plateau.worst is not None:
        text = format_text(f"worst neighbor: {plateau.worst.change}")
        table.add_row(text, _format_score(plateau.worst.score))
    share = format_value(plateau.share, "percent")
    table.add_row("neighbors with at least half of the score", share)
    return table


def costs_table(rows: Sequence[AtCosts], metric: str, window: str = "") -> Table:
    """Build a table with one column per multiple of all costs.

    Args:
        rows: the results by multiple.
        metric: name of their metric.
        window: the name of the bars, for the title; empty for none.
    """
    table = blank_table("at higher costs" + (f", on {window}" if window else ""))
    table.add_column("")
    for row in rows:
        table.add_column(f"{row.factor:g}x", justify="right", no_wrap=True)
    unit = METRICS[metric].unit
    table.add_row(metric.replace("_", " "), *[format_value(row.metric, unit) for row in rows])
    if _list_extra(metric):
        table.add_row("total return", *[format_value(row.total_return, "percent") for row in rows])
    return table


def _list_extra(metric: str) -> list[str]:
    """Return the figure to show beside a metric, if it is another one."""
    return [] if metric == "total_return" else ["total_return"]


def _figure_cells(figures: Figures, difference: float, metric: str) -> list[str]:
    unit, sign = METRICS[metric].unit, "+" if difference > 0 else ""
    cells = [format_value(figures.metric, unit), sign + format_value(difference, unit)]
    if _list_extra(metric):
        cells.append(format_value(figures.total_return, "percent"))
    return [*cells, format_value(figures.trades, "count")]


def _format_score(score: float) -> str:
    return "infeasible" if score == -math.inf else format_value(score, "ratio")


def statistics_table(statistics: TrialStatistics) -> Table:
    """Build a table of statistics that accompany a verdict."""
    each, found, superior = statistics, statistics.overfitting, statistics.superior
    years = "never" if math.isinf(each.track_record_years) else f"{each.track_record_years:.1f}"
    table = blank_table("other statistics on train; they ignore that a search adapts to noise")
    table.add_column("", overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    for name, value in (
        ("probabilistic Sharpe ratio, as if it were the only trial", _format(each.probabilistic)),
        (
            f"deflated Sharpe ratio, {each.classes:,} behavior classes in {each.sampled:,} trials",
            _format(each.deflated_by_classes),
        ),
        (f"deflated Sharpe ratio, {each.trials:,} trials", _format(each.deflated_by_trials)),
        ("minimum track record in years, as if it were the only trial", years),
        ("probability of backtest overfitting (PBO)", _format(found.pbo if found else math.nan)),
        ("  slope, and order of stochastic dominance", _format_overfitting(found)),
        (
            "superior predictive ability (SPA), p-value",
            "–" if superior is None else f"{superior.consistent:.3f}",
        ),
    ):
        table.add_row(name, value)
    return table


def _format(value: float) -> str:
    return format_value(value, "ratio")


def _format_overfitting(found: Overfitting | None) -> str:
    return "–" if found is None else f"{_format(found.slope)}, {found.dominance or 'none'}"
