"""Bars on which the signals of a trade were true, and words for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.syntax.vocabulary import DIRECTION_ORDERS, DirectionName
from evolve.backtest.backtest import Trade
from evolve.backtest.market import CLOSE, Market
from evolve.report.page.performance.rule_values import RuleValues

SETTINGS = ("stop", "trail", "target", "hold")  # the reasons of exits that are settings
OPPOSITE: dict[DirectionName, DirectionName] = {"long": "short", "short": "long"}


@dataclass(frozen=True)
class Signal:
    """Reason of a fill.

    Attributes:
        text: the rule or setting, with the values that it read.
        bar: the bar of the symbol on which the rule was true; None for an exit without a signal.
    """

    text: str
    bar: int | None


class TradeSignals:
    """Signals of the trades of one symbol.

    An order fills on the bar after its signal, or on the same bar if orders fill at the close. With
    a cap on volume it may wait longer: an entry then has the last signal before its fill, an exit
    the first one since the entry.
    """

    def __init__(self, program: Program, bars: Bars, market: Market) -> None:
        """Evaluate the rules.

        Args:
            program: the strategy.
            bars: bars of the symbol, from the first bar of the warm-up on.
            market: fills and costs.
        """
        self.bars = bars
        self._values = RuleValues(program, bars)
        self._delay = 0 if market.fill == CLOSE else 1
        orders = self._values.orders
        single = ~(orders["buy"] & orders["short"])
        self._entries = {
            side: np.flatnonzero(orders[entry] & single & ~orders[leave])
            for side, (entry, leave) in DIRECTION_ORDERS.items()
        }
        self._exits = {
            side: np.flatnonzero(orders[leave]) for side, (_, leave) in DIRECTION_ORDERS.items()
        }

    def locate(self, moment: np.datetime64) -> int:
        """Return the bar of the symbol at a time."""
        return int(np.searchsorted(self.bars.time, moment))

    def explain_entry(self, trade: Trade) -> Signal:
        """Explain the entry of a trade."""
        bar = self._find_entry(trade.side, trade.entry_time)
        entry, _ = DIRECTION_ORDERS[trade.side]
        return Signal(self._values.describe_order(entry, bar), bar)

    def explain_exit(self, trade: Trade, end: str) -> Signal:
        """Explain the exit of a trade.

        Args:
            trade: the trade.
            end: words for the end of the window.
        """
        if trade.reason == "signal":
            first = self.locate(trade.entry_time) + 1 - self._delay
            exits = self._exits[trade.side]
            bar = int(exits[np.searchsorted(exits, first)])
            return Signal(self._values.describe_order(DIRECTION_ORDERS[trade.side][1], bar), bar)
        if trade.reason == "reverse":
            other = OPPOSITE[trade.side]
            bar = self._find_entry(other, trade.exit_time)
            text = self._values.describe_order(DIRECTION_ORDERS[other][0], bar)
            return Signal(f"reverse, {text}", bar)
        if trade.reason in SETTINGS:
            bar = self._find_entry(trade.side, trade.entry_time)
            return Signal(self._values.describe_setting(trade.reason, bar), None)
        return Signal(end if trade.reason == "end" else "ruin: no equity is left", None)

    def _find_entry(self, side: DirectionName, moment: np.datetime64) -> int:
        """Return the bar of the last entry signal that can fill at a time."""
        last = self.locate(moment) - self._delay
        signals = self._entries[side]
        return int(signals[np.searchsorted(signals, last, "right") - 1])
