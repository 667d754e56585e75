"""The least experiment, and the errors of others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evolve.config import ConfigError
from evolve.config.load import parse_experiment

LEAST = "name: x\ndata: {from: sample:sp500}\n"


def errors_of(text: str, variables: Mapping[str, str] | None = None) -> str:
    """The message of a text that is no experiment."""
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml", variables=variables)
    return str(caught.value)


def all_errors(texts: Mapping[str, str], variables: Mapping[str, str] | None = None) -> str:
    """The messages of several texts, for a golden file."""
    return "\n".join(f"=== {name}\n{errors_of(text, variables)}\n" for name, text in texts.items())
