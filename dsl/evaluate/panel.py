"""Programs and terms on the bars of a panel, each symbol read by itself."""

from __future__ import annotations

import math

import numpy as np

from dsl.bars import Bars
from dsl.evaluate.evaluator import Evaluator, Row
from dsl.evaluate.signals import Signals
from dsl.program import Program
from dsl.terms import Term


def evaluate(program: Program, bars: Bars) -> tuple[Signals, ...]:
    """The signals of one program on the bars of a panel, one entry a symbol.

    Each symbol is read by itself: a bar that it has not does not exist for it.
    """
    symbols = range(len(bars.symbols))
    evaluator = Evaluator(*[bars.alone(symbol) for symbol in symbols])
    return tuple(
        evaluator.signals([program], symbol).on(bars.places(symbol), len(bars))
        for symbol in symbols
    )


def values(term: Term, bars: Bars) -> Row:
    """Return float64[symbol, bar] (or bool of a condition): the values of a term on a panel.

    They are NaN where they are beyond the largest number. Where a symbol has no bar they are NaN
    (or false).
    """
    rows, symbols = [], range(len(bars.symbols))
    evaluator = Evaluator(*[bars.alone(symbol) for symbol in symbols])
    for symbol in symbols:
        own = evaluator.series(term, symbol)
        missing = False if own.dtype == np.bool_ else math.nan
        row = np.full(len(bars), missing, own.dtype)
        row[bars.places(symbol)] = np.where(np.isinf(own), missing, own)
        rows.append(row)
    return np.stack(rows)
