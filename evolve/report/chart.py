"""Series over time as a chart in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 100, 24
MAX_TICKS = 6
SCALE_WIDTH = 14  # of the numbers beside the chart, and some room
MIN_LOG_VALUE = 1e-290  # plotext divides by what it draws
MARKERS = "•x+o*#@%&=~^"

Time = NDArray[np.datetime64]
Series = NDArray[np.float64]


def line_chart(
    time: Time, lines: Mapping[str, Series], title: str, is_log: bool = False, width: int = WIDTH
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

    head = [line.center(width).rstrip() for line in textwrap.wrap(title, width)]
    drawn = {name: lines[name] for name in list(lines)[: len(MARKERS)]}
    shown = {name: np.where(np.abs(row) < MIN_LOG_VALUE, 0.0, row) for name, row in drawn.items()}
    left_out = [name for name in lines if name not in shown]
    if left_out:
        head += textwrap.wrap(f"not drawn: {', '.join(left_out)}", width)
    known = {name: _extremes(values, 2 * width) for name, values in shown.items()}
    if not any(len(places) for places in known.values()):
        return "\n".join([*head, *textwrap.wrap("there is no value to draw", width)])
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plotsize(width, HEIGHT - 1)
    if is_log:
        plotext.yscale("log")
    markers = MARKERS if len(shown) > 1 else ("braille",)
    for marker, (name, values) in zip(markers, shown.items(), strict=False):
        places = known[name]
        label = name if len(shown) > 1 else None
        if len(places):
            plotext.plot(places.tolist(), values[places].tolist(), marker=marker, label=label)
    ticks = _ticks(time, width)
    plotext.xticks(ticks, [_label(time, tick) for tick in ticks])
    text = plotext.uncolorize(plotext.build()).splitlines()
    return "\n".join([*head, *[line.rstrip() for line in text]])


def _extremes(values: Series, parts: int) -> NDArray[np.int64]:
    """int64[≤ 2 a part]: the least and the greatest known bar of each part of a series."""
    known = np.flatnonzero(np.isfinite(values))
    found = [
        part[[np.argmin(values[part]), np.argmax(values[part])]]
        for part in np.array_split(known, min(parts, max(len(known), 1)))
        if len(part)
    ]
    return np.unique(np.concatenate(found)) if found else known


def _ticks(time: Time, width: int) -> list[int]:
    """Bars that are named below the chart: the first, the last, and as many as there is room for.

    Plotext leaves out labels that overlap, and not always the same ones.
    """
    room = (width - SCALE_WIDTH) // (len(_label(time, 0)) + 2)
    count = max(2, min(MAX_TICKS, room))
    return [int(place) for place in np.unique(np.linspace(0, len(time) - 1, count).astype(int))]


def _label(time: Time, bar: int) -> str:
    is_intraday = np.any(time.astype("datetime64[D]") != time)
    return str(time[bar])[: 16 if is_intraday else 10].replace("T", " ")
