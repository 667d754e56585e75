"""Counts since 1970, whose unit is decided by the column as a whole."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Unit = Literal["s", "ms", "us", "ns"]

UNITS: dict[Unit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # per second
EARLIEST = -2_208_988_800  # 1900-01-01 in seconds since 1970
LATEST = 4_102_444_800  # 2100-01-01
FIRST_CERTAIN = 10**8  # 1973-03-03; from here to LATEST, a count has one unit
MAX_STEP = 366 * 86_400
MINUTE = 60


def find_unit(counts: NDArray[np.float64]) -> Unit | None:
    """Return the only plausible unit of counts since 1970; None if there is none or several.

    A unit is plausible if all times are from 1900 to 2100. If all are before March 1973, they must
    be whole minutes too: small numbers of another kind, such as row numbers or days since 1900, are
    not. A unit with a step of at most one year precedes one whose steps are all longer.

    Args:
        counts: float64[row], the known counts.
    """
    distinct = np.unique(counts)
    plausible = [unit for unit in UNITS if _is_plausible(distinct, UNITS[unit])]
    if len(distinct) > 1:
        step = np.min(np.diff(distinct))
        plausible = [unit for unit in plausible if step <= MAX_STEP * UNITS[unit]] or plausible
    certain = [unit for unit in plausible if distinct[-1] >= FIRST_CERTAIN * UNITS[unit]]
    found = certain or plausible
    return found[0] if len(found) == 1 else None


def convert_counts(raw: pd.Series, unit: Unit) -> pd.Series:
    """Convert counts since 1970 to times; whole numbers convert exactly."""
    counts = pd.to_numeric(raw, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    exact = raw.astype("int64") if np.isfinite(counts).all() else counts
    return pd.Series(pd.to_datetime(exact, unit=unit, errors="coerce"), raw.index)


def _is_plausible(distinct: NDArray[np.float64], per_second: int) -> bool:
    low, high = distinct[0] / per_second, distinct[-1] / per_second
    if low < EARLIEST or high > LATEST:
        return False
    is_whole = len(distinct) > 1 and not np.any(np.mod(distinct, MINUTE * per_second))
    return bool(high >= FIRST_CERTAIN or is_whole)
