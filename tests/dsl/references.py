"""What each operator must give: expressions, and an independent way to compute the same series.

By TA-Lib where it has the indicator, by pandas for rolling statistics, else by definition.
"""

from __future__ import annotations

from tests.dsl import references_indicators as indicators
from tests.dsl import references_series as series
from tests.dsl.market import Reference

# From the first bar on.
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

# TA-Lib starts these recursions otherwise: equal once the start is forgotten, after SETTLED_BARS.
ONCE_SETTLED = indicators.ONCE_SETTLED
SETTLED_BARS = 400
