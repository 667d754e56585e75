"""A YAML file to an experiment, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from dsl.diagnostics import Diagnostic, Source, Span, did_you_mean
from evolve.config.document import Document, read_document
from evolve.config.schema import Experiment
from evolve.errors import EvolveError
from evolve.files import read_text
from evolve.llm.transport.model import environment


class ConfigError(EvolveError):
    """An experiment that is not valid; carries every finding at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(each.render() for each in diagnostics))


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a YAML file.

    Args:
        path: the file.
        overrides: `a.b=value` settings that replace the file's.

    Raises:
        ConfigError: with every mistake of the file.
        EvolveError: if there is no such file.
    """
    text = read_text(path, hint="" if path.exists() else _nearby(path))
    return parse_experiment(text, str(path), overrides, environment(path.parent))


def parse_experiment(
    text: str, name: str, overrides: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> Experiment:
    """The experiment of a YAML text; raises ConfigError with every mistake.

    Args:
        text: the YAML.
        name: what it goes by in messages.
        overrides: `a.b=value` settings that replace the text's.
        variables: what `${NAME}` may stand for.
    """
    document = read_document(text, name, variables)
    data = document.data
    if not document.found and not isinstance(data, dict):
        hint = "it begins like this: `name: spy`"
        document.report("E505", "an experiment is a mapping of settings", Span(0, 1), hint)
    if not isinstance(data, dict):
        raise ConfigError(document.found)
    sources = {_override(each, data): Source(each, f"--set {each}") for each in overrides}
    try:
        experiment = Experiment.model_validate(data)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            document.found.append(_diagnose(dict(each), document, sources))
    if document.found:
        unique = {(each.span, each.code, each.source.name): each for each in document.found}
        raise ConfigError(sorted(unique.values(), key=lambda each: each.span))
    return experiment


def to_yaml(experiment: Experiment) -> str:
    """An experiment with every default written out."""
    text: str = yaml.safe_dump(experiment.to_dict(), sort_keys=False, allow_unicode=True)
    return text


def _override(setting: str, data: dict[str, Any]) -> tuple[str, ...]:
    """Apply one `a.b=value`; gives the path it set."""
    name, equals, value = setting.partition("=")
    path = tuple(part.strip() for part in name.split("."))
    if not equals or not all(path):
        raise EvolveError(
            f"`--set {setting}` is not a setting", "write --set budget.evaluations=500"
        )
    document = read_document(value, f"--set {setting}")
    if document.found:
        raise ConfigError(document.found)
    here = data
    for part in path[:-1]:
        inner = here.setdefault(part, {})
        if not isinstance(inner, dict):
            raise EvolveError(f"`--set {setting}`: `{part}` is not a mapping")
        here = inner
    here[path[-1]] = document.data
    return path


def _diagnose(
    error: dict[str, Any], document: Document, overrides: Mapping[tuple[str, ...], Source]
) -> Diagnostic:
    """One of pydantic's findings, at its place, in plain words."""
    loc = tuple(part for part in error["loc"] if not _is_union_branch(part))
    name = ".".join(str(part) for part in loc)
    kind, message, hint = error["type"], str(error["msg"]), ""
    code = "E503"
    if kind == "extra_forbidden":
        code, section = "E501", ".".join(str(part) for part in loc[:-1])
        message = f"there is no setting `{loc[-1]}`" + (f" in `{section}`" if section else "")
        known = _settings_of(loc[:-1])
        hint = did_you_mean(str(loc[-1]), known) or f"there are: {', '.join(known)}"
    elif kind == "missing":
        code, message = "E502", f"`{name}` is missing"
        hint = "write `from: yahoo:SPY`" if loc[-1] == "from" else f"add `{loc[-1]}:`"
    else:
        message = message.removeprefix("Value error, ")
        message = f"`{name}`: {message[:1].lower() + message[1:]}" if name else message
        found = error.get("input")
        if isinstance(found, str | int | float) and kind != "value_error":
            message += f", not `{found}`"
    for path, source in overrides.items():
        if loc[: len(path)] == path:
            return Diagnostic(code, message, Span(0, len(source.text)), hint, source)
    span = document.place(loc, of_key=kind == "extra_forbidden")
    if kind == "missing":
        span = document.place(loc[:-1], of_key=True)
        span = Span(span.start, min(span.end, span.start + 1)) if len(loc) == 1 else span
    return Diagnostic(code, message, span, hint, document.source)


def _is_union_branch(part: object) -> bool:
    """Whether a step of pydantic's location names a type, not a setting."""
    text = str(part)
    return "[" in text or text in ("date", "float", "str", "constrained-float")


def _settings_of(path: Sequence[object]) -> list[str]:
    """The settings a section has, as they are written."""
    model: type[BaseModel] = Experiment
    for part in path:
        if isinstance(part, int):
            continue  # a member of a list, whose sections are all of one kind
        annotation = next(
            (f.annotation for key, f in model.model_fields.items() if part in (key, f.alias)), None
        )
        inner = _sections_in(annotation)
        if not inner:
            return []
        model = inner[0]
    return [field.alias or key for key, field in model.model_fields.items()]


def _sections_in(annotation: object) -> list[type[BaseModel]]:
    """The sections that a type speaks of: itself, or what a union or a list is of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for each in get_args(annotation) for found in _sections_in(each)]


def _nearby(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else Path()
    files = [str(each) for each in sorted(folder.glob("*.yaml"))]
    return did_you_mean(str(path), files) or (f"there are: {', '.join(files[:5])}" if files else "")
