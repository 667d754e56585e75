"""Random programs of a fixed set of operators; a new operator does not change a test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from dsl.analysis.program import Program
from evolve.search.grow import grow_rules
from evolve.search.prior import PRIORS
from evolve.search.space import Space, build_space

BOTH = ("long", "short")
NAMES = """
open high low close volume weekday month day_of_month lag + - * / negate min max abs sign sqrt
log exp power floor where sma ema rma wma smooth kama count bars_since valuewhen consecutive
< <= > >= == != and or not highest lowest highest_bar lowest_bar percentrank quantile
correlation covariance slope rsquare sum stdev mad skew kurt product cumulate obv change roc
zscore dema tema hma vwma typical_price rolling_vwap linreg midpoint median variance intercept
resid vwap returns body range gap rising falling any all crossover crossunder rsi macd
macd_signal macd_hist stoch_k stoch_d stochrsi willr aroon_up aroon_down cmo ppo trix
true_range pressure ultosc cci money_flow_up money_flow_down mfi atr bb_upper bb_lower natr
bb_width bb_percent keltner_upper keltner_lower parkinson garman_klass close_location
located_volume ad adosc cmf signed_power clip plus_dm minus_dm plus_di minus_di adx
"""
OPERATORS = tuple(NAMES.split())


@cache
def space_of(*directions: str) -> Space:
    """Return the search space of the fixed operators, all alike; both directions by default."""
    return build_space(OPERATORS, directions or BOTH, prior=PRIORS["flat"])


def random_programs(
    count: int, seed: int | str | Random, directions: Sequence[str] = BOTH
) -> list[Program]:
    """Return random programs that the search could generate.

    Args:
        count: number of programs.
        seed: seed of the random generator, or the generator itself.
        directions: `long`, `short` or both.
    """
    rng = seed if isinstance(seed, Random) else Random(seed)
    return [Program("p", grow_rules(space_of(*directions), rng)) for _ in range(count)]
