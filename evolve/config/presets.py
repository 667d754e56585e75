"""Presets: sizes of a search that replace the defaults of several settings at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

PresetName = Literal["quick", "standard", "thorough"]
DEFAULT_PRESET: PresetName = "standard"
PRESETS: dict[PresetName, dict[str, dict[str, int]]] = {
    "quick": {"search": {"population": 100}, "budget": {"evaluations": 2_000}},
    "standard": {},  # the defaults
    "thorough": {"search": {"population": 1_000}, "budget": {"evaluations": 100_000}},
}
"""Values by section and setting. The population grows with the budget (benchmarks/RESULTS.md)."""


def apply_preset(data: object) -> object:
    """Return settings with those of their preset, which an explicit value overrides.

    Args:
        data: the settings of an experiment as plain data, which may be invalid.
    """
    if not isinstance(data, Mapping):
        return data
    search = data.get("search")
    preset = search.get("preset") if isinstance(search, Mapping) else None
    if not isinstance(preset, str) or preset not in PRESETS:
        return data
    result: dict[Any, Any] = {**data}
    for section, values in PRESETS[preset].items():
        given = data.get(section, {})
        if isinstance(given, Mapping):  # else the schema reports it
            result[section] = {**values, **given}
    return result


def describe_presets() -> str:
    """Return a line with the settings of each preset."""
    lists = [
        f"`{name}` "
        + ", ".join(
            f"`{section}.{key}: {value}`"
            for section, values in sections.items()
            for key, value in values.items()
        )
        for name, sections in PRESETS.items()
        if sections
    ]
    return "; ".join(lists)
