"""Reference of all settings, derived from the schema."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evolve.config.percentage import PERCENTAGE
from evolve.config.schema import Experiment
from evolve.config.section import unit_of

LIMITS = (
    ("minimum", "at least {}"), ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"), ("exclusiveMaximum", "below {}"),
)  # fmt: skip
TYPES = {
    "string": "text", "boolean": "`true`, `false`", "object": "a mapping", "array": "a list",
}  # fmt: skip
REQUIRED = "required"


@dataclass(frozen=True)
class Setting:
    """Setting of an experiment.

    Attributes:
        name: its path, such as `budget.evaluations`; `[]` follows a list of sections.
        about: its meaning.
        unit: the unit of its numbers; empty if it has none.
        allowed: a description of its values.
        default: its default as YAML, or `required`.
    """

    name: str
    about: str
    unit: str
    allowed: str
    default: str


def settings() -> list[Setting]:
    """Return all settings in the order of the schema."""
    return list(_list_settings(Experiment, ""))


def settings_table() -> str:
    """Return all settings as a Markdown table."""
    lines = ["| setting | meaning | unit | values | default |", "|---|---|---|---|---|"]
    for each in settings():
        cells = (f"`{each.name}`", each.about, each.unit, each.allowed, f"`{each.default}`")
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _list_settings(section: type[BaseModel], prefix: str) -> Iterator[Setting]:
    """Yield the settings of a section and of the sections within it."""
    schema = section.model_json_schema()
    schema = schema if "properties" in schema else schema["$defs"][section.__name__]
    for name, info in section.model_fields.items():
        key = prefix + (info.alias or name)
        inner = _find_section(info.annotation)
        is_list = get_origin(info.annotation) is list
        is_optional = inner is not None and inner is not info.annotation and not is_list
        if inner is None or is_optional or is_list:
            noun = "the settings below" if is_optional else "a mapping"
            allowed = _describe_values(schema["properties"][info.alias or name], noun)
            if inner is section:
                allowed = "the settings of this section"
            about = info.description or ""
            yield Setting(key, about, unit_of(info), allowed, _format_default(info))
        if inner is not None and inner is not section:
            yield from _list_settings(inner, f"{key}[]." if is_list else f"{key}.")


def _find_section(annotation: Any) -> type[BaseModel] | None:
    """Return the section in a type: itself, or that of a list or a union; None if none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, types.UnionType, Union):
        sections = [_find_section(each) for each in get_args(annotation)]
        return next((each for each in sections if each is not None), None)
    if get_origin(annotation) is Annotated:
        return _find_section(get_args(annotation)[0])
    return None


def _describe_values(schema: dict[str, Any], noun: str) -> str:
    """Return a description of the values that a JSON schema allows.

    Args:
        schema: the JSON schema.
        noun: description of a section.
    """
    if "$ref" in schema:
        return noun
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        # A percentage is another notation of a number.
        described = [
            _describe_values(each, noun)
            for each in options
            if each.get("type") != "null" and each.get("pattern") != PERCENTAGE
        ]
        return " or ".join(dict.fromkeys(described))
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return ", ".join(f"`{each}`" for each in choices)
    kind = str(schema.get("type", ""))
    if kind == "array" and "enum" in schema["items"]:
        return f"a list of {_describe_values(schema['items'], noun)}"
    if kind in ("integer", "number"):
        limits = [text.format(_format_number(schema[key])) for key, text in LIMITS if key in schema]
        return ", ".join(limits) or "a number"
    return "a date" if schema.get("format") == "date" else TYPES.get(kind, kind)


def _format_number(value: float) -> str:
    """Format a number with all its digits, without the `.0` of a whole one."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.16g}"


def _format_default(info: FieldInfo) -> str:
    if info.is_required():
        return REQUIRED
    return json.dumps(info.get_default(call_default_factory=True), default=str)
