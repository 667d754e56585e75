"""What every part of an experiment is, and how its settings may be made stricter."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Way = Literal["up", "down", "subset"]
TIGHTER = "tighter"


class Section(BaseModel):
    """A part of the experiment: immutable, with no keys but its own."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

    def written(self) -> dict[str, Any]:
        """The settings as plain data; what is null and would be so by itself is left out."""
        dumped = self.model_dump(mode="json", by_alias=True)
        found: dict[str, Any] = {}
        for name, info in type(self).model_fields.items():
            value, key = getattr(self, name), info.alias or name
            if value is None and info.default is None:
                continue
            if isinstance(value, list):
                pairs = zip(value, dumped[key], strict=True)
                found[key] = [e.written() if isinstance(e, Section) else d for e, d in pairs]
            else:
                found[key] = value.written() if isinstance(value, Section) else dumped[key]
        return found


def tightened_by(way: Way, *default: Any, **constraints: Any) -> Any:
    """A field that a protocol may be made stricter by.

    Args:
        way: which way is stricter: `up` or `down` in value (in the order of its words, for a
            choice of words), or a `subset`.
        default, constraints: as pydantic's `Field` takes them.
    """
    return Field(*default, json_schema_extra={TIGHTER: way}, **constraints)
