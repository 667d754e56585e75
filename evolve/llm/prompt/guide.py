"""A description of the language for models, from `prompts/language.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from dsl.analysis.catalog import catalog
from dsl.printing.reference import group_operators
from dsl.terms.operator import Operator
from evolve.llm.prompt.templates import render

Guide = Literal["full", "compact", "names"]  # operators: described, with arguments, or only named
GUIDES: tuple[Guide, ...] = ("full", "compact", "names")  # from the longest to the shortest
MIXED_KIND = "number"  # of an operator whose result has the kinds of its arguments
EXAMPLE_OPERATORS = {"sma", "rsi", "atr", "*"}  # of the example in the template


def guide_text() -> str:
    """Render the description of the full language."""
    values = build_guide_values(catalog(), ("long", "short"))
    return render("language.md", guide="full", **values)


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
        "kinds": _group_by_kind(each for members in by_family.values() for each in members),
        "windows": _list_arguments(allowed, are_windows=True),
        "literals": _list_arguments(allowed, are_windows=False),
        "described": [each for each in allowed if each.is_user_defined],
    }


def _list_arguments(operators: Iterable[Operator], are_windows: bool) -> list[str]:
    """Return the names of the optional constants of predefined operators, each once."""
    slots = [slot for each in operators if _is_grouped(each) for slot in each.slots]
    listed = [
        each.name
        for each in slots
        if each.default is not None
        and (each.is_window if are_windows else each.takes_literal and not each.is_window)
    ]
    return list(dict.fromkeys(listed))


def _is_grouped(operator: Operator) -> bool:
    """Return whether the compact guide lists an operator; `x[n]` is explained elsewhere."""
    return not (operator.is_user_defined or operator.name == "lag" or operator.series)


def _group_by_kind(operators: Iterable[Operator]) -> dict[str, dict[str, list[str]]]:
    """Return the names of the predefined operators by the kind of the result, then arguments."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for each in operators:
        if not _is_grouped(each):
            continue
        kind = each.signature.partition(" -> ")[2] or MIXED_KIND
        arguments = ", ".join(slot.name for slot in each.slots)
        grouped.setdefault(kind, {}).setdefault(arguments, []).append(each.name)
    return grouped
