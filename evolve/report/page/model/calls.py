"""Calls to models: tokens, cost, latency and budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dsl.printable import make_printable
from evolve.experiment.model_costs import sum_cost
from evolve.experiment.run_view import RunView
from evolve.llm.transport.usage import Cost
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Axis, Cell, Chart, Trace
from evolve.store.rows import ExchangeRow

MAX_POINTS = 2000

CALL_COLUMNS = (
    Column("model"),
    Column("task", "text", "the task; for a request without one, its purpose"),
    Column("calls", "count", "a call may take several requests"),
    Column("requests", "count"),
    Column("failed", "count", "requests without an answer"),
    Column("tokens in", "count"),
    Column("tokens out", "count"),
    Column("$", "usd"),
    Column("latency, median", "seconds"),
    Column("latency, 90 %", "seconds", "nine of ten answers arrive faster"),
)
BUDGET_COLUMNS = (
    Column(""),
    Column("limit", "ratio"),
    Column("spent", "ratio"),
    Column("share", "percent"),
)


def iterate_calls(view: RunView) -> Iterator[Table | Chart]:
    """Yield the table of the calls, the chart of latency, and the budget if it has limits."""
    groups = dict[tuple[str, str], list[ExchangeRow]]()
    for each in view.rows.exchanges:
        purpose = each.task if each.task and each.kind != "probe" else each.kind
        groups.setdefault((each.model, purpose), []).append(each)
    yield Table(
        "calls",
        "Calls by model and task",
        CALL_COLUMNS,
        tuple(_build_row(*key, groups[key]) for key in sorted(groups)),
        "A probe determines which constraint a server accepts; it counts as tokens, not as a call.",
    )
    if any(not each.error for each in view.rows.exchanges):
        yield _build_latency(view.rows.exchanges)
    budget = _build_budget(view)
    if budget.rows:
        yield budget


def _build_row(model: str, task: str, rows: Sequence[ExchangeRow]) -> tuple[Cell, ...]:
    seconds = [each.seconds for each in rows if not each.error]
    median, late = np.quantile(seconds, (0.5, 0.9)) if seconds else (np.nan, np.nan)
    return (
        make_printable(model), make_printable(task), len({each.call for each in rows}), len(rows),
        sum(bool(each.error) for each in rows), sum(each.tokens_in for each in rows),
        sum(each.tokens_out for each in rows), sum(each.usd for each in rows),
        float(median), float(late),
    )  # fmt: skip


def _build_latency(exchanges: Sequence[ExchangeRow]) -> Chart:
    answered = [each for each in exchanges if not each.error]
    step = -(-len(answered) // MAX_POINTS)
    models = sorted({each.model for each in answered})
    slowest = max(each.seconds for each in answered)
    symbols = ("circle", "diamond", "square", "cross", "x")
    traces = []
    for index, model in enumerate(models):
        shown = [each for each in answered if each.model == model][::step]
        traces.append(
            Trace(
                make_printable(model), tuple(each.at for each in shown),
                tuple(each.seconds for each in shown), "points", "model",
                tuple(map(_describe_exchange, shown)), symbols[index % len(symbols)],
            )
        )  # fmt: skip
    median = float(np.median([each.seconds for each in answered]))
    return Chart(
        "latency",
        "Latency over the run",
        "Each point is an answer, at the time of its arrival. A rise over the run shows a server "
        f"that slows down or prompts that grow. Half of the {len(answered):,} answers took less "
        f"than {median:.3g} seconds, the slowest {slowest:.3g} seconds.",
        Axis("time of the answer (UTC)", "time", "time"),
        Axis("seconds", unit="seconds"),
        tuple(traces),
    )


def _describe_exchange(each: ExchangeRow) -> str:
    return (
        f"{make_printable(each.task or each.kind)}: {each.seconds:.1f} seconds\n"
        f"{each.tokens_in:,} tokens in, {each.tokens_out:,} out"
    )


def _build_budget(view: RunView) -> Table:
    """Build the table of the limits; a limit that is not set has no row."""
    budget, spent = view.plan.experiment.budget, sum_cost(view) or Cost()
    limits: tuple[tuple[str, float | None, float], ...] = (
        ("calls", budget.llm_calls, spent.calls),
        ("tokens", budget.llm_tokens, spent.tokens),
        ("US dollars", budget.llm_usd, spent.usd),
    )
    rows = tuple(
        (name, float(limit), float(used), used / limit if limit else None)
        for name, limit, used in limits
        if limit is not None
    )
    return Table("budget", "Budget of the models", BUDGET_COLUMNS, rows)
