"""Reference of the operators, generated from the catalog."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dsl.analysis.catalog import catalog
from dsl.analysis.program import lookback
from dsl.terms.operator import Operator
from dsl.terms.text import format_term
from dsl.types.kinds import LEVEL, Kind


def group_operators(operators: Iterable[Operator] | None = None) -> dict[str, list[Operator]]:
    """Return the operators that are written as calls, by family, in the order of the catalog."""
    grouped: dict[str, list[Operator]] = {}
    for operator in catalog() if operators is None else operators:
        if operator.name.isidentifier() and operator.name not in ("and", "or", "not", "negate"):
            grouped.setdefault(operator.family, []).append(operator)
    return grouped


def describe(operator: Operator) -> dict[str, str | int | list[str]]:
    """Return the properties of an operator as plain data, without empty ones."""
    from dsl.analysis.check import check_expression

    kinds = [slot.kind or LEVEL for slot in operator.slots]
    result = operator.infer(*kinds[:2]) if operator.is_variadic else operator.infer(*kinds)
    properties: dict[str, str | int | list[str]] = {
        "name": operator.name,
        "family": operator.family,
        "form": operator.signature,
        "meaning": operator.about,
        "gives": str(result.kind) if operator.name.isidentifier() else "",
        "range": _format_range(result.kind),
        "typical": _format_ends(result.kind.typical),
        "usage": operator.usage,
        "aliases": list(operator.aliases),
        "formula": format_term(operator.body) if operator.body is not None else "",
        "example": operator.example,
        "warm-up": lookback(check_expression(operator.example)),
    }
    return {label: value for label, value in properties.items() if value not in ("", [])}


def operators_table() -> str:
    """Return one Markdown table per family with the form and meaning of each operator."""
    lines: list[str] = []
    for family, operators in group_operators().items():
        lines += [f"**{family}**", "", "| operator | meaning |", "|---|---|"]
        for each in operators:
            aliases = f" Also {', '.join(f'`{alias}`' for alias in each.aliases)}."
            about = each.about[0].upper() + each.about[1:] + "."
            lines.append(f"| `{each.signature}` | {about}{aliases if each.aliases else ''} |")
        lines.append("")
    return "\n".join(lines)


def _format_range(kind: Kind) -> str:
    is_bounded = math.isfinite(kind.low) or math.isfinite(kind.high)
    return _format_ends((kind.low, kind.high)) if is_bounded and kind.is_numeric else ""


def _format_ends(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{ends[0]:g} to {ends[1]:g}".replace("inf", "any")
