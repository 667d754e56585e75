"""Table of the best strategy so far, beside buy and hold on train."""

from __future__ import annotations

from evolve.backtest.backtest import backtest
from evolve.backtest.metrics import METRICS, measure
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_value
from evolve.report.page.blocks import Column, Table
from evolve.store.files import BARS
from evolve.validation.walk_forward import hold

SHOWN = ("total_return", "cagr", "sharpe", "max_drawdown", "exposure", "num_trades")
ABOUT = {
    "train": "Figures on the bars that the search learns from, so they look too good.",
    "validation": "The search is scored on validation, which is shown once it has ended.",
}


def build_so_far(view: RunView) -> Table | None:
    """Build the table of a run without a verdict; None before its bars are saved."""
    if not (view.folder / BARS).is_file():
        return None
    train, market = view.data.split.train, view.data.market
    columns = {"buy and hold": measure(hold(train, market, 0, len(train)))}
    if view.best is not None:
        columns = {"best so far": backtest(view.best, train, market).metrics, **columns}
    names = dict.fromkeys((view.plan.experiment.fitness.maximize[0], *SHOWN))
    return Table(
        "so-far",
        "On train, so far",
        (Column("metric"), *map(Column, columns)),
        tuple(
            (
                name.replace("_", " "),
                *[format_value(each[name], METRICS[name].unit) for each in columns.values()],
            )
            for name in names
        ),
        ABOUT[view.plan.experiment.fitness.scored_on],
    )
