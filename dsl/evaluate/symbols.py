"""Evaluation of programs and terms on the bars of a panel, each symbol separately."""

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
    """Return the signals of one program on the bars of a panel, one entry per symbol.

    Symbols are evaluated separately, without the bars that they do not have.
    """
    symbols = range(len(bars.symbols))
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in symbols])
    return tuple(
        evaluator.signals([program], symbol).reindex(bars.priced_indices(symbol), len(bars))
        for symbol in symbols
    )


def truth_values(term: Term, bars: Bars) -> Row:
    """Return float64[symbol, bar]: 1 where a condition holds, 0 where it fails, NaN elsewhere.

    A condition fails where its negation holds. It is unknown where neither holds.
    """
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in range(len(bars.symbols))])
    rows = np.full((len(bars.symbols), len(bars)), math.nan)
    for symbol, row in enumerate(rows):
        row[bars.priced_indices(symbol)] = truth_series(evaluator, term, symbol)
    return rows


def truth_series(evaluator: Evaluator, term: Term, symbol: int = 0) -> Row:
    """Return float64[bar], the truth values of a condition on the bars of one symbol.

    See `truth_values`.
    """
    find = catalog().operator
    holds = evaluator.series(canonicalize(term, find), symbol)
    fails = evaluator.series(canonicalize(negate(term, find), find), symbol)
    return np.where(holds, 1.0, np.where(fails, 0.0, math.nan))


def values(term: Term, bars: Bars) -> Row:
    """Return float64[symbol, bar], the values of a canonical term, or bool of a condition.

    A value is NaN if it overflows or if the symbol has no bar. A condition is false there.
    """
    rows, symbols = [], range(len(bars.symbols))
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in symbols])
    for symbol in symbols:
        series = evaluator.series(term, symbol)
        missing = False if series.dtype == np.bool_ else math.nan
        row = np.full(len(bars), missing, series.dtype)
        row[bars.priced_indices(symbol)] = np.where(np.isinf(series), missing, series)
        rows.append(row)
    return np.stack(rows)
