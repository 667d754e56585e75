"""Values of expressions, and checks that two series are equal."""

from __future__ import annotations

import numpy as np

from dsl.analysis.check import check_expression
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from tests.samples import Values


def values(expression: str, bars: Bars) -> Values:
    """Return float64[bar]: an expression on the first symbol; a condition gives 1 and 0."""
    return Evaluator(bars).series(check_expression(expression)).astype(np.float64)


def assert_identical(found: Values, expected: Values) -> None:
    """Check that both have identical floats; NaN equals NaN."""
    np.testing.assert_array_equal(found, expected, strict=True)


def assert_close(found: Values, expected: Values, since: int = 0) -> None:
    """Check that both are unknown on equal bars, and agree elsewhere to nine digits."""
    found, expected = found[since:], expected[since:]
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), "unknown bars differ")
    scale = float(np.nanmedian(np.abs(expected)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)


def first_known(series: Values) -> int:
    """Return the first known bar; the number of bars if all are unknown."""
    known = np.flatnonzero(~np.isnan(series))
    return int(known[0]) if len(known) else len(series)
