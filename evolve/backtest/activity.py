"""Counts of bars on which the rules of a strategy are true, or entries are blocked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator, Signals, truth_series
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ORDERS, SERIES_SETTINGS
from dsl.terms.terms import Term
from dsl.terms.text import format_term
from evolve.backtest.market import CLOSE, NEXT_CLOSE, Market
from evolve.backtest.performance import Series
from evolve.backtest.sleeve import share_of_market

Flags = NDArray[np.bool_]

TOGETHER = "`buy` and `short` are both true, which enters nothing"
LAST = "the window ends before the order fills"
NO_VOLUME = "`max_volume_share` leaves no volume on the bar of the fill"
NO_MONEY = "the money for the order does not cover the minimum commission"


@dataclass(frozen=True)
class Tally:
    """Counts of a condition on the bars of a window, summed over symbols.

    Attributes:
        text: source of the condition.
        true: bars on which it is true.
        known: bars on which it is true or false, not unknown.
        bars: all bars.
    """

    text: str
    true: int
    known: int
    bars: int


@dataclass(frozen=True)
class RuleActivity:
    """Counts of a rule and of the operands of its top-level `and`.

    Attributes:
        name: `buy`, `sell`, `short` or `cover`.
        whole: counts of the rule.
        parts: counts of its operands, or of the rule if it has no `and`; empty if not split.
    """

    name: str
    whole: Tally
    parts: tuple[Tally, ...]


@dataclass(frozen=True)
class Activity:
    """Activity of the rules of a strategy on a window.

    Attributes:
        rules: counts of each order of the strategy.
        entries: bars with a true `buy` or `short`.
        blocked: number of entries that cannot fill, by the first reason that applies.
        capped: number of entries with a size above `max_leverage`.
    """

    rules: tuple[RuleActivity, ...]
    entries: int
    blocked: dict[str, int]
    capped: int


def measure_activity(
    program: Program, bars: Bars, market: Market, start: int = 0, has_traded: bool = True
) -> Activity:
    """Count the bars on which each rule is true, from bar `start` on.

    Args:
        program: a checked strategy.
        bars: the window, preceded by the bars of the warm-up.
        market: fills and costs; leverage and the volume cap decide which entries fill.
        start: first bar of the window.
        has_traded: if true, split only rules that are never true; else split every rule.
    """
    symbols = range(len(bars.symbols))
    panels = [bars.select_symbol(symbol) for symbol in symbols]
    firsts = [int(np.searchsorted(bars.priced_indices(symbol), start)) for symbol in symbols]
    evaluator = Evaluator(*panels)
    share = share_of_market(market, len(panels))
    rules = []
    for name in ORDERS:
        term = getattr(program.rules, name)
        if term is None:
            continue
        whole = _count(evaluator, term, firsts)
        operands = list(iterate_operands(term))
        is_split = not has_traded and len(operands) > 1
        if whole.true and not is_split:
            operands = []
        parts = tuple(_count(evaluator, each, firsts) for each in operands)
        rules.append(RuleActivity(name, whole, parts))
    entries, capped, blocked = 0, 0, Counter[str]()
    for symbol in symbols:
        signals = evaluator.signals([program], symbol)
        entering = signals.order("buy") | signals.order("short")
        entering[: firsts[symbol]] = False
        settings: dict[str, Series] = {
            name: _read_setting(program, signals, name) for name in SERIES_SETTINGS
        }
        entries += int(entering.sum())
        capped += int((entering & (settings["size"] > market.max_leverage)).sum())
        blocked += _count_blocked(
            entering, _find_entry_blocks(signals, settings, panels[symbol], share)
        )
    return Activity(tuple(rules), entries, dict(blocked), capped)


def iterate_operands(term: Term) -> Iterator[Term]:
    """Yield the operands of nested `and`s in source order."""
    if term.head != "and":
        yield term
        return
    for arg in term.args:
        yield from iterate_operands(arg)


def _count_blocked(entries: Flags, obstacles: Iterable[tuple[str, Flags]]) -> Counter[str]:
    """Count the entries that each obstacle blocks; an entry counts for the first that applies."""
    counts = Counter[str]()
    for reason, applies in obstacles:
        counts[reason] = int((entries & applies).sum())
        entries = entries & ~applies
    return counts


def _count(evaluator: Evaluator, term: Term, firsts: list[int]) -> Tally:
    """Count the bars on which a condition is true and known."""
    series = [truth_series(evaluator, term, symbol)[first:] for symbol, first in enumerate(firsts)]
    true = sum(int(np.count_nonzero(each == 1.0)) for each in series)
    known = sum(int(np.count_nonzero(each == each)) for each in series)
    return Tally(format_term(term), true, known, sum(map(len, series)))


def _find_entry_blocks(
    signals: Signals, settings: Mapping[str, Series], bars: Bars, market: Market
) -> Iterator[tuple[str, Flags]]:
    """Yield each reason why a signal enters nothing, with the bars on which it applies.

    Args:
        signals: signals of one program on the bars.
        settings: float64[bar], the values of each setting.
        bars: bars of one symbol.
        market: market of the sleeve; its capital is the sleeve's.
    """
    orders = {name: signals.order(name) for name in ORDERS}
    yield TOGETHER, orders["buy"] & orders["short"]
    for entry, leave in DIRECTION_ORDERS.values():
        yield f"`{leave}` is true with `{entry}` and blocks it", orders[entry] & orders[leave]
    for name, values in settings.items():
        yield f"`{name}` is unknown", np.isnan(values)
        yield f"`{name}` is not above 0", values <= 0.0
    # With next_close, an entry at the last close would be closed at once: it is dropped.
    yield LAST, np.arange(len(bars)) >= len(bars) - (2 if market.fill == NEXT_CLOSE else 1)
    volume = bars.volume[0]
    fills = volume if market.fill == CLOSE else np.append(volume[1:], np.nan)[: len(bars)]
    yield NO_VOLUME, (fills == 0.0) & np.isfinite(market.max_volume_share)
    money = np.minimum(settings["size"], market.max_leverage) * market.capital
    yield NO_MONEY, money <= market.commission_minimum


def _read_setting(program: Program, signals: Signals, name: str) -> Series:
    """Return float64[bar], the values of a setting; 1, which blocks nothing, if it is not set."""
    term = getattr(program.canonical, name)
    if term is None or term.value is not None:
        return np.full(signals.orders.shape[1], 1.0 if term is None else term.value)
    values: Series = signals.settings[int(signals.rows[0, SERIES_SETTINGS.index(name)])]
    return values
