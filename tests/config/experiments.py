"""Minimal experiment, and the errors of invalid ones."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evolve.config import ConfigError
from evolve.config.load import parse_experiment

MINIMAL = "name: x\ndata: {from: sample:sp500}\n"


def parse_errors(text: str, variables: Mapping[str, str] | None = None) -> str:
    """Return the message of an invalid experiment."""
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml", variables=variables)
    return str(caught.value)


def all_errors(texts: Mapping[str, str], variables: Mapping[str, str] | None = None) -> str:
    """Return the messages of invalid experiments by name, for a golden file."""
    return "\n".join(
        f"=== {name}\n{parse_errors(text, variables)}\n" for name, text in texts.items()
    )
