"""Series over time as a chart in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 100, 24
TICKS = 6
MARKERS = "•x+o*"


def line_chart(
    time: NDArray[np.datetime64],
    lines: Mapping[str, NDArray[np.float64]],
    title: str,
    is_log: bool = False,
    width: int = WIDTH,
) -> str:
    """Lines over bars, as text without colour.

    Args:
        time: datetime64[bar].
        lines: float64[bar] by name; a bar without a value is left out.
        title: above them.
        is_log: whether equal ratios are equally far apart.
        width: in characters.
    """
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plotsize(width, HEIGHT)
    plotext.title(title)
    if is_log:
        plotext.yscale("log")
    places = np.unique(np.linspace(0, len(time) - 1, max(2, 4 * width)).astype(int))
    markers = MARKERS if len(lines) > 1 else ("braille",)
    for marker, (name, values) in zip(markers, lines.items(), strict=False):
        known = places[np.isfinite(values[places])]
        label = name if len(lines) > 1 else None
        plotext.plot(known.tolist(), values[known].tolist(), marker=marker, label=label)
    ticks = np.unique(np.linspace(0, len(time) - 1, TICKS).astype(int))
    plotext.xticks(ticks.tolist(), [_label(time, tick) for tick in ticks])
    return "\n".join(line.rstrip() for line in plotext.uncolorize(plotext.build()).splitlines())


def _label(time: NDArray[np.datetime64], bar: int) -> str:
    is_intraday = np.any(time.astype("datetime64[D]") != time)
    return str(time[bar])[: 16 if is_intraday else 10].replace("T", " ")
