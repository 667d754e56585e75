"""Patches of an experiment, which may only make its protocol stricter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from evolve.config.document import read_document
from evolve.config.schema import Experiment
from evolve.config.section import TIGHTER
from evolve.errors import EvolveError

LIMITS = {"up": "may only go up", "down": "may only go down", "subset": "may only lose members"}


@dataclass(frozen=True)
class Change:
    """Change of one setting.

    Attributes:
        setting: its name, such as `fitness.folds`.
        old: the value before.
        new: the value after.
    """

    setting: str
    old: object
    new: object


@dataclass(frozen=True)
class TightenableSetting:
    """Setting that a patch may change.

    Attributes:
        setting: its name, such as `fitness.folds`.
        value: its value.
        way: the allowed direction of a change, as a phrase.
    """

    setting: str
    value: object
    way: str


def stricter_settings(experiment: Experiment) -> list[TightenableSetting]:
    """Return all settings that a patch may change, in the order of the schema."""
    return [
        TightenableSetting(".".join(path), value, LIMITS[way])
        for path, value, way, _ in _list_tightenable(experiment, ())
    ]


def tighten(experiment: Experiment, patch: str) -> tuple[Experiment, tuple[Change, ...]]:
    """Apply a patch to an experiment.

    Args:
        experiment: the experiment to patch.
        patch: YAML of the settings to change, nested as in an experiment.

    Returns:
        The patched experiment, and the changes.

    Raises:
        EvolveError: with all settings of the patch that are not stricter.
    """
    document = read_document(patch, "patch")
    if document.diagnostics:
        raise EvolveError("\n\n".join(each.render() for each in document.diagnostics))
    if not isinstance(document.data, Mapping):
        raise EvolveError("expected a mapping of settings", "such as `fitness: {folds: 8}`")
    declared = {
        path: (value, way, info) for path, value, way, info in _list_tightenable(experiment, ())
    }
    changes: list[Change] = []
    errors: list[str] = []
    for path, new in _flatten(document.data, (), set(declared)):
        name = ".".join(path)
        if path not in declared:
            errors.append(f"`{name}` cannot be changed")
            continue
        old, way, info = declared[path]
        if not _is_stricter(old, new, way, info):
            errors.append(f"`{name}` {LIMITS[way]}: it is {old}, found {new}")
        elif not _is_equal(old, new):
            changes.append(Change(name, old, new))
    if errors:
        raise EvolveError("the patch loosens the protocol:\n  " + "\n  ".join(errors))
    if not changes:
        raise EvolveError("the patch changes nothing")
    return _apply(experiment, changes), tuple(changes)


def _apply(experiment: Experiment, changes: Sequence[Change]) -> Experiment:
    data = experiment.to_dict()
    for change in changes:
        *path, last = change.setting.split(".")
        here = data
        for part in path:
            here = here[part]
        if isinstance(change.new, Mapping):
            here[last] = {**here[last], **change.new}
        else:
            here[last] = change.new
    try:
        return Experiment.model_validate(data)
    except ValidationError as error:
        errors = "\n  ".join(
            f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in error.errors()
        )
        raise EvolveError(f"invalid patch:\n  {errors}") from None


Declared = tuple[tuple[str, ...], object, str, FieldInfo]


def _list_tightenable(section: BaseModel, path: tuple[str, ...]) -> Iterator[Declared]:
    """Yield the path, value, way and field of each setting that may be tightened."""
    for name, info in type(section).model_fields.items():
        value, here = getattr(section, name), (*path, info.alias or name)
        extra = info.json_schema_extra
        if isinstance(extra, Mapping) and TIGHTER in extra:
            yield here, value, str(extra[TIGHTER]), info
        elif isinstance(value, BaseModel):
            yield from _list_tightenable(value, here)


def _flatten(
    data: Mapping[Any, Any], path: tuple[str, ...], declared: set[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and value of each setting of a patch."""
    for key, value in data.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and here not in declared:
            yield from _flatten(value, here, declared)
        else:
            yield here, value


def _is_stricter(old: object, new: object, way: str, info: FieldInfo) -> bool:
    """Return whether a new value is at least as strict as the old one."""
    if way == "subset":
        if not isinstance(new, list) or not new:
            return False
        return not isinstance(old, list) or {str(each) for each in new} <= set(old)
    if isinstance(old, Mapping):
        given = new.items() if isinstance(new, Mapping) else ()
        return bool(given) and all(_is_at_least(value, old.get(key, 0)) for key, value in given)
    if get_origin(info.annotation) is Literal:
        choices = get_args(info.annotation)
        return new in choices and choices.index(new) >= choices.index(old)
    if old is None:  # no limit: any number is stricter
        return _is_at_least(new, new)
    return _is_at_least(new, old) if way == "up" else _is_at_least(old, new)


def _is_at_least(more: object, less: object) -> bool:
    """Return whether both values are finite numbers and the first is not the smaller one."""
    numbers = [
        each
        for each in (more, less)
        if isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each)
    ]
    return len(numbers) == 2 and numbers[0] >= numbers[1]


def _is_equal(old: object, new: object) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return set(old) == {str(each) for each in new}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **new} == old
    return old == new
