"""Short notations of settings: one entry for a list, and a part of a map with defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

LIST_KEYS = ("type", "items", "minItems")  # of the JSON schema of a list


def expand_notation(info: FieldInfo, value: object) -> object:
    """Return the full value of a setting: a list for one entry, a map with its defaults.

    Args:
        info: the field of the setting.
        value: its value, as in YAML.
    """
    if isinstance(value, str) and value and accepts_text_as_list(info.annotation, value):
        return [value]
    if isinstance(value, Mapping) and _has_text_or_sections(info.annotation):
        return [value]
    if isinstance(value, Mapping) and get_origin(info.annotation) is dict:
        default = info.get_default(call_default_factory=True)
        return {**default, **value} if isinstance(default, Mapping) else value
    return value


def accepts_text_as_list(annotation: object, text: str | None = None) -> bool:
    """Return whether a text means a list of one text.

    Args:
        annotation: the type of the setting.
        text: the text; None for any text that is no word of the setting, such as `all`.
    """
    branches = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
    branches = branches or (annotation,)
    words = [word for each in branches if get_origin(each) is Literal for word in get_args(each)]
    if any(get_origin(each) is Annotated or each is str for each in branches) or text in words:
        return False
    return any(get_origin(each) is list and _is_text(get_args(each)[0]) for each in branches)


def admit_text(schema: dict[str, Any]) -> None:
    """Change the JSON schema of a list, or of words or a list, so that it admits one entry."""
    if "anyOf" in schema:
        (index,) = [i for i, each in enumerate(schema["anyOf"]) if "items" in each]
        schema["anyOf"].insert(index, schema["anyOf"][index]["items"])
        return
    branch = {key: schema.pop(key) for key in LIST_KEYS if key in schema}
    schema["anyOf"] = [branch["items"], branch]


def _has_text_or_sections(annotation: object) -> bool:
    """Return whether a type is a list of which an entry is text or a section."""
    if get_origin(annotation) is not list:
        return False
    types = list(_iterate_union(get_args(annotation)[0]))
    sections = [each for each in types if isinstance(each, type) and issubclass(each, BaseModel)]
    return bool(sections) and any(map(_is_text, types))


def _is_text(annotation: object) -> bool:
    """Return whether a type is text, a choice of texts, or a union that has one of them."""
    return any(
        each is str
        if get_origin(each) is not Literal
        else all(isinstance(word, str) for word in get_args(each))
        for each in _iterate_union(annotation)
    )


def _iterate_union(annotation: object) -> Iterator[object]:
    """Yield the types of a union without their metadata, or the type itself."""
    if get_origin(annotation) is Annotated:
        yield from _iterate_union(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for each in get_args(annotation):
            yield from _iterate_union(each)
    else:
        yield annotation
