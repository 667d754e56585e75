"""No strategy earns on a martingale, with any generator, exit, side and fill.

Without drift, the mean gross profit is 0. A mean above 0 is an error of the data or the simulation.
If a stop and a target lie in one bar, the stop comes first, so a pair may lose, but never gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, Backtester
from evolve.backtest.market import FILLS, FillMode, Market, market
from evolve.data import load
from evolve.data.generators import GENERATORS
from tests.data.test_tradability import printed_at_the_last_close

DRIFTLESS = {
    "walk": "drift=0",
    "garch": "drift=0",
    "ar": "drift=0&wander=0",
    "regime": "rise=0&fall=0",
    "planted": "drift=0&edge_bps=0&rule=rsi(close, 2) < 10",
}
EXITS = {
    "signal": "sell when close > open cover when close < open",
    "hold": "hold 1",
    "stop": "stop 0.5% hold 4",
    "tight stop": "stop 0.02% hold 2",
    "trail": "trail 0.5% hold 4",
    "tight trail": "trail 0.02% hold 2",
    "target": "target 0.5% hold 4",
    "tight target": "target 0.02% hold 2",
    "stop and target": "stop 0.3% target 1% hold 5",
    "tight stop and target": "stop 0.02% target 0.02% hold 5",
    "trail and target": "trail 1% target 1% hold 5",
}
SIDES = {"buy": 1.0, "short": -1.0}
ENTRIES = ("close < open", "true")
ERRORS = 4.0


def strategies(exits: str) -> list[tuple[Program, float]]:
    """Return strategies of one side each, with the sign of its positions."""
    return [
        (check(f"strategy s {{ {side} when {entry} {exits} }}"), sign)
        for entry in ENTRIES
        for side, sign in SIDES.items()
    ]


def gains_bps(run: Backtest, side: float) -> np.ndarray:
    """Return float64[trade]: profit over the value at the entry, in basis points."""
    trades = run.performance.trades
    share = trades.profits / trades.turnover  # of the sum of both values
    gains: np.ndarray = 2e4 * share / (1.0 - side * share)
    return gains


def mean_and_error(samples: Iterator[np.ndarray]) -> tuple[float, float]:
    """Return the mean over all trades, and its standard error with each seed a cluster."""
    counted = [(each.sum(), len(each)) for each in samples]
    sums, counts = (np.array(column, float) for column in zip(*counted, strict=True))
    mean = sums.sum() / counts.sum()
    error = np.std(sums - mean * counts, ddof=1) / np.sqrt(len(sums)) / counts.mean()
    return float(mean), float(error)


def bars_of(generator: str, seeds: int, count: int, change: Callable[[Bars], Bars]) -> list[Bars]:
    specs = [
        f"synthetic:{generator}?seed={seed}&bars={count}&{DRIFTLESS[generator]}"
        for seed in range(seeds)
    ]
    return [change(load(spec).bars) for spec in specs]


def trade_seeds(bars: list[Bars], exits: str, costs: Market) -> Iterator[np.ndarray]:
    """Yield the gains of each seed, of all sides together."""
    programs = strategies(exits)
    for each in bars:
        run = Backtester(each, costs)
        yield np.concatenate([gains_bps(run(program), side) for program, side in programs])


def assert_nobody_earns(
    generator: str, seeds: int, count: int, change: Callable[[Bars], Bars]
) -> None:
    bars = bars_of(generator, seeds, count, change)
    for fill in FILLS:
        free = market(fill=fill, commission_bps=0, slippage_bps=0)
        for name, exits in EXITS.items():
            mean, error = mean_and_error(trade_seeds(bars, exits, free))
            assert mean <= ERRORS * error + 1e-9, (generator, fill, name, mean, error)
            if " and " not in name:
                assert mean >= -ERRORS * error - 1e-9, (generator, fill, name, mean, error)


def as_they_are(bars: Bars) -> Bars:
    return bars


def as_an_index(bars: Bars) -> Bars:
    """Return bars whose opens are not traded, marked as such."""
    return replace(printed_at_the_last_close(bars), closes_only=bars.symbols)


def test_each_generator_has_options_without_drift() -> None:
    assert set(DRIFTLESS) == set(GENERATORS)


@pytest.mark.parametrize("generator", ["walk", "garch"])
def test_nobody_earns_on_a_martingale(generator: str) -> None:
    """Use two generators; the slow test below uses all."""
    assert_nobody_earns(generator, 4, 600, as_they_are)


@pytest.mark.slow
@pytest.mark.parametrize("change", [as_they_are, as_an_index])
@pytest.mark.parametrize("generator", GENERATORS)
def test_nobody_earns_on_long_martingales(generator: str, change: Callable[[Bars], Bars]) -> None:
    assert_nobody_earns(generator, 12, 5_000, change)


@pytest.mark.parametrize("fill", FILLS)
def test_with_costs_every_strategy_loses(fill: FillMode) -> None:
    bars = bars_of("walk", 4, 1_500, as_they_are)
    for name, exits in EXITS.items():
        mean, error = mean_and_error(trade_seeds(bars, exits, market(fill=fill)))
        assert mean < 0, (fill, name, mean, error)


def test_gains_on_untraded_opens_are_detected() -> None:
    """Use opens that equal the last close, at which no order could fill."""
    with pytest.raises(AssertionError, match="stop"):
        assert_nobody_earns("walk", 4, 600, printed_at_the_last_close)
