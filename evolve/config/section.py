"""What every part of an experiment is, and how its settings may be made stricter."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from dsl.diagnostics import did_you_mean

Way = Literal["up", "down", "subset"]
TIGHTER, UNIT = "tighter", "unit"


class Section(BaseModel):
    """A part of the experiment: immutable, with no keys but its own."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data; what is null and would be so by itself is left out."""
        dumped = self.model_dump(mode="json", by_alias=True)
        found: dict[str, Any] = {}
        for name, info in type(self).model_fields.items():
            value, key = getattr(self, name), info.alias or name
            if value is None and info.default is None:
                continue
            if isinstance(value, list):
                pairs = zip(value, dumped[key], strict=True)
                found[key] = [e.to_dict() if isinstance(e, Section) else d for e, d in pairs]
            else:
                found[key] = value.to_dict() if isinstance(value, Section) else dumped[key]
        return found


def measured_in(unit: str, *default: Any, **constraints: Any) -> Any:
    """Return a field whose numbers have a unit.

    Args:
        unit: of its numbers, as a person writes it.
        default, constraints: as pydantic's `Field` takes them.
    """
    return Field(*default, json_schema_extra={UNIT: unit}, **constraints)


def tightened_by(way: Way, *default: Any, unit: str = "", **constraints: Any) -> Any:
    """Return a field that a stricter protocol may tighten.

    Args:
        way: which way is stricter: `up` or `down` in value (in the order of its words, for a
            choice of words), or a `subset`.
        unit: of its numbers, as a person writes it; empty for none.
        default, constraints: as pydantic's `Field` takes them.
    """
    extra: dict[str, Any] = {TIGHTER: way, UNIT: unit} if unit else {TIGHTER: way}
    return Field(*default, json_schema_extra=extra, **constraints)


def unit_of(info: FieldInfo) -> str:
    """Return the unit of a field's numbers, empty if it has none."""
    extra = info.json_schema_extra
    return str(extra.get(UNIT, "")) if isinstance(extra, dict) else ""


def check_name(name: str, names: Collection[str], what: str) -> str:
    """Return a name that is one of `names`.

    Raises:
        ValueError: if it is not, with a suggestion.
    """
    if name not in names:
        hint = did_you_mean(name, list(names)) or f"there are: {', '.join(names)}"
        raise ValueError(f"there is no {what} `{name}`; {hint}")
    return name
