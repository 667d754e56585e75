"""Stops, trails and targets that are closer than what a fill costs and what a bar moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dsl.analysis.catalog import catalog
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator, truth_series
from dsl.syntax.vocabulary import DISTANCES
from dsl.terms.terms import Term, call, number
from evolve.backtest.market import Market

ATR_BARS, ATR_SHARE = 14, 0.25
SIDES = 2  # an entry and an exit


def list_tight(
    programs: Sequence[Program], bars: Bars, market: Market, start: int = 0
) -> list[str]:
    """Return a sentence for each distance below the costs of a trade plus a quarter of `atr(14)`.

    It counts the bars with an entry signal on which the distance is that small. A bar moves by more
    than that, so such a distance ends most trades within a bar, at prices that bars do not show.

    Args:
        programs: checked strategies.
        bars: bars of one or more symbols.
        market: fills and costs.
        start: first bar that counts.
    """
    return [text for each in programs for text in _list_tight(each, bars, market, start)]


def _list_tight(program: Program, bars: Bars, market: Market, start: int) -> Iterator[str]:
    distances = [(name, term) for name, term in program.rules.named() if name in DISTANCES]
    if not distances:
        return
    symbols = range(len(bars.symbols))
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in symbols])
    entering = []
    for symbol in symbols:
        signals = evaluator.signals([program], symbol)
        entries = signals.order("buy") | signals.order("short")
        entries[: np.searchsorted(bars.priced_indices(symbol), start)] = False
        entering.append(entries)
    total = sum(int(each.sum()) for each in entering)
    for name, term in distances:
        is_tight = _build_condition(term, market)
        count = sum(
            int((entering[symbol] & (truth_series(evaluator, is_tight, symbol) == 1.0)).sum())
            for symbol in symbols
        )
        if count:
            yield (
                f"the {name} of `{program.name}` is below the costs of a trade plus a quarter of "
                f"atr({ATR_BARS}) on {count:,} of {total:,} bars with an entry signal: one bar may "
                "reach it, in an order that bars do not show"
            )


def _build_condition(distance: Term, market: Market) -> Term:
    """Return the condition that a distance is too small; a literal is a fraction of the price."""
    find = catalog().operator
    close = call(find("close"))
    if distance.value is not None:
        distance = call(find("*"), number(distance.value), close)
    costs = number(SIDES * (market.commission + market.slippage))
    atr = call(find("atr"), number(ATR_BARS))
    limit = call(find("+"), call(find("*"), costs, close), call(find("*"), number(ATR_SHARE), atr))
    return call(find("<"), distance, limit)
