"""Changes of a run that goes on: settings and versions that differ from those of its begin."""

from __future__ import annotations

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
    """Return the settings that differ, in the order of the schema."""
    return list_changes(dict(_flatten(before.to_dict())), dict(_flatten(after.to_dict())))


def list_changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[Change]:
    """Return the values that differ, by name."""
    return [
        Change(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _show(value: object) -> str:
    return "none" if value is None else f"{value:,}" if type(value) is int else str(value)
