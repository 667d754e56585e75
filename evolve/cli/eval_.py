"""`evolve eval`: values of an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evolve.cli.options import chart_width, data_options, echo_compiling, echo_warmup, load_data
from evolve.cli.output import echo, echo_rows

if TYPE_CHECKING:
    from evolve.data import DataRequest


@click.command("eval", short_help="Print an expression's value on every bar.")
@click.argument("expression", metavar="EXPR")
@data_options
@click.option("--plot", is_flag=True, help="Draw the values instead of printing them.")
def command(expression: str, request: DataRequest, plot: bool) -> None:
    """Print the value of EXPR on every bar, as CSV.

    A condition is 1 or 0. A cell is empty if the value is unknown.

    For example: evolve eval "rsi(close, 14)" --data sample:sp500
    """
    import numpy as np

    from dsl.analysis.check import check_expression
    from dsl.analysis.program import lookback
    from dsl.evaluate import truth_values, values
    from dsl.terms.infer import infer_kind
    from dsl.types.kinds import BOOL

    term = check_expression(expression)
    dataset = load_data(request)
    echo_warmup(dataset, f"`{expression}`", lookback(term))
    echo_compiling()
    bars, first = dataset.window, dataset.start
    compute = truth_values if infer_kind(term) == BOOL else values
    columns = compute(term, dataset.bars)[:, first:]
    if plot:
        from evolve.report.terminal.chart import line_chart

        lines = dict(zip(bars.symbols, columns, strict=True))
        echo(line_chart(bars.time, lines, expression, width=chart_width()))
        return
    times = np.datetime_as_string(bars.time, unit="auto")
    echo_rows([["time", *bars.symbols]])
    echo_rows([time, *map(_cell, row)] for time, *row in zip(times, *columns, strict=True))


def _cell(value: float) -> str:
    return "" if value != value else repr(float(value)).removesuffix(".0")
