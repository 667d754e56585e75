"""The values of expressions, and what it means for two series to be equal."""

from __future__ import annotations

import numpy as np

from dsl.analysis.check import check_expression
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from tests.samples import Values


def values(expression: str, bars: Bars) -> Values:
    """float64[bar]: an expression on the first symbol; a condition gives 1 and 0."""
    return Evaluator(bars).series(check_expression(expression)).astype(np.float64)


def assert_identical(found: Values, expected: Values) -> None:
    """Both hold the very same floats; unknown equals unknown."""
    np.testing.assert_array_equal(found, expected, strict=True)


def assert_close(found: Values, expected: Values, since: int = 0) -> None:
    """Both know the same bars, and agree there to nine digits (of the series' own scale)."""
    found, expected = found[since:], expected[since:]
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), "other bars are unknown")
    scale = float(np.nanmedian(np.abs(expected)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)


def first_known(series: Values) -> int:
    """The first bar that is known; the number of bars if there is none."""
    known = np.flatnonzero(~np.isnan(series))
    return int(known[0]) if len(known) else len(series)
