"""Results of a strategy at multiples of all costs."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.backtest.market import Market
from evolve.backtest.metrics import DEFAULT_METRIC, measure

COST_FACTORS = (1.0, 2.0, 4.0)


@dataclass(frozen=True)
class AtCosts:
    """Result at a multiple of all costs.

    Attributes:
        factor: the multiple.
        metric: the metric; NaN if it has no value.
        total_return: total return, a fraction.
    """

    factor: float
    metric: float
    total_return: float


def measure_costs(
    program: Program, bars: Bars, market: Market, start: int = 0, metric: str = DEFAULT_METRIC
) -> tuple[AtCosts, ...]:
    """Backtest a strategy at each multiple of COST_FACTORS.

    Args:
        program: a checked strategy.
        bars: bars of one or more symbols.
        market: fills and costs at the multiple 1.
        start: first bar of the window; earlier bars warm the indicators.
        metric: name of the metric.
    """
    rows = []
    for factor in COST_FACTORS:
        result = backtest(program, bars, market.scale_costs(factor), start)
        values = measure(result.performance, (metric, "total_return"))
        rows.append(AtCosts(factor, values[metric], values["total_return"]))
    return tuple(rows)
