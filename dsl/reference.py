"""The language described from its catalog: one operator, the families, the whole on a page."""

from __future__ import annotations

from importlib.resources import files

from dsl.catalog import catalog
from dsl.terms import Operator


def families() -> dict[str, list[Operator]]:
    """The operators that are written as calls, by family, in the catalog's order."""
    grouped: dict[str, list[Operator]] = {}
    for operator in catalog():
        if operator.name.isidentifier() and operator.name not in ("and", "or", "not", "negate"):
            grouped.setdefault(operator.family, []).append(operator)
    return grouped


def describe(operator: Operator) -> dict[str, str | list[str]]:
    """What there is to know of an operator, as plain data."""
    from dsl.spelling import text_of

    return {
        "name": operator.name,
        "family": operator.family,
        "form": operator.signature,
        "meaning": operator.about,
        "aliases": list(operator.aliases),
        "example": operator.example,
        "formula": text_of(operator.body) if operator.body is not None else "",
    }


def guide_text() -> str:
    """The language on one page, from `prompts/language.md`."""
    from jinja2 import Environment, StrictUndefined

    template = files("prompts").joinpath("language.md").read_text("utf-8")
    series = [operator.name for operator in catalog() if operator.series]
    grouped = {
        family: [each for each in operators if not each.series]
        for family, operators in families().items()
    }
    shown = {family: operators for family, operators in grouped.items() if operators}
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    return environment.from_string(template).render(series=series, families=shown).strip()
