"""Loader of experiments, which reports all errors of a YAML file with their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from dsl.diagnostics import Diagnostic, Source, Span, did_you_mean
from dsl.printable import make_lines_printable
from evolve.config.document import Document, read_document
from evolve.config.schema import Experiment
from evolve.errors import EvolveError
from evolve.files import read_text
from evolve.llm.transport.address import mask_user_info
from evolve.llm.transport.environment import read_environment

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
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "non-empty text",
    "too_short": "a non-empty list",
}
_KINDS = {dict: "a mapping", list: "a list", type(None): "`null`"}
_BOOLEANS = {True: "true", False: "false"}


class ConfigError(EvolveError):
    """Invalid experiment.

    Attributes:
        diagnostics: all errors, in the order of the text.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(each.render() for each in diagnostics))


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Load the experiment of a YAML file.

    Args:
        path: the file.
        overrides: settings `a.b=value` that replace those of the file.

    Raises:
        ConfigError: with all errors of the file.
        EvolveError: if the file cannot be read.
    """
    text = read_text(path, hint="" if path.exists() else _suggest_file(path))
    return parse_experiment(text, str(path), overrides, read_environment(path.parent).readable)


def parse_experiment(
    text: str, name: str, overrides: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> Experiment:
    """Parse the experiment of a YAML text.

    Args:
        text: the YAML.
        name: the name of the text in messages.
        overrides: settings `a.b=value` that replace those of the text.
        variables: the environment variables for `${NAME}` in values.

    Raises:
        ConfigError: with all errors of the text.
    """
    document = read_document(text, name, variables)
    data = document.data
    if not document.diagnostics and not isinstance(data, dict):
        hint = "such as `name: spy`"
        document.report("E505", "expected a mapping of settings", Span(0, 1), hint)
    if not isinstance(data, dict):
        raise ConfigError(document.diagnostics)
    sources = {
        _apply_override(each, data): Source(mask_user_info(each), f"--set {mask_user_info(each)}")
        for each in overrides
    }
    try:
        experiment = Experiment.model_validate(data)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            document.diagnostics.append(_diagnose(dict(each), document, sources))
    if document.diagnostics:
        unique = {(each.span, each.code, each.source.name): each for each in document.diagnostics}
        raise ConfigError(sorted(unique.values(), key=lambda each: each.span))
    return experiment


def is_overridden(setting: str, overrides: Sequence[str]) -> bool:
    """Return whether overrides `a.b=value` replace a setting, or a section that contains it."""
    replaced = (".".join(map(str.strip, each.partition("=")[0].split("."))) for each in overrides)
    return any(setting == each or setting.startswith(f"{each}.") for each in replaced)


def to_yaml(experiment: Experiment) -> str:
    """Serialize an experiment with all its defaults; YAML escapes what cannot be printed."""
    settings = experiment.to_dict()
    text: str = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    if make_lines_printable(text, max_lines=None) != text:
        text = yaml.safe_dump(settings, sort_keys=False)
    return text


def _apply_override(setting: str, data: dict[str, Any]) -> tuple[str, ...]:
    """Apply an override `a.b=value` to the data; return the path of the setting."""
    name, equals, value = setting.partition("=")
    path, shown = tuple(part.strip() for part in name.split(".")), mask_user_info(setting)
    if not equals or not all(path):
        hint = "such as --set budget.evaluations=500"
        raise EvolveError(f"--set: expected NAME=VALUE, found `{shown}`", hint)
    document = read_document(value, f"--set {shown}")
    if document.diagnostics:
        raise ConfigError(document.diagnostics)
    here = data
    for part in path[:-1]:
        inner = here.setdefault(part, {})
        if not isinstance(inner, dict):
            raise EvolveError(f"--set {shown}: `{part}` is not a section")
        here = inner
    here[path[-1]] = document.data
    return path


def _diagnose(
    error: dict[str, Any], document: Document, overrides: Mapping[tuple[str, ...], Source]
) -> Diagnostic:
    """Convert an error of pydantic to a diagnostic."""
    kind, hint = error["type"], ""
    *parents, last = error["loc"] or ("",)
    is_setting = kind == "extra_forbidden" or not _is_union_branch(last)
    loc = (*[part for part in parents if not _is_union_branch(part)], *[last] * is_setting)
    name = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        code, message = "E501", f"unknown setting `{name}`"
        known = _list_settings(loc[:-1])
        hint = did_you_mean(str(loc[-1]), known) or f"expected one of: {', '.join(known)}"
    elif kind == "missing":
        code, message = "E502", f"missing setting `{name}`"
        hint = "add `from: yahoo:SPY`" if loc[-1] == "from" else f"add `{loc[-1]}:`"
    else:
        code, message = "E503", _explain(error)
        message = mask_user_info(f"`{name}`: {message}" if name else message)
    for path, source in overrides.items():
        if loc[: len(path)] == path:
            return Diagnostic(code, message, Span(0, len(source.text)), hint, source)
    span = document.locate(loc, of_key=kind == "extra_forbidden")
    if kind == "missing":
        span = document.locate(loc[:-1], of_key=True)
        span = Span(span.start, min(span.end, span.start + 1)) if len(loc) == 1 else span
    return Diagnostic(code, message, span, hint, document.source)


def _explain(error: dict[str, Any]) -> str:
    """Return the message of an invalid value."""
    expected = _EXPECTED.get(error["type"])
    if expected is None:
        return str(error["msg"]).removeprefix("Value error, ")
    expected = expected.format(**error.get("ctx", {})).replace("'", "`")
    value = error["input"]
    text = _BOOLEANS[value] if isinstance(value, bool) else value
    found = _KINDS.get(type(value), f"`{text}`") if value != "" else "empty text"
    return f"expected {expected}, found {found}"


def _is_union_branch(part: object) -> bool:
    """Return whether a step of pydantic's location is a type, not a setting."""
    text = str(part)
    return "[" in text or text in ("date", "float", "str", "constrained-float")


def _list_settings(path: Sequence[object]) -> list[str]:
    """Return the names of the settings of a section, as in YAML."""
    model: type[BaseModel] = Experiment
    for part in path:
        if isinstance(part, int):
            continue  # the sections of a list have one type
        annotation = next(
            (f.annotation for key, f in model.model_fields.items() if part in (key, f.alias)), None
        )
        inner = _list_sections(annotation)
        if not inner:
            return []
        model = inner[0]
    return [field.alias or key for key, field in model.model_fields.items()]


def _list_sections(annotation: object) -> list[type[BaseModel]]:
    """Return the sections in a type: itself, or those of a union or a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for each in get_args(annotation) for section in _list_sections(each)]


def _suggest_file(path: Path) -> str:
    """Return a hint with the experiments beside a path that does not exist."""
    folder = path.parent if path.parent.is_dir() else Path()
    files = [str(each) for each in sorted(folder.glob("*.yaml"))]
    suggestion = did_you_mean(str(path), files)
    return suggestion or (f"expected a file such as {', '.join(files[:5])}" if files else "")
