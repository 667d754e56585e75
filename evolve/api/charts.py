"""Charts of the report, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsl.diagnostics import did_you_mean
from dsl.printable import make_printable
from evolve.errors import EvolveError
from evolve.report.page.charts import Chart, Heatmap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from evolve.report.page.blocks import Block

SECTION = "performance-"


def plot_chart(name: object, blocks: Iterable[Block]) -> Figure:
    """Plot the chart of a name among the blocks of a page.

    Args:
        name: its name in the page; a chart of performance has it without the section.
        blocks: the blocks.

    Raises:
        EvolveError: if there is no chart of that name.
    """
    from evolve.report.html.plotly_figure import to_plotly

    names = []
    for each in blocks:  # the blocks after the chart are not built
        if isinstance(each, Chart | Heatmap):
            names.append(each.name.removeprefix(SECTION))
            if isinstance(name, str) and name.removeprefix(SECTION) == names[-1]:
                return to_plotly(each)
    if not names:
        raise EvolveError("there is no chart yet", "wait until the search has a best strategy")
    found = make_printable(repr(name))
    hint = did_you_mean(str(name), names) or f"expected one of: {', '.join(names)}"
    raise EvolveError(f"unknown chart {found}", hint)
