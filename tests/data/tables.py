"""Small price files, and checks of bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dsl.bars import FIELDS, Bars
from evolve.data import load
from evolve.errors import EvolveError

HEAD = "Date,Open,High,Low,Close,Volume"
ROWS = (
    "2024-01-02,10,12,9,11,1000",
    "2024-01-03,11,13,10,12,1100",
    "2024-01-04,12,14,11,13,1200",
    "2024-01-05,13,15,12,14,1300",
)


def csv(path: Path, *rows: str, head: str = HEAD) -> str:
    """Write a CSV file and return its spec."""
    path.write_text("\n".join([head, *rows]) + "\n")
    return f"csv:{path}"


def hourly_csv(path: Path, days: int = 20) -> str:
    """Write a CSV file of seven hourly bars per day from 10:30, and return its spec."""
    first = np.datetime64("2024-01-02T10:30")
    times = [first + np.timedelta64(24 * day + hour, "h") for day in range(days)
             if (day + 1) % 7 not in (5, 6) for hour in range(7)]  # fmt: skip
    close = 100 + 3 * np.sin(np.arange(len(times)) / 3.0)
    rows = [f"{t},{c - 0.1},{c + 1},{c - 1},{c},1000" for t, c in zip(times, close, strict=True)]
    return csv(path, *rows)


def frame(count: int = 4, first: str = "2024-01-01") -> pd.DataFrame:
    """Return a table in the form of Yahoo: raw prices and Adj Close, indexed by naive dates."""
    close = 100.0 + np.arange(count)
    return pd.DataFrame(
        {
            "Open": close - 0.5,
            "High": close + 1,
            "Low": close - 1,
            "Close": close,
            "Adj Close": close / 2,
            "Volume": np.arange(count) + 1000,
        },
        index=pd.DatetimeIndex(pd.bdate_range(first, periods=count), name="Date"),
    )


def refusal(spec: str) -> EvolveError:
    """Return the error of a spec that cannot be loaded."""
    with pytest.raises(EvolveError) as caught:
        load(spec)
    return caught.value


def days_of(bars: Bars) -> list[str]:
    """Return the dates of bars."""
    return [str(day) for day in bars.time.astype("datetime64[D]")]


def assert_sound(bars: Bars) -> None:
    """Check the properties on which each consumer of bars relies."""
    assert len(bars) > 0
    assert bars.time.dtype == np.dtype("datetime64[ns]")
    assert not np.any(np.isnat(bars.time))
    assert np.all(bars.time[1:] > bars.time[:-1])
    for name in (*FIELDS, "adjustment"):
        panel = getattr(bars, name)
        assert panel.shape == (1, len(bars))
        assert not panel.flags.writeable
        if name == "volume":
            assert np.all(np.isnan(panel) | (np.isfinite(panel) & (panel >= 0)))
        else:
            assert np.all(np.isfinite(panel) & (panel > 0)), name
    assert np.all(bars.high >= bars.low)


def assert_same(one: Bars, other: Bars) -> None:
    """Check that two bars have equal times and values."""
    assert one.time.tolist() == other.time.tolist()
    for name in (*FIELDS, "adjustment"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
