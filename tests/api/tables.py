"""Tables of prices for tests of the Python interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STRATEGY = "strategy s { buy when close > sma(close, 5) sell when close < sma(close, 5) }"


def build_table(count: int = 120, seed: int = 1, **columns: Any) -> pd.DataFrame:
    """Return a correct table with the times in its index, except for the given columns."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    frame = pd.DataFrame(
        {
            "Open": close * 0.999, "High": close * 1.01, "Low": close * 0.99, "Close": close,
            "Volume": np.round(rng.uniform(1e5, 2e5, count)),
        },
        index=pd.bdate_range("2020-01-01", periods=count),
    )  # fmt: skip
    return frame.assign(**columns)
