"""Settings of a section as arguments of Python, with the checks and messages of YAML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

import numpy as np
from pydantic import ValidationError

from dsl.diagnostics import Source
from dsl.printable import make_printable
from evolve.config.diagnose import diagnose
from evolve.config.document import Document
from evolve.config.section import Section
from evolve.errors import EvolveError

S = TypeVar("S", bound=Section)


def read_section(kind: type[S], name: str, settings: Mapping[str, object]) -> S:
    """Validate the settings of a section.

    Args:
        kind: the section.
        name: its name in an experiment, such as `backtest`.
        settings: values by name, as in YAML; numbers may be those of numpy.

    Raises:
        EvolveError: for the first invalid setting.
    """
    plain = _convert(settings, name)
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        errors = [{**each, "loc": (name, *each["loc"])} for each in error.errors(include_url=False)]
    first = diagnose(errors, Document(Source("", name), {name: plain}), {})[0]
    raise EvolveError(first.message.replace(f"`{name}.", "`", 1), first.hint)


def _convert(value: object, name: str) -> object:
    """Return a value as plain data, as YAML has it.

    Raises:
        EvolveError: if a value or a key has a type that YAML does not have.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                found = make_printable(repr(key))
                raise EvolveError(f"`{name}`: expected names of settings as text, found {found}")
        return {key: _convert(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_convert(each, name) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str | date):
        return value
    raise EvolveError(
        f"`{name}`: expected a number, text or a date, found a value of type "
        f"`{type(value).__name__}`"
    )
