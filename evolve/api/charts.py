"""Charts of the report, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsl.diagnostics import did_you_mean
from evolve.errors import EvolveError
from evolve.report.page.charts import Chart, Heatmap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from evolve.report.page.blocks import Block


def plot_chart(name: object, blocks: Iterable[Block]) -> Figure:
    """Plot the chart of a name among the blocks of a page.

    Raises:
        EvolveError: if there is no chart of that name.
    """
    from evolve.report.html.plotly_figure import to_plotly

    charts = {each.name: each for each in blocks if isinstance(each, Chart | Heatmap)}
    if not charts:
        raise EvolveError("there is no chart yet", "wait until the search has a best strategy")
    if not isinstance(name, str) or name not in charts:
        hint = did_you_mean(str(name), charts) or f"expected one of: {', '.join(charts)}"
        raise EvolveError(f"unknown chart `{name}`", hint)
    return to_plotly(charts[name])
