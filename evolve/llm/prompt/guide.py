"""The language described to a model, from `prompts/language.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dsl.analysis.catalog import catalog
from dsl.printing.reference import families
from dsl.terms.operator import Operator
from evolve.llm.prompt.templates import render

EXAMPLE_USES = {"sma", "rsi", "atr", "*"}  # the operators of the page's own example


def guide_text() -> str:
    """The whole language on one page, from `prompts/language.md`."""
    return render("language.md", **guide_values(catalog(), ("long", "short")))


def guide_values(operators: Iterable[Operator], directions: Sequence[str]) -> dict[str, Any]:
    """What `prompts/language.md` uses.

    Args:
        operators: those that may be written, series included.
        directions: of `long` and `short`.
    """
    allowed = list(operators)
    shown = {
        family or "of this experiment": [each for each in members if not each.series]
        for family, members in families(allowed).items()
    }
    return {
        "series": [each.name for each in allowed if each.series],
        "families": {family: members for family, members in shown.items() if members},
        "shows_example": "long" in directions and {each.name for each in allowed} >= EXAMPLE_USES,
        "operators": [each.name for each in allowed],
        "arithmetic": [sign for sign in "+-*/" if any(each.name == sign for each in allowed)],
        "directions": tuple(directions),
    }
