"""Splits of shares: those that a column declares, and those that prices suggest."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dsl.bars import Bars
from evolve.data.tables.raw_table import SPLITS, RawTable

Column = NDArray[np.float64]

MAX_SPLIT = 1000.0
# New shares for one; or old for one new.
RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
MAX_GAP_DEVIATION = 0.03  # log, of the open after a split from the split price
MAX_MOVE_DEVIATION = 0.08  # log, of the close, if opens repeat the previous close
MAX_TURNOVER_RATIO = 4.0  # a crash has many times the usual turnover; a split has not
LEVEL_BARS = 5  # on each side, which stay on their price level
_FRACTION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?::|/|for)\s*(\d+(?:\.\d+)?)\s*")


def compute_split_factor(table: RawTable, opens: Column, closes: Column) -> Column:
    """Return the factor that scales the prices of each bar to the shares of the last one.

    A split that the column declares counts if the price falls by its ratio rather than stays: the
    open over the previous close is nearer to 1 / ratio than to 1, in logarithms. If the prices are
    already adjusted, it does not count.

    Args:
        table: the rows, oldest first.
        opens: float64[row].
        closes: float64[row].

    Returns:
        float64[row]; 1 for each row without a declared split after it.
    """
    factor = np.ones(len(opens))
    if SPLITS not in table.columns or len(opens) < 2:
        return factor
    ratios = _parse_ratios(table.frame[table.columns[SPLITS]])
    falls = np.log(closes[:-1] / opens[1:])
    sizes = np.log(ratios[1:])
    is_shown = (sizes != 0.0) & (np.abs(falls - sizes) < np.abs(falls))
    steps = np.where(is_shown, 1.0 / ratios[1:], 1.0)
    factor[:-1] = np.cumprod(steps[::-1])[::-1]
    return factor


def _parse_ratios(column: pd.Series) -> Column:
    """Parse split ratios such as 4, `4:1` or `4/1`; 1 for a cell that has none."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()
    for row in np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy()):
        match = _FRACTION.fullmatch(str(column.iloc[row]))
        if match and float(match[2]) > 0:
            numbers[row] = float(match[1]) / float(match[2])
    is_ratio = (numbers >= 1 / MAX_SPLIT) & (numbers <= MAX_SPLIT)
    return np.where(is_ratio, numbers, 1.0)


def find_splits(bars: Bars) -> NDArray[np.int64]:
    """Find leaps to a new price level at the ratio of a common split, such as 2 or 3/2.

    The open of the bar is near the previous close divided or multiplied by the ratio; if the open
    repeats the previous close, the close of the bar is. The turnover is at most 4 times that of the
    five bars before. The closes of five bars before and after stay within half of the leap.

    Args:
        bars: one symbol.

    Returns:
        int64[n], the first bars of the new levels.
    """
    opens, closes = np.log(bars.open[0]), np.log(bars.close[0])
    if len(closes) < 2 * LEVEL_BARS:
        return np.empty(0, np.int64)
    sizes = np.log(np.concatenate([RATIOS, 1 / RATIOS]))
    gaps, moves = closes[:-1] - opens[1:], closes[:-1] - closes[1:]
    large = np.flatnonzero(np.abs(moves) > sizes[0] / 2)
    gaps, moves = gaps[large], moves[large]
    near_gap = np.abs(gaps[:, None] - sizes).min(axis=1) < MAX_GAP_DEVIATION
    near_move = np.abs(moves[:, None] - sizes).min(axis=1) < MAX_MOVE_DEVIATION
    is_near = near_gap | (near_move & (np.abs(gaps) < MAX_GAP_DEVIATION))
    candidates = large[is_near] + 1
    turnover = bars.close[0] * bars.volume[0]
    leaps = [bar for bar in candidates if _stays(closes, bar) and not _is_rush(turnover, bar)]
    return np.array(leaps, np.int64)


def _is_rush(turnover: Column, bar: np.int64 | int) -> bool:
    """Return whether the turnover of a bar is many times that of the bars before; False if unknown.

    Args:
        turnover: float64[bar], close times volume; NaN if the volume is unknown.
        bar: its index.
    """
    usual = np.median(turnover[bar - LEVEL_BARS : bar])
    return bool(usual > 0 and turnover[bar] > MAX_TURNOVER_RATIO * usual)


def _stays(closes: Column, bar: np.int64 | int) -> bool:
    """Return whether log closes before and after a leap stay on their levels."""
    before = closes[max(0, bar - LEVEL_BARS) : bar]
    after = closes[bar : bar + LEVEL_BARS]
    if min(len(before), len(after)) < LEVEL_BARS:
        return False
    half = abs(closes[bar] - closes[bar - 1]) / 2
    levels = np.abs(np.concatenate([before - closes[bar - 1], after - closes[bar]]))
    return bool(np.all(levels < half))
