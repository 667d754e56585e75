"""Random programs of a fixed set of operators.

The set is fixed by name: an operator added to the language changes no program that is drawn
here, and so no bound or golden value that depends on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from dsl.analysis.program import Program
from evolve.search.grow import grow_rules
from evolve.search.space import Space, build_space

OPERATORS = (
    "-", "*", "/", "+", "<=", ">=", "not", "lag", "abs", "log", "max", "min", "sign", "where",
    "sma", "ema", "wma", "kama", "highest", "lowest", "stdev", "zscore", "percentrank", "slope",
    "correlation", "change", "roc", "rsi", "macd", "cci", "stoch_k", "adx", "atr", "true_range",
    "bb_upper", "bb_lower", "obv", "mfi", "crossover", "crossunder", "rising", "falling", "any",
    "all", "count", "bars_since", "valuewhen", "weekday",
)  # fmt: skip


@cache
def program_space(directions: Sequence[str] = ("long", "short"), max_nodes: int = 40) -> Space:
    """The search space of the fixed operators."""
    return build_space(OPERATORS, directions, max_nodes)


def grow_programs(
    count: int, seed: int, directions: Sequence[str] = ("long", "short"), max_nodes: int = 40
) -> list[Program]:
    """Grow random programs from a seed."""
    space, rng = program_space(directions, max_nodes), Random(seed)
    return [Program("p", grow_rules(space, rng)) for _ in range(count)]
