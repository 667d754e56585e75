"""Signals of strategies for other engines, and the outcome there.

The rules of precedence are implemented here independently of the simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program, Rules
from dsl.bars import Bars
from dsl.evaluate import evaluate
from dsl.printing.decompile import format_program
from dsl.terms.canonical import MeaningError
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import BPS, FillMode, Market, market
from tests.programs import BOTH, random_programs
from tests.samples import random_bars

Series = NDArray[np.float64]
Condition = NDArray[np.bool_]

PLAIN = ("buy", "sell", "short", "cover")
CAPITAL = 1e15  # large, as backtesting.py trades whole units
MIN_TRADES = 10
NEVER = 1 << 40  # bars


@dataclass(frozen=True, eq=False)
class SignalArrays:
    """Signals of a strategy on the bars of a symbol.

    Attributes:
        enters_long, enters_short: bool[bar], entries that are not blocked or refused.
        leaves_long, leaves_short: bool[bar], exits.
        size: float64[bar], a fraction of equity.
        stop, trail, target: float64[bar], infinite for none.
        ratios: settings that are ratios of the fill price.
        hold: bars after which a position is closed.
    """

    enters_long: Condition
    enters_short: Condition
    leaves_long: Condition
    leaves_short: Condition
    size: Series
    stop: Series
    trail: Series
    target: Series
    ratios: frozenset[str]
    hold: int


@dataclass(frozen=True)
class Terms:
    """Costs as fractions.

    Attributes:
        commission: fraction of the traded value, per side.
        per_share: money per share, per side.
        slippage: fraction of the price, against the trader.
        leverage: maximum leverage.
    """

    commission: float = 0.0
    per_share: float = 0.0
    slippage: float = 0.0
    leverage: float = 1.0

    def market(self, fill: FillMode, capital: float = CAPITAL) -> Market:
        """Return the market of these terms."""
        return market(
            capital,
            fill,
            commission_bps=self.commission / BPS,
            slippage_bps=self.slippage / BPS,
            commission_per_share=self.per_share,
            max_leverage=self.leverage,
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of another engine.

    Attributes:
        equity: float64[bar], at the close, after the fills of the bar.
        entry, leave: int64[trade], entry and exit bar, in order of exit.
        side: int64[trade], 1 or -1.
        shares, entry_price, exit_price, profit: float64[trade].
    """

    equity: Series
    entry: NDArray[np.int64]
    leave: NDArray[np.int64]
    side: NDArray[np.int64]
    shares: Series
    entry_price: Series
    exit_price: Series
    profit: Series


def read_signals(program: Program, bars: Bars) -> SignalArrays:
    """Return the signals of a program, with the rules of precedence applied."""
    (signals,) = evaluate(program, bars)
    buy, sell, short, cover = (signals.order(name) for name in PLAIN)
    asked, ratios, refused = {}, set(), np.zeros(len(bars), np.bool_)
    for column, name in enumerate(("size", "stop", "trail", "target")):
        row = int(signals.rows[0, column])
        asked[name] = np.full(len(bars), 1.0 if name == "size" else np.inf)
        if row >= 0:
            asked[name] = signals.settings[row].copy()
            refused |= ~(asked[name] > 0)
            if signals.is_ratio[0, column]:
                ratios.add(name)
    return SignalArrays(
        enters_long=buy & ~sell & ~short & ~refused,
        enters_short=short & ~cover & ~buy & ~refused,
        leaves_long=sell,
        leaves_short=cover,
        ratios=frozenset(ratios),
        hold=int(signals.hold_bars[0]) or NEVER,
        **asked,
    )


def grow(
    count: int,
    bars: Bars,
    seed: int,
    settings: Sequence[str] = (),
    directions: Sequence[str] = BOTH,
) -> list[Program]:
    """Return random strategies that trade, generated like those of the search.

    Args:
        count: number of strategies.
        bars: bars on which they must trade.
        seed: seed of the draw.
        settings: settings that they may have, at least one each; none if empty.
        directions: `long`, `short` or both.
    """
    rng, programs = Random(seed), list[Program]()
    while len(programs) < count:
        (drawn,) = random_programs(1, rng, directions)
        chosen = {name: term for name, term in drawn.rules.named() if name in (*PLAIN, *settings)}
        program = Program(f"grown_{len(programs)}", Rules(**chosen))
        if settings and not any(name in settings for name in chosen):
            continue
        try:
            trades = backtest(program, bars, market(CAPITAL)).trades
        except MeaningError:
            continue
        if len(trades) >= MIN_TRADES and {each.side for each in trades} == set(directions):
            programs.append(program)
    return programs


def crowded(seed: int, count: int = 1000) -> Bars:
    """Return random bars with contradictory orders for `scripted`."""
    bars = random_bars(seed, count)
    orders = np.random.default_rng(seed).integers(0, 16, (1, count)).astype(float)
    return replace(bars, volume=orders)


def assert_same(program: Program, found: Backtest, expected: Outcome, rtol: float = 1e-6) -> None:
    """Compare equity on each bar, and all trades."""
    text = format_program(program)
    trades = found.trades
    times = found.time
    entry = np.searchsorted(times, np.array([each.entry_time for each in trades], times.dtype))
    leave = np.searchsorted(times, np.array([each.exit_time for each in trades], times.dtype))
    side = [1 if each.side == "long" else -1 for each in trades]
    np.testing.assert_array_equal(entry, expected.entry, text)
    np.testing.assert_array_equal(leave, expected.leave, text)
    np.testing.assert_array_equal(side, expected.side, text)
    for name in ("shares", "entry_price", "exit_price"):
        values = [getattr(each, name) for each in trades]
        np.testing.assert_allclose(values, getattr(expected, name), rtol, err_msg=f"{name}\n{text}")
    value = expected.shares * expected.entry_price
    profit = np.array([each.profit for each in trades])
    np.testing.assert_allclose(profit / value, expected.profit / value, rtol, rtol, err_msg=text)
    np.testing.assert_allclose(found.equity, expected.equity, rtol, err_msg=text)
