"""Changes of a run that goes on: settings and versions that differ from those of its begin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from evolve.config import Experiment

FREE = ("budget", "workers")  # they change no trial, except how many there are
FIXED = (
    "name", "data", "split", "start_from", "language.include", "search.islands",
    "fitness.maximize", "fitness.minimize",
)  # fmt: skip


class Change(NamedTuple):
    """Setting or version before and after a change; None for a missing one."""

    name: str
    before: object
    after: object

    @property
    def text(self) -> str:
        """Description for a person."""
        return f"{self.name} from {_show(self.before)} to {_show(self.after)}"

    def is_in(self, names: tuple[str, ...]) -> bool:
        """Return whether it is one of some settings, or in one of some sections."""
        return any(self.name == each or self.name.startswith(f"{each}.") for each in names)


def list_setting_changes(before: Experiment, after: Experiment) -> list[Change]:
    """Return the settings that differ, in the order of the schema.

    A section that only one of the two has is one change, so that it can be restored.
    """
    return list(_compare(before.to_dict(), after.to_dict()))


def list_changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[Change]:
    """Return the values that differ, by name."""
    return [
        Change(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _compare(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _compare(old, new, f"{prefix}{name}.")
        elif old != new:
            yield Change(f"{prefix}{name}", old, new)


def _show(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool | Mapping | list):
        return json.dumps(value, ensure_ascii=False).replace('"', "")
    return f"{value:,}" if isinstance(value, int) else str(value)
