"""Diagnostics of an invalid experiment, converted from the errors of pydantic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel

from dsl.diagnostics import Diagnostic, Source, Span, did_you_mean
from dsl.printable import make_printable
from evolve.config.document import MAX_KEY_CHARACTERS, Document
from evolve.config.schema import Experiment
from evolve.errors import EvolveError
from evolve.llm.transport.address import mask_user_info

MAX_SHOWN_ERRORS = 100
MAX_VALUE_CHARACTERS = 80
# What pydantic expects, by the type of its error.
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "`true` or `false`"),
    **dict.fromkeys(("date_type", "date_parsing"), "a date such as 2015-01-01"),
    **dict.fromkeys(
        ("date_from_datetime_parsing", "date_from_datetime_inexact"), "a date such as 2015-01-01"
    ),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a mapping"),
    "list_type": "a list",
    "string_type": "text",
    "finite_number": "a finite number",
    "literal_error": "{expected}",
    "greater_than": "a value above {gt:g}",
    "greater_than_equal": "a value of at least {ge:g}",
    "less_than": "a value below {lt:g}",
    "less_than_equal": "a value of at most {le:g}",
    "string_pattern_mismatch": "a letter, then at most 63 letters, digits, `_` or `-`",
    "string_too_short": "non-empty text",
    "too_short": "a non-empty list",
}
_KINDS = {dict: "a mapping", list: "a list", type(None): "`null`"}
_BOOLEANS = {True: "true", False: "false"}
_OFF = "off"
_OFF_WORDS = (False, _OFF, "no", "none")

Location = tuple[str | int, ...]
Error = Mapping[str, Any]


class ConfigError(EvolveError):
    """Invalid experiment; its message has the first errors.

    Attributes:
        diagnostics: all errors, in the order of the text.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        unique = {(each.span, each.message, each.source.name): each for each in diagnostics}
        self.diagnostics = tuple(sorted(unique.values(), key=lambda each: each.span))
        texts = [each.render() for each in self.diagnostics[:MAX_SHOWN_ERRORS]]
        hidden = len(self.diagnostics) - len(texts)
        if hidden:
            texts.append(f"and {hidden:,} more error{'s' if hidden > 1 else ''}")
        super().__init__("\n\n".join(texts))


def diagnose(
    errors: Sequence[Error], document: Document, overrides: Mapping[tuple[str, ...], Source]
) -> list[Diagnostic]:
    """Convert errors of pydantic to diagnostics.

    The branches of a union fail one by one; they become one diagnostic.

    Args:
        errors: the errors, as `ValidationError.errors` returns them.
        document: the text of the experiment.
        overrides: settings from the command line, by path.
    """
    groups: dict[tuple[Location, str], list[Error]] = {}
    for each in errors:
        location = _locate(each["loc"], document.data)
        kind = "value" if each["type"] in _EXPECTED else f"{each['type']} {each['msg']}"
        groups.setdefault((location, kind), []).append(each)
    found = [
        _diagnose(location, group, document, overrides) for (location, _), group in groups.items()
    ]
    unreadable = {(each.source, each.span) for each in document.diagnostics}
    return [each for each in found if (each.source, each.span) not in unreadable]


def _diagnose(
    loc: Location, group: Sequence[Error], document: Document,
    overrides: Mapping[tuple[str, ...], Source],
) -> Diagnostic:  # fmt: skip
    """Convert the errors of one value to a diagnostic."""
    name = make_printable(".".join(str(part) for part in loc), MAX_KEY_CHARACTERS)
    kind, hint = group[0]["type"], ""
    if kind == "extra_forbidden":
        code, message = "E501", f"unknown setting `{name}`"
        known = _list_settings(loc[:-1])
        hint = did_you_mean(str(loc[-1]), known) or f"expected one of: {', '.join(known)}"
    elif kind == "missing":
        code, message = "E502", f"missing setting `{name}`"
        hint = "add `from: yahoo:SPY`" if loc[-1] == "from" else f"add `{loc[-1]}:`"
    else:
        code, message = "E503", _explain(group)
        message = mask_user_info(f"`{name}`: {message}" if name else message)
        hint = _suggest_value(loc, group)
    for path, source in overrides.items():
        is_of_key = path[: len(loc)] == loc and f"`{path[-1]}`" in message  # a section checks names
        if loc[: len(path)] == path or is_of_key:
            is_empty = source.text.endswith("=")
            hint = hint or ("write a value after `=`" if is_empty else "")
            return Diagnostic(code, message, Span(0, len(source.text)), hint, source)
    span = document.locate(loc, of_key=kind == "extra_forbidden")
    if kind == "missing":
        span = document.locate(loc[:-1], of_key=True)
        span = Span(span.start, min(span.end, span.start + 1)) if len(loc) == 1 else span
    return Diagnostic(code, message, span, hint, document.source)


def _explain(group: Sequence[Error]) -> str:
    """Return the message of an invalid value, with what each branch of a union expects."""
    if group[0]["type"] not in _EXPECTED:
        return str(group[0]["msg"]).removeprefix("Value error, ")
    expected = dict.fromkeys(
        _EXPECTED[each["type"]].format(**each.get("ctx", {})).replace("'", "`") for each in group
    )
    *first, last = expected
    wanted = f"{', '.join(first)} or {last}" if first else last
    return f"expected {wanted}, found {describe_value(group[0]['input'])}"


def describe_value(value: object) -> str:
    """Return a value of YAML for a message: `true`, `a list`, or its text."""
    if value == "" and isinstance(value, str):
        return "empty text"
    text = _BOOLEANS[value] if isinstance(value, bool) else value
    return _KINDS.get(type(value), f"`{make_printable(text, MAX_VALUE_CHARACTERS)}`")


def _suggest_value(loc: Location, group: Sequence[Error]) -> str:
    """Return the fix of a common mistake; empty if it is none of them."""
    value, kinds = group[0]["input"], {each["type"] for each in group}
    if kinds & {"model_type", "model_attributes_type"}:
        return _suggest_section(loc, value)
    if value in (*_OFF_WORDS, None) and len(loc) > 1 and _find_section(loc[:-1]) is None:
        return "write 0 for none, or leave it out for its default"
    if value is False and any(f"'{_OFF}'" in str(each.get("ctx", {})) for each in group):
        return f"write `{loc[-1]}: {_OFF}`"
    if type(value) not in (int, float):
        return ""
    limits = [each["ctx"].get("lt", each["ctx"].get("le")) for each in group if "ctx" in each]
    if 1 < value <= 100 and 1 in limits:
        return f"write {value:g}%"
    if kinds & {"date_type", "date_parsing"} and type(value) is int:
        return _suggest_date(value)
    return ""


def _suggest_date(value: int) -> str:
    """Return the date that a whole number may mean: a year, or a date without hyphens."""
    text = f"{value}0101" if 1000 <= value <= 9999 else str(value)
    if len(text) != 8:
        return ""
    try:
        return f"write {date(int(text[:-4]), int(text[-4:-2]), int(text[-2:])).isoformat()}"
    except ValueError:
        return ""


def _suggest_section(loc: Location, value: object) -> str:
    """Return how to write a section that has one value instead of its settings."""
    model, name = _find_section(loc), str(loc[-1]) if loc else ""
    if model is None or not name or isinstance(loc[-1], int):
        return ""
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    if value in _OFF_WORDS:
        for key, field in fields.items():
            if _OFF in get_args(field.annotation):
                return f"write `{name}: {{{key}: {_OFF}}}`"
    required = [key for key, field in fields.items() if field.is_required()]
    if len(required) == 1 and isinstance(value, str):
        shown = make_printable(value, MAX_VALUE_CHARACTERS)
        return f"write `{name}: {{{required[0]}: {shown}}}`"
    for key, field in fields.items():
        if isinstance(field.default, int | float | str):
            default = str(field.default).lower()
            return f"write its settings, such as `{name}: {{{key}: {default}}}`, or remove it"
    return ""


def _locate(steps: Location, data: object) -> Location:
    """Return the path of the setting at a location of pydantic, which has branches of unions."""
    path: list[str | int] = []
    for step in steps:
        is_key = isinstance(data, Mapping) and step in data
        is_only_entry = isinstance(data, str | Mapping) and isinstance(step, int)  # a list of one
        if is_only_entry or (not is_key and _is_union_branch(step)):
            continue
        path.append(step)
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
    return tuple(path)


def _is_union_branch(part: object) -> bool:
    """Return whether a step of pydantic's location looks like a type, not like a setting."""
    text = str(part)
    return "[" in text or text in ("date", "dict", "float", "int", "str", "constrained-float")


def _list_settings(path: Location) -> list[str]:
    """Return the names of the settings of a section, as in YAML."""
    model = _find_section(path)
    if model is None:
        return []
    return [field.alias or key for key, field in model.model_fields.items()]


def _find_section(path: Location) -> type[BaseModel] | None:
    """Return the section at a path; None if there is none."""
    model: type[BaseModel] = Experiment
    for part in path:
        if isinstance(part, int):
            continue  # the sections of a list have one type
        annotation = next(
            (f.annotation for key, f in model.model_fields.items() if part in (key, f.alias)), None
        )
        inner = _list_sections(annotation)
        if not inner:
            return None
        model = inner[0]
    return model


def _list_sections(annotation: object) -> list[type[BaseModel]]:
    """Return the sections in a type: itself, or those of a union or a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for each in get_args(annotation) for section in _list_sections(each)]
