"""Programs and terms on the bars of a panel, each symbol read by itself."""

from __future__ import annotations

import math

import numpy as np

from dsl.analysis.catalog import catalog
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate.evaluator import Evaluator, Row
from dsl.evaluate.signals import Signals
from dsl.terms.canonical import canonicalize, negate
from dsl.terms.terms import Term


def evaluate(program: Program, bars: Bars) -> tuple[Signals, ...]:
    """The signals of one program on the bars of a panel, one entry a symbol.

    Each symbol is read by itself: a bar that it has not does not exist for it.
    """
    symbols = range(len(bars.symbols))
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in symbols])
    return tuple(
        evaluator.signals([program], symbol).on(bars.priced_indices(symbol), len(bars))
        for symbol in symbols
    )


def truth_values(term: Term, bars: Bars) -> Row:
    """Return float64[symbol, bar]: 1 where a condition holds, 0 where it fails, NaN elsewhere.

    A condition fails where its negation holds. Where neither holds, it is unknown.
    """
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in range(len(bars.symbols))])
    rows = np.full((len(bars.symbols), len(bars)), math.nan)
    for symbol, row in enumerate(rows):
        row[bars.priced_indices(symbol)] = truth_series(evaluator, term, symbol)
    return rows


def truth_series(evaluator: Evaluator, term: Term, symbol: int = 0) -> Row:
    """Return float64[own bar], the truth values of a condition on a symbol's bars.

    See `truth_values`.
    """
    find = catalog().operator
    holds = evaluator.series(canonicalize(term, find), symbol)
    fails = evaluator.series(canonicalize(negate(term, find), find), symbol)
    return np.where(holds, 1.0, np.where(fails, 0.0, math.nan))


def values(term: Term, bars: Bars) -> Row:
    """Return float64[symbol, bar] (or bool of a condition): the values of a term on a panel.

    A value is NaN if it exceeds the largest number, or if the symbol has no bar; a condition is
    false there.
    """
    rows, symbols = [], range(len(bars.symbols))
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in symbols])
    for symbol in symbols:
        own = evaluator.series(term, symbol)
        missing = False if own.dtype == np.bool_ else math.nan
        row = np.full(len(bars), missing, own.dtype)
        row[bars.priced_indices(symbol)] = np.where(np.isinf(own), missing, own)
        rows.append(row)
    return np.stack(rows)
