"""Chart of the equity of a run's strategy over the parts of its bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evolve.backtest.backtest import Backtest
from evolve.report.formats import format_time
from evolve.report.terminal.chart import Series, line_chart


def equity_chart(results: Mapping[str, Backtest], width: int) -> str:
    """Draw equity beside buy and hold; each part continues at the level of the one before.

    Args:
        results: consecutive backtests by part, with one capital.
        width: maximum length of a line, in characters.
    """
    every = list(results.values())
    time = np.concatenate([each.time for each in every])
    lines = {
        "buy and hold": _join([each.benchmark for each in every], every[0]),
        "strategy": _join([each.equity for each in every], every[0]),
    }
    begins = [f"{part} from {format_time(each.time[0])}" for part, each in results.items()]
    title = f"equity; {', '.join(begins)}"
    if len(begins) > 1:
        title += ", each in cash at its first bar"
    is_log = all(bool((line > 0).all()) for line in lines.values())
    return line_chart(time, lines, title, is_log, width)


def _join(lines: list[Series], first: Backtest) -> Series:
    capital = first.performance.capital
    level, joined = 1.0, list[Series]()
    for line in lines:
        joined.append(line * level)
        level *= float(line[-1]) / capital
    return np.concatenate(joined)
