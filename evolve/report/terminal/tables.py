"""Tables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.table import Table

from evolve.backtest.backtest import Backtest
from evolve.backtest.metrics import METRICS
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.llm.transport.usage import ArmCost
from evolve.report.formats import format_value
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.search.proposer_stats import StatsByProposer

SUMMARY = (
    "total_return", "cagr", "appraisal_ratio", "sharpe", "max_drawdown", "exposure", "num_trades",
    "entry_bar_exits", "win_rate", "costs_paid",
)  # fmt: skip

MAX_HEADING_CHARACTERS = 16  # a longer one wraps, so that no figure does


def metrics_table(
    columns: Mapping[str, Mapping[str, float]], names: Sequence[str] = SUMMARY, title: str = ""
) -> Table:
    """Build a table with one row per metric and one column per run.

    Args:
        columns: the metrics of each run, by heading.
        names: the metrics to show.
        title: the line above the table.
    """
    table = blank_table(title)
    table.add_column("")
    for heading in columns:
        is_short = cell_len(heading) <= MAX_HEADING_CHARACTERS
        table.add_column(format_text(heading), justify="right", no_wrap=is_short, overflow="fold")
    for name in names:
        unit = METRICS[name].unit
        row = [format_value(metrics[name], unit) for metrics in columns.values()]
        table.add_row(name.replace("_", " "), *row)
    return table


def metrics_by_part_table(results: Mapping[str, Backtest], names: Sequence[str] = SUMMARY) -> Table:
    """Build a table of a strategy beside buy and hold, on each part of the bars.

    Args:
        results: the backtests by part.
        names: the metrics to show.
    """
    columns: dict[str, Mapping[str, float]] = {}
    for number, (part, result) in enumerate(results.items()):
        columns[part] = result.metrics
        columns["buy and hold" + " " * number] = result.benchmark_metrics
    return metrics_table(columns, names)


def proposers_table(stats: StatsByProposer) -> Table:
    """Build a table with one row per proposer or arm.

    The counts are of proposals: valid, duplicate, idle, evaluated, accepted into a population, and
    improved over the best parent. The mean gain is over those evaluated.
    """
    table = blank_table(gap=1)  # fits 80 columns
    table.add_column("proposer", overflow="fold")
    for heading in ("proposed", "valid", "duplicate", "idle", "evaluated", "accepted",
                    "improved", "mean gain"):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    for name, each in sorted(stats.items()):
        gain = each.gain / each.evaluated if each.evaluated else 0.0
        counts = (
            each.proposed, each.valid, each.duplicate, each.idle, each.evaluated, each.accepted,
            each.improved,
        )  # fmt: skip
        table.add_row(
            format_text(label_proposer(name, stats)),
            *[f"{count:,}" for count in counts],
            f"{gain:.4f}",
        )
    return table


def arm_costs_table(costs: Mapping[str, ArmCost], stats: StatsByProposer) -> Table:
    """Build a table of the calls, time, cost and gain of each arm."""
    table = blank_table()
    table.add_column("arm", overflow="fold")
    for heading in ("calls", "seconds", "$", "gain", "gain per call", "gain per $"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, cost in costs.items():
        gain = stats[name].gain if name in stats else 0.0
        per_dollar = f"{gain / cost.usd:.3f}" if cost.usd else "free"
        table.add_row(
            format_text(label_proposer(name, costs)), f"{cost.calls}", f"{cost.seconds:.1f}",
            f"{cost.usd:.4f}", f"{gain:.3f}", f"{gain / cost.calls:.4f}", per_dollar,
        )  # fmt: skip
    return table


def label_proposer(name: str, names: Iterable[str]) -> str:
    """Return a short label of a proposer; an arm names its model if there are several."""
    if not is_arm(name):
        return name
    model, task = split_arm(name)
    models = {split_arm(each)[0] for each in names if is_arm(each)}
    return f"{model if len(models) > 1 else 'model'}: {task}"
