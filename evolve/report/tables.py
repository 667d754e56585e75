"""Tables that people read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from evolve.backtest.metrics import METRICS, Unit
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.llm.transport.usage import ArmCost
from evolve.search.proposer_stats import StatsByProposer

MAX_PERCENT = 1e5  # a year's growth from a few bars has more digits than a table has room for
SUMMARY = (
    "total_return", "cagr", "appraisal_ratio", "sharpe", "max_drawdown", "exposure", "num_trades",
    "entry_bar_exits", "win_rate", "costs_paid",
)  # fmt: skip


def blank_table(title: str = "", gap: int = 2) -> Table:
    """A table without rows, as narrow as its cells allow.

    Args:
        title: above it, after a blank line.
        gap: characters between columns.
    """
    return Table(
        title=f"\n{title}" if title else None, title_justify="left", title_style="bold",
        box=SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip


def format_value(value: float, unit: Unit) -> str:
    """A figure as a person writes it."""
    if not math.isfinite(value):
        return "–"
    if unit == "percent" and abs(value) >= MAX_PERCENT:
        return f"{100 * value:.1e}%"
    if unit == "percent":
        return f"{round(value, 3) + 0.0:.1%}"  # no -0.0%
    if unit == "money":
        return f"{value:,.0f}"
    return f"{value:,.0f}" if unit == "count" else f"{value:.2f}"


def format_price(value: float) -> str:
    """A price, with as many digits as a small one needs."""
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4g}"


def format_rate(bars_per_year: float) -> str:
    """Return the bars of a year as people read them: `252`, `121.8`, `19656`."""
    return f"{bars_per_year:.0f}" if bars_per_year >= 1000 else f"{bars_per_year:.4g}"


def format_iso(moment: np.datetime64) -> str:
    """A day, with the time of day if it has one, as programs read it."""
    return str(np.datetime_as_string(moment.astype("datetime64[s]"), unit="auto"))


def format_time(moment: np.datetime64) -> str:
    """The same as people read it."""
    return format_iso(moment).replace("T", " ")


def metrics_table(
    columns: Mapping[str, Mapping[str, float]], names: Sequence[str] = SUMMARY, title: str = ""
) -> Table:
    """Metrics down, runs across.

    Args:
        columns: the metrics of each run, by its heading.
        names: which metrics.
        title: above the table.
    """
    table = blank_table(title)
    table.add_column("")
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for name in names:
        unit = METRICS[name].unit
        row = [format_value(metrics[name], unit) for metrics in columns.values()]
        table.add_row(name.replace("_", " "), *row)
    return table


def proposers_table(ledger: StatsByProposer) -> Table:
    """What each proposer brought, a row an arm.

    Of what was proposed: how many were valid, known already, tried, taken into a population and
    better than their best parent; and the mean gain over that parent of those tried.
    """
    table = blank_table()
    table.add_column("proposer", overflow="fold")
    for heading in ("proposed", "valid", "known", "tried", "taken", "better", "gain"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, each in sorted(ledger.items()):
        gain = each.gain / each.evaluated if each.evaluated else 0.0
        counts = (
            each.proposed, each.valid, each.duplicate, each.evaluated, each.accepted, each.improved,
        )  # fmt: skip
        table.add_row(_label(name, ledger), *[f"{count:,}" for count in counts], f"{gain:.4f}")
    return table


def _label(name: str, among: Iterable[str]) -> str:
    """An arm's name as there is room for it; the model is named where there are several."""
    if not is_arm(name):
        return name
    model, direction = split_arm(name)
    several = len({split_arm(each)[0] for each in among if is_arm(each)}) > 1
    return f"{model if several else 'model'}: {direction}"


def arm_costs_table(costs: Mapping[str, ArmCost], ledger: StatsByProposer) -> Table:
    """What each arm of a model took, and what its gain cost."""
    table = blank_table()
    table.add_column("arm", overflow="fold")
    for heading in ("calls", "seconds", "$", "gain", "gain a call", "gain a $"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, cost in costs.items():
        gain = ledger[name].gain if name in ledger else 0.0
        a_dollar = f"{gain / cost.usd:.3f}" if cost.usd else "free"
        table.add_row(
            _label(name, costs), f"{cost.calls}", f"{cost.seconds:.1f}", f"{cost.usd:.4f}",
            f"{gain:.3f}", f"{gain / cost.calls:.4f}", a_dollar,
        )  # fmt: skip
    return table
