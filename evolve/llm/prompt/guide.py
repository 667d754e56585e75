"""A description of the language for models, from `prompts/language.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dsl.analysis.catalog import catalog
from dsl.printing.reference import group_operators
from dsl.terms.operator import Operator
from evolve.llm.prompt.templates import render

EXAMPLE_OPERATORS = {"sma", "rsi", "atr", "*"}  # of the example in the template


def guide_text() -> str:
    """Render the description of the full language."""
    return render("language.md", **build_guide_values(catalog(), ("long", "short")))


def build_guide_values(operators: Iterable[Operator], directions: Sequence[str]) -> dict[str, Any]:
    """Return the values of `prompts/language.md`.

    Args:
        operators: the allowed operators, with the series.
        directions: the allowed directions, of `long` and `short`.
    """
    allowed = list(operators)
    by_family = {
        family or "of this experiment": [each for each in members if not each.series]
        for family, members in group_operators(allowed).items()
    }
    return {
        "series": [each.name for each in allowed if each.series],
        "families": {family: members for family, members in by_family.items() if members},
        "shows_example": "long" in directions
        and {each.name for each in allowed} >= EXAMPLE_OPERATORS,
        "operators": [each.name for each in allowed],
        "arithmetic": [sign for sign in "+-*/" if any(each.name == sign for each in allowed)],
        "directions": tuple(directions),
    }
