"""Counts of the bars on which each rule of a strategy was true, and of those that block entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator, Signals, truth_series
from dsl.syntax.vocabulary import ORDERS, SERIES_SETTINGS, SIDES
from dsl.terms.terms import Term
from dsl.terms.text import format_term
from evolve.backtest.market import CLOSE, NEXT_CLOSE, Market
from evolve.backtest.performance import Series
from evolve.backtest.sleeve import share_of_market

Flags = NDArray[np.bool_]

TOGETHER = "`buy` and `short` are both true, which enters nothing"
LAST = "the window ends before the order fills"
NO_VOLUME = "`max_volume_share` leaves no volume on the bar of the fill"
NO_MONEY = "the money for the order does not cover its minimum commission"


@dataclass(frozen=True)
class Tally:
    """A condition on the bars of a window, summed over symbols.

    Attributes:
        text: the condition as written.
        true: bars on which it holds.
        known: bars on which it is known whether it holds.
        bars: all of them.
    """

    text: str
    true: int
    known: int
    bars: int


@dataclass(frozen=True)
class RuleActivity:
    """A rule, and the operands of its top-level `and`.

    Attributes:
        name: `buy`, `sell`, `short` or `cover`.
        whole: the rule.
        parts: its operands, or the rule alone if it has no `and`; empty where they say no more.
    """

    name: str
    whole: Tally
    parts: tuple[Tally, ...]


@dataclass(frozen=True)
class Activity:
    """The rules of a strategy on a window.

    Attributes:
        rules: the orders it has, each with its counts.
        entries: bars with a true `buy` or `short`.
        blocked: of those, how many could not enter, by the first reason.
        capped: of those, how many have a size above `max_leverage`.
    """

    rules: tuple[RuleActivity, ...]
    entries: int
    blocked: dict[str, int]
    capped: int


def measure_activity(
    program: Program, bars: Bars, market: Market, start: int = 0, has_traded: bool = True
) -> Activity:
    """Return how often each rule was true over the bars from start.

    Args:
        program: a checked strategy.
        bars: the window, after the bars that warm the indicators.
        market: its leverage, volume cap and fills decide what can be entered.
        start: the first bar of the window.
        has_traded: whether only the rules that were never true are split into parts; if not, all.
    """
    symbols = range(len(bars.symbols))
    own = [bars.select_symbol(symbol) for symbol in symbols]
    firsts = [int(np.searchsorted(bars.priced_indices(symbol), start)) for symbol in symbols]
    evaluator = Evaluator(*own)
    share = share_of_market(market, len(own))
    rules = []
    for name in ORDERS:
        term = getattr(program.rules, name)
        if term is None:
            continue
        whole = _tally(evaluator, term, firsts)
        operands = list(_operands(term))
        is_split = not has_traded and len(operands) > 1
        if whole.true and not is_split:
            operands = []
        parts = tuple(_tally(evaluator, each, firsts) for each in operands)
        rules.append(RuleActivity(name, whole, parts))
    entries, capped, blocked = 0, 0, Counter[str]()
    for symbol in symbols:
        signals = evaluator.signals([program], symbol)
        entered = signals.order("buy") | signals.order("short")
        entered[: firsts[symbol]] = False
        settings: dict[str, Series] = {
            name: _setting(program, signals, name) for name in SERIES_SETTINGS
        }
        entries += int(entered.sum())
        capped += int((entered & (settings["size"] > market.max_leverage)).sum())
        blocked += _count_blocked(
            entered, _find_entry_blocks(signals, settings, own[symbol], share)
        )
    return Activity(tuple(rules), entries, dict(blocked), capped)


def _count_blocked(entered: Flags, obstacles: Iterable[tuple[str, Flags]]) -> Counter[str]:
    """Return how many entries each obstacle blocks; the first that applies to one counts."""
    counts = Counter[str]()
    for reason, applies in obstacles:
        counts[reason] = int((entered & applies).sum())
        entered = entered & ~applies
    return counts


def _tally(evaluator: Evaluator, term: Term, firsts: list[int]) -> Tally:
    """Return the counts of a written condition."""
    own = [truth_series(evaluator, term, symbol)[first:] for symbol, first in enumerate(firsts)]
    true = sum(int(np.count_nonzero(each == 1.0)) for each in own)
    known = sum(int(np.count_nonzero(each == each)) for each in own)
    return Tally(format_term(term), true, known, sum(map(len, own)))


def _operands(term: Term) -> Iterator[Term]:
    """Yield the operands of nested `and`s, in the order written."""
    if term.head != "and":
        yield term
        return
    for arg in term.args:
        yield from _operands(arg)


def _find_entry_blocks(
    signals: Signals, settings: Mapping[str, Series], own: Bars, market: Market
) -> Iterator[tuple[str, Flags]]:
    """Yield each reason why a signal enters nothing, with the bars where it applies.

    Args:
        signals: of one program on the symbol's own bars.
        settings: the values of each setting.
        own: the bars.
        market: its capital is the symbol's share.
    """
    orders = {name: signals.order(name) for name in ORDERS}
    bars = len(own)
    yield TOGETHER, orders["buy"] & orders["short"]
    for entry, leave in SIDES.values():
        yield f"`{leave}` is true with `{entry}` and blocks it", orders[entry] & orders[leave]
    for name, values in settings.items():
        yield f"`{name}` is unknown", np.isnan(values)
        yield f"`{name}` is not above 0", values <= 0.0
    # An order for the last close would be closed by it, so that it is not filled.
    yield LAST, np.arange(bars) >= bars - (2 if market.fill == NEXT_CLOSE else 1)
    volume = own.volume[0]
    fills = volume if market.fill == CLOSE else np.append(volume[1:], np.nan)[:bars]
    yield NO_VOLUME, (fills == 0.0) & np.isfinite(market.max_volume_share)
    money = np.minimum(settings["size"], market.max_leverage) * market.capital
    yield NO_MONEY, money <= market.commission_minimum


def _setting(program: Program, signals: Signals, name: str) -> Series:
    """Return the values of a setting; 1 for one that is not set, which blocks nothing."""
    term = getattr(program.canonical, name)
    if term is None or term.value is not None:
        return np.full(signals.orders.shape[1], 1.0 if term is None else term.value)
    values: Series = signals.settings[int(signals.rows[0, SERIES_SETTINGS.index(name)])]
    return values
