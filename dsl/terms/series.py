"""Bar series that operators and terms read, also through the bodies of defines."""

from __future__ import annotations

from functools import cache

from dsl.terms.operator import Operator
from dsl.terms.terms import Term


def reads_series(term: Term, series: str) -> bool:
    """Return whether a term reads a bar series, such as `volume`."""
    operators = (part.operator for part in term.walk())
    return any(each is not None and _reads_always(each, series) for each in operators)


@cache
def operator_reads(operator: Operator, series: str) -> bool:
    """Return whether an operator reads a bar series if its optional arguments are omitted."""
    defaults = [slot.default for slot in operator.slots if slot.default is not None]
    return _reads_always(operator, series) or any(reads_series(each, series) for each in defaults)


@cache
def _reads_always(operator: Operator, series: str) -> bool:
    """Return whether an operator reads a bar series with any arguments."""
    is_in_body = operator.body is not None and reads_series(operator.body, series)
    return operator.series == series or is_in_body
