"""Charts of time series in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dsl.printable import make_printable
from evolve.report.page.downsample import pick_extremes

WIDTH, HEIGHT = 100, 24
MAX_TICKS = 6
SCALE_WIDTH = 14  # of the numbers beside the chart, with a margin
MIN_LOG_VALUE = 1e-290  # plotext divides by the values
MAX_LABEL_CHARACTERS = 40
MARKERS = "•x+o*#@%&=~^"

Time = NDArray[np.datetime64]
Series = NDArray[np.float64]


def line_chart(
    time: Time, lines: Mapping[str, Series], title: str, is_log: bool = False, width: int = WIDTH
) -> str:
    """Draw lines over bars as text without colour.

    Args:
        time: datetime64[bar].
        lines: float64[bar] by name; a bar that is not finite is omitted.
        title: the line above the chart.
        is_log: whether the vertical scale is logarithmic.
        width: maximum length of a line, in characters.
    """
    import plotext

    lines = {make_printable(name, MAX_LABEL_CHARACTERS): row for name, row in lines.items()}
    title = make_printable(title)
    head = [line.center(width).rstrip() for line in textwrap.wrap(title, width)]
    drawn = {name: lines[name] for name in list(lines)[: len(MARKERS)]}
    shown = {name: np.where(np.abs(row) < MIN_LOG_VALUE, 0.0, row) for name, row in drawn.items()}
    omitted = [name for name in lines if name not in shown]
    if omitted:
        head += textwrap.wrap(f"not drawn: {', '.join(omitted)}", width)
    sampled = {name: pick_extremes(values, 2 * width) for name, values in shown.items()}
    if not any(len(bars) for bars in sampled.values()):
        return "\n".join([*head, *textwrap.wrap("no values to draw", width)])
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plotsize(width, HEIGHT - 1)
    if is_log:
        plotext.yscale("log")
    markers = MARKERS if len(shown) > 1 else ("braille",)
    for marker, (name, values) in zip(markers, shown.items(), strict=False):
        bars = sampled[name]
        label = name if len(shown) > 1 else None
        if len(bars):
            plotext.plot(bars.tolist(), values[bars].tolist(), marker=marker, label=label)
    ticks = _choose_ticks(time, width)
    plotext.xticks(ticks, [_format_tick(time, tick) for tick in ticks])
    text = plotext.uncolorize(plotext.build()).splitlines()
    return "\n".join([*head, *[line.rstrip() for line in text]])


def _choose_ticks(time: Time, width: int) -> list[int]:
    """Return the bars to label: the first, the last, and others whose labels do not overlap.

    Plotext omits overlapping labels, and not always the same ones.
    """
    room = (width - SCALE_WIDTH) // (len(_format_tick(time, 0)) + 2)
    count = max(2, min(MAX_TICKS, room))
    return [int(bar) for bar in np.unique(np.linspace(0, len(time) - 1, count).astype(int))]


def _format_tick(time: Time, bar: int) -> str:
    is_intraday = np.any(time.astype("datetime64[D]") != time)
    return str(time[bar])[: 16 if is_intraday else 10].replace("T", " ")
