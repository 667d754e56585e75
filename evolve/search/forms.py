"""Forms: what people compare, and of which series they compute indicators.

Most people compare two prices, or an oscillator with a number, and compute indicators of the close.
`benchmarks/forms.csv` has the counts; its shares are repeated here, in tenths of a percent, and a
test compares them.
"""

from __future__ import annotations

from dsl.generate.productions import Constant, Production
from dsl.terms.operator import Operator
from dsl.types.kinds import BOOL, Kind

Form = tuple[str, ...]
"""Families of the series that a production takes, and NUMBER for a literal."""

NUMBER = "number"
COMPARED: dict[Form, int] = {
    ("level", "level"): 429,
    ("oscillator", NUMBER): 322,
    ("ratio", NUMBER): 125,
    ("volume", "volume"): 34,
    ("diff", "diff"): 29,
    ("oscillator", "oscillator"): 26,
    ("change", NUMBER): 19,
    ("diff", NUMBER): 16,
}
ARGUMENTS: dict[str, int] = {"level": 982, "change": 7, "volume": 7, "oscillator": 5}
NOT_COUNTED = 2
PRICES = {
    "close": 682, "typical_price": 102, "open": 85, "low": 72, "high": 55, "vwap": 4,
}  # fmt: skip
CROSSED = 120  # of all comparisons


def find_form(production: Production) -> Form:
    """Return the form of a production."""
    return tuple(
        each.family if isinstance(each, Kind) else NUMBER
        for each in production.domains
        if isinstance(each, Kind | Constant) and each != BOOL
    )


def weigh_form(form: Form, is_condition: bool) -> float:
    """Return the weight of a form among those of an operator.

    Args:
        form: the form.
        is_condition: whether the operator returns a condition, as comparisons do.
    """
    if is_condition and len(form) == 2:
        return COMPARED.get(form, NOT_COUNTED)
    weight = 1.0
    for family in set(form) - {NUMBER}:
        weight *= ARGUMENTS.get(family, NOT_COUNTED)
    return weight


def weigh_symbol(operator: Operator) -> float:
    """Return how usual a price or comparison is, compared with the close or with a crossing."""
    if operator.complement:
        return (1000 - CROSSED) / CROSSED
    return PRICES.get(operator.name, PRICES["close"]) / PRICES["close"]
