"""Loader of experiments, which reports all errors of a YAML file with their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dsl.diagnostics import Source, Span, did_you_mean
from dsl.printable import make_lines_printable
from evolve.config.diagnose import ConfigError, diagnose
from evolve.config.document import Document, read_document
from evolve.config.naming import build_experiment_name
from evolve.config.overrides import apply_override
from evolve.config.schema import Experiment
from evolve.files import STANDARD_INPUT, read_text
from evolve.llm.transport.address import mask_user_info
from evolve.llm.transport.environment import read_environment


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
    variables = read_environment(path.parent).readable
    stem = "" if str(path) == STANDARD_INPUT else path.stem
    return parse_experiment(text, str(path), overrides, variables, stem)


def parse_experiment(
    text: str, name: str, overrides: Sequence[str] = (),
    variables: Mapping[str, str] | None = None, stem: str = "",
) -> Experiment:  # fmt: skip
    """Parse the experiment of a YAML text.

    Args:
        text: the YAML.
        name: the name of the text in messages.
        overrides: settings `a.b=value` that replace those of the text.
        variables: the environment variables for `${NAME}` in values.
        stem: the stem of the file, which names an experiment without a name; empty for the default
            name.

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
        apply_override(each, data): Source(mask_user_info(each), f"--set {mask_user_info(each)}")
        for each in overrides
    }
    if stem and "name" not in data:
        _add_name(stem, data, document)
    try:
        experiment = Experiment.model_validate(data)
    except ValidationError as error:
        errors = [dict(each) for each in error.errors(include_url=False)]
        document.diagnostics += diagnose(errors, document, sources)
    except UnicodeEncodeError:  # a lone surrogate, which the document reports
        pass
    if document.diagnostics:
        raise ConfigError(document.diagnostics)
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


def _add_name(stem: str, data: dict[str, Any], document: Document) -> None:
    """Add the name from the stem of the file; report a stem that has no name."""
    name = build_experiment_name(stem)
    if name is not None:
        data["name"] = name
        return
    message = f"missing setting `name`, and the name of the file has no letter a-z: {stem}"
    document.report("E502", message, Span(0, 1), "add `name:`")


def _suggest_file(path: Path) -> str:
    """Return a hint with the experiments beside a path that does not exist."""
    folder = path.parent if path.parent.is_dir() else Path()
    files = [str(each) for each in sorted(folder.glob("*.yaml"))]
    suggestion = did_you_mean(str(path), files)
    return suggestion or (f"expected a file such as {', '.join(files[:5])}" if files else "")
