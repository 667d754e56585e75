"""Disguises of a real market for `market_memory.py`, and what a prompt states about each.

All have the total return, the number of bars and the times of the market. `scaled` has other prices
and no other difference: each strategy has its score on the market. `reversed` runs backwards, and
losses become gains, so that drift and clusters of volatility remain. `shuffled` has the moves in a
random order, as in a null search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from dsl.bars import Bars, Panel
from evolve.llm.prompt.templates import FOLDER
from evolve.validation.permutation import permute

SCALE = 2.0**-5  # a power of two, so that ratios of prices are exactly equal
PERMUTATION = 1  # number of the shuffled market
SHOWN_CLOSES = 48
REAL = "real"
TEMPLATE = "task.md"


def scale(bars: Bars) -> Bars:
    """Return bars with all prices multiplied by `SCALE`."""
    prices = {name: getattr(bars, name) * SCALE for name in ("open", "high", "low", "close")}
    return replace(bars, **prices)


def reverse(bars: Bars) -> Bars:
    """Return bars in reverse order, with the sign of each log return changed twice.

    The order reverses the sign of each return, and the mirrored prices reverse it again. A gap or
    bar that rose rises as far; its place is counted from the end.
    """
    priced = bars.priced_indices(0)
    level = bars.open[:, priced[0]] * bars.close[:, priced[-1]]

    def mirror(prices: Panel) -> Panel:
        return np.ascontiguousarray(level[:, None] / prices[:, ::-1])

    opens, closes = mirror(bars.close), mirror(bars.open)
    return replace(
        bars, open=opens, close=closes,
        high=np.maximum(mirror(bars.low), np.maximum(opens, closes)),
        low=np.minimum(mirror(bars.high), np.minimum(opens, closes)),
        volume=np.ascontiguousarray(bars.volume[:, ::-1]),
        adjustment=np.ascontiguousarray(bars.adjustment[:, ::-1]),
    )  # fmt: skip


DISGUISES: dict[str, Callable[[Bars], Bars]] = {
    "scaled": scale,
    "reversed": reverse,
    "shuffled": lambda bars: permute(bars, PERMUTATION),
}


def describe_market(bars: Bars, is_named: bool) -> str:
    """Return sentences about a market: closes at equal distances, and perhaps name and dates."""
    places = np.linspace(0, len(bars) - 1, SHOWN_CLOSES).round().astype(int)
    closes = ", ".join(f"{each:.5g}" for each in bars.close[0, places])
    name = "It has no name and no dates."
    if is_named:
        first, last = (str(bars.time[place].astype("datetime64[D]")) for place in (0, -1))
        name = f"It is {bars.symbols[0]} from {first} to {last}."
    return f"About this market: {name} Closes at equal distances, the oldest first: {closes}."


def write_templates(folder: Path, description: str) -> Path:
    """Write the template of a prompt that describes a market; return the folder."""
    folder.mkdir(parents=True)
    text = (FOLDER / TEMPLATE).read_text("utf-8")
    (folder / TEMPLATE).write_text(f"{description}\n\n{text}", "utf-8")
    return folder
