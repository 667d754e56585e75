"""Parameters of tests, of which only some run by default."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def thin_out(values: Iterable[Any], step: int) -> list[Any]:
    """Return values, or tuples of them, as parameters; only one of each `step` is not slow."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[pytest.mark.slow] if index % step else [],
        )
        for index, value in enumerate(values)
    ]
