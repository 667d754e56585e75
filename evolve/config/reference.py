"""Reference of all settings: meaning, unit, range and default of each, from the schema."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evolve.config.schema import PERCENTAGE, Experiment
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
    """A setting of an experiment.

    Attributes:
        name: with dots, such as `budget.evaluations`; `[]` follows a list of parts.
        about: its meaning.
        unit: of its numbers, empty if it has none.
        allowed: the values it takes.
        default: as YAML writes it, or `required`.
    """

    name: str
    about: str
    unit: str
    allowed: str
    default: str


def settings() -> list[Setting]:
    """Return every setting, in the schema's order."""
    return list(_settings_of(Experiment, ""))


def settings_table() -> str:
    """Return every setting as a Markdown table."""
    lines = ["| setting | meaning | unit | values | default |", "|---|---|---|---|---|"]
    for each in settings():
        cells = (f"`{each.name}`", each.about, each.unit, each.allowed, f"`{each.default}`")
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _settings_of(section: type[BaseModel], prefix: str) -> Iterator[Setting]:
    """Yield the settings of a part of the experiment, and of the parts within it."""
    schema = section.model_json_schema()
    schema = schema if "properties" in schema else schema["$defs"][section.__name__]
    for name, info in section.model_fields.items():
        key = prefix + (info.alias or name)
        part = _part_of(info.annotation)
        is_list = get_origin(info.annotation) is list
        if part is None or part is section or is_list:
            values = _values(schema["properties"][info.alias or name])
            allowed = "as the part it is in" if part is section else values
            about = info.description or ""
            yield Setting(key, about, unit_of(info), allowed, _default(info))
        if part is not None and part is not section:
            yield from _settings_of(part, f"{key}[]." if is_list else f"{key}.")


def _part_of(annotation: Any) -> type[BaseModel] | None:
    """Return the part of the experiment that a field holds, alone, in a list or beside null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, types.UnionType):
        parts = [_part_of(each) for each in get_args(annotation)]
        return next((part for part in parts if part is not None), None)
    return None


def _values(schema: dict[str, Any]) -> str:
    """Return the values that a JSON schema allows, in words."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        # A percentage is another way to write a number, not another value.
        found = [
            _values(each)
            for each in options
            if each.get("type") != "null" and each.get("pattern") != PERCENTAGE
        ]
        return " or ".join(dict.fromkeys(found))
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return ", ".join(f"`{each}`" for each in choices)
    kind = str(schema.get("type", ""))
    if kind == "array" and "enum" in schema["items"]:
        return f"a list of {_values(schema['items'])}"
    if kind in ("integer", "number"):
        limits = [words.format(_number(schema[key])) for key, words in LIMITS if key in schema]
        return ", ".join(limits) or "a number"
    return "a day" if schema.get("format") == "date" else TYPES.get(kind, kind)


def _number(value: float) -> str:
    """Return all digits of a number, without the `.0` of a whole one."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.16g}"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return REQUIRED
    return json.dumps(info.get_default(call_default_factory=True), default=str)
