"""References of all operators: expressions, and an independent way to compute their series.

TA-Lib computes indicators that it has, pandas rolling statistics, and a plain definition the rest.
"""

from __future__ import annotations

from tests.dsl import references_indicators as indicators
from tests.dsl import references_series as series
from tests.dsl.market import Reference

# Equal from the first bar on.
REFERENCES: dict[str, Reference] = {
    **series.ARITHMETIC,
    **series.AVERAGES,
    **series.STATISTICS,
    **indicators.MOMENTUM,
    **indicators.VOLATILITY,
    **indicators.VOLUME,
    **indicators.CONDITIONS,
    **indicators.EVENTS,
}

# Equal after SETTLED_BARS, as TA-Lib starts these recursions with other values.
ONCE_SETTLED = indicators.ONCE_SETTLED
SETTLED_BARS = 400
