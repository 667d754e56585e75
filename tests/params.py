"""Parameters of tests, of which only some run by default."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def thin_out(values: Iterable[Any], step: int) -> list[Any]:
    """Return values as parameters; all but the first of each `step` are marked slow."""
    return [
        pytest.param(value, marks=[pytest.mark.slow] if index % step else [])
        for index, value in enumerate(values)
    ]
