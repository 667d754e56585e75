"""A patch to an experiment that may make its protocol stricter, and nothing else."""

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

WORDS = {"up": "may only go up", "down": "may only go down", "subset": "may only lose members"}


@dataclass(frozen=True)
class Change:
    """One setting made stricter."""

    setting: str
    old: object
    new: object


@dataclass(frozen=True)
class TightenableSetting:
    """A setting that may be made stricter: its value now, and which way it may go."""

    setting: str
    value: object
    way: str


def stricter_settings(experiment: Experiment) -> list[TightenableSetting]:
    """Every setting that a patch may change, in the schema's order."""
    return [
        TightenableSetting(".".join(path), value, WORDS[way])
        for path, value, way, _ in _declared(experiment, ())
    ]


def tighten(experiment: Experiment, patch: str) -> tuple[Experiment, tuple[Change, ...]]:
    """An experiment with a patch applied, and what it changed.

    Args:
        experiment: as it was.
        patch: YAML of the settings to change, nested as in an experiment.

    Raises:
        EvolveError: with everything in the patch that is not a stricter setting.
    """
    document = read_document(patch, "patch")
    if document.found:
        raise EvolveError("\n\n".join(each.render() for each in document.found))
    if not isinstance(document.data, Mapping):
        raise EvolveError(
            "a patch is a mapping of settings", "write for example fitness: {folds: 8}"
        )
    declared = {path: (value, way, info) for path, value, way, info in _declared(experiment, ())}
    changes: list[Change] = []
    wrong: list[str] = []
    for path, new in _leaves(document.data, (), set(declared)):
        name = ".".join(path)
        if path not in declared:
            wrong.append(f"`{name}` may not be changed")
            continue
        old, way, info = declared[path]
        if not _is_stricter(old, new, way, info):
            wrong.append(f"`{name}` {WORDS[way]}: it is {old}, not {new}")
        elif not _is_equal(old, new):
            changes.append(Change(name, old, new))
    if wrong:
        raise EvolveError("the patch would loosen the protocol:\n  " + "\n  ".join(wrong))
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
        said = "\n  ".join(
            f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in error.errors()
        )
        raise EvolveError(f"the patch is not valid:\n  {said}") from None


Declared = tuple[tuple[str, ...], object, str, FieldInfo]


def _declared(section: BaseModel, path: tuple[str, ...]) -> Iterator[Declared]:
    """Each setting that declares which way is stricter: its path, value, way and field."""
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        extra = info.json_schema_extra
        if isinstance(extra, Mapping) and TIGHTER in extra:
            yield (*path, name), value, str(extra[TIGHTER]), info
        elif isinstance(value, BaseModel):
            yield from _declared(value, (*path, name))


def _leaves(
    data: Mapping[Any, Any], path: tuple[str, ...], declared: set[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The settings of a patch; a mapping that is itself a setting is one."""
    for key, value in data.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and here not in declared:
            yield from _leaves(value, here, declared)
        else:
            yield here, value


def _is_stricter(old: object, new: object, way: str, info: FieldInfo) -> bool:
    """Whether a new value is no looser than the old one."""
    if way == "subset":
        if not isinstance(new, list) or not new:
            return False
        return not isinstance(old, list) or {str(each) for each in new} <= set(old)
    if isinstance(old, Mapping):
        given = new.items() if isinstance(new, Mapping) else ()
        return bool(given) and all(_is_at_least(value, old.get(key, 0)) for key, value in given)
    if get_origin(info.annotation) is Literal:
        words = get_args(info.annotation)
        return new in words and words.index(new) >= words.index(old)
    if old is None:  # there was no limit
        return _is_at_least(new, new)
    return _is_at_least(new, old) if way == "up" else _is_at_least(old, new)


def _is_at_least(more: object, less: object) -> bool:
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
