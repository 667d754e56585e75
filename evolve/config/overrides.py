"""Overrides: settings `a.b=value` of a command line, applied to the data of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evolve.config.diagnose import ConfigError, describe_value
from evolve.config.document import read_document
from evolve.config.effort import parse_processes
from evolve.errors import EvolveError
from evolve.llm.transport.address import mask_user_info

EXAMPLE = "such as --set budget.evaluations=500"

EXPANSIONS: Mapping[str, Callable[[object], object]] = {"workers": parse_processes}
"""Functions that expand the short form of a section."""

Path = tuple[str, ...]


def apply_override(override: str, data: dict[str, Any]) -> Path:
    """Apply an override to the data of an experiment; return the path of its setting.

    A map changes the settings that it names, and no other.

    Raises:
        ConfigError: if the value is no YAML.
        EvolveError: if the override has no name, or a name that leads through no section.
    """
    path, value = split_override(override)
    shown = mask_user_info(override)
    document = read_document(value, f"--set {shown}")
    if document.diagnostics:
        raise ConfigError(document.diagnostics)
    here = data
    for depth, part in enumerate(path[:-1], start=1):
        if here.get(part) is None:
            here[part] = {}
        if depth == 1 and part in EXPANSIONS:
            here[part] = EXPANSIONS[part](here[part])
        inner = here[part]
        if not isinstance(inner, dict):
            raise _refuse_path(shown, path[:depth], inner)
        here = inner
    here[path[-1]] = _merge(here.get(path[-1]), document.data)
    return path


def split_override(override: str) -> tuple[Path, str]:
    """Return the path of the setting of an override, and the text of its value.

    Raises:
        EvolveError: if the override has no name or no `=`.
    """
    name, equals, value = override.partition("=")
    path = tuple(part.strip() for part in name.split("."))
    if not equals or not all(path):
        shown = mask_user_info(override)
        raise EvolveError(f"--set: expected NAME=VALUE, found `{shown}`", EXAMPLE)
    return path, value


def _merge(old: object, new: object) -> object:
    """Return a new value; if both are maps, the old one with the settings of the new one."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    return {**old, **{key: _merge(old.get(key), value) for key, value in new.items()}}


def _refuse_path(shown: str, path: Path, found: object) -> EvolveError:
    name = ".".join(path)
    message = f"--set {shown}: expected a section `{name}`, found {describe_value(found)}"
    return EvolveError(message, f"give all of it, such as --set '{name}=…'")
