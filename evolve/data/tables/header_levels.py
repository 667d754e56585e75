"""Header of two levels in a text: prices in one line and tickers in the other, as of yfinance."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from evolve.data.tables.columns import is_blank
from evolve.data.tables.flatten import DATE, flatten_table
from evolve.data.tables.numbers import read_both
from evolve.data.tables.raw_table import PRICES, TIMES, assign_roles, find_role


def name_levels(frame: pd.DataFrame, above: Sequence[str]) -> pd.DataFrame:
    """Return a table with one row per symbol and bar if tickers are above or below its labels.

    `yfinance.download(...).to_csv()` writes the labels of the prices in the first line and the
    tickers in the second, or with `group_by="ticker"` the other way round. A third line may name
    the index. Each other table is returned unchanged.

    Args:
        frame: the rows below the labels of the prices; the index is the number of the line.
        above: the cells of the line above the labels.
    """
    roles = assign_roles(frame.columns[1:])  # the first label may be `Price`
    order = [*frame.columns]
    prices = [order.index(roles[name]) for name in PRICES if name in roles]
    if not prices or len(frame) < 2:
        return frame
    if _are_tickers(below := [*frame.iloc[0]], len(frame.columns), prices):
        tickers, rows = below, frame.iloc[1:]
    elif _are_tickers(above, len(frame.columns), prices):
        tickers, rows = [*above], frame
    else:
        return frame
    if find_role(rows.iloc[0, 0]) in TIMES and rows.iloc[0, 1:].isna().all():
        rows = rows.iloc[1:]
    labels = [re.sub(r"\.\d+$", "", str(label)) for label in frame.columns]
    levels = [(DATE, ""), *zip(labels[1:], map(str, tickers[1:]), strict=True)]
    stacked = flatten_table(rows.set_axis(pd.MultiIndex.from_tuples(levels), axis=1))
    return stacked.set_axis(rows.index.take(stacked.index.to_numpy()), axis=0)


def _are_tickers(cells: Sequence[object], count: int, prices: Sequence[int]) -> bool:
    """Return whether cells are tickers: text under each label but the first, of one per price."""
    if len(cells) != count or any(map(is_blank, cells[1:])):
        return False
    texts = [str(cell) for cell in cells]
    return len({texts[each] for each in prices}) == 1 and not any(map(read_both, texts[1:]))
