"""Base of the sections of an experiment, and the metadata of their settings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError

from dsl.diagnostics import did_you_mean
from evolve.config.notation import accepts_text_as_list, admit_text, expand_notation

Way = Literal["up", "down", "subset"]
TIGHTER, UNIT = "tighter", "unit"


class Section(BaseModel):
    """Section of an experiment: immutable, without unknown settings."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _expand(cls, value: object, info: ValidationInfo) -> object:
        """Expand short notations; refuse `true` and `false` as numbers, which pydantic accepts."""
        value = expand_notation(cls.model_fields[str(info.field_name)], value)
        kinds = _list_types(cls.model_fields[str(info.field_name)].annotation)
        if kinds & {int, float} and not kinds & {bool, Any}:
            for name, each in _list_values(value):
                if isinstance(each, bool):
                    expected = "a number" if float in kinds else "a whole number"
                    where = f" for `{name}`" if name else ""
                    found = str(each).lower()
                    raise ValueError(f"expected {expected}{where}, found `{found}`")
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)["properties"]
        for name, info in cls.model_fields.items():
            if accepts_text_as_list(info.annotation):
                admit_text(properties[info.alias or name])
        return schema

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data, without those that are null by default."""
        dumped = self.model_dump(mode="json", by_alias=True)
        data: dict[str, Any] = {}
        for name, info in type(self).model_fields.items():
            value, key = getattr(self, name), info.alias or name
            if value is None and info.default is None:
                continue
            if isinstance(value, list):
                pairs = zip(value, dumped[key], strict=True)
                data[key] = [e.to_dict() if isinstance(e, Section) else d for e, d in pairs]
            else:
                data[key] = value.to_dict() if isinstance(value, Section) else dumped[key]
        return data


def _refuse_counts(value: object) -> object:
    """Refuse numbers as dates, which pydantic reads as seconds since 1970."""
    is_text = isinstance(value, str) and re.match(r"\s*\d{4}-\d", value)
    if not is_text and not isinstance(value, date):
        raise PydanticKnownError("date_type")
    return value


Day = Annotated[date, BeforeValidator(_refuse_counts)]


def _list_types(annotation: object) -> set[object]:
    """Return the plain types in a type: those of its union, or of the values of its container."""
    inner = get_args(annotation)
    if not inner or get_origin(annotation) is Literal:
        return {annotation}
    return set().union(*(_list_types(each) for each in inner))


def _list_values(value: object) -> Iterator[tuple[str, object]]:
    """Yield a value, or the values of a mapping or list, each with its key."""
    if isinstance(value, Mapping):
        yield from ((str(key), each) for key, each in value.items())
    elif isinstance(value, list):
        yield from (("", each) for each in value)
    else:
        yield "", value


def measured_in(unit: str, *default: Any, **constraints: Any) -> Any:
    """Return a field whose numbers have a unit.

    Args:
        unit: the unit of its numbers, such as `bps`.
        default: as in pydantic's `Field`.
        constraints: as in pydantic's `Field`.
    """
    return Field(*default, json_schema_extra={UNIT: unit}, **constraints)


def tightened_by(way: Way, *default: Any, unit: str = "", **constraints: Any) -> Any:
    """Return a field that a stricter protocol may tighten.

    Args:
        way: the stricter direction: `up` or `down` for numbers, and for choices in the order in
            which they are declared; `subset` for lists.
        default: as in pydantic's `Field`.
        unit: the unit of its numbers, such as `bps`; empty for none.
        constraints: as in pydantic's `Field`.
    """
    extra: dict[str, Any] = {TIGHTER: way, UNIT: unit} if unit else {TIGHTER: way}
    return Field(*default, json_schema_extra=extra, **constraints)


def unit_of(info: FieldInfo) -> str:
    """Return the unit of a field's numbers; empty if it has none."""
    extra = info.json_schema_extra
    return str(extra.get(UNIT, "")) if isinstance(extra, dict) else ""


def check_name(name: str, names: Collection[str], what: str) -> str:
    """Return a name that is one of the known names.

    Args:
        name: the name.
        names: the known names.
        what: a noun for the name, for the message.

    Raises:
        ValueError: if the name is unknown, with a suggestion.
    """
    if name not in names:
        hint = did_you_mean(name, list(names)) or f"expected one of: {', '.join(names)}"
        raise ValueError(f"unknown {what} `{name}`; {hint}")
    return name
