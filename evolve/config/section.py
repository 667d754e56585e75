"""Base of the sections of an experiment, and the metadata of their settings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from dsl.diagnostics import did_you_mean

Way = Literal["up", "down", "subset"]
TIGHTER, UNIT = "tighter", "unit"


class Section(BaseModel):
    """Section of an experiment: immutable, without unknown settings."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

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
