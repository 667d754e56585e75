"""Work measured by the function calls it takes, which no clock and no other process changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest


@contextmanager
def limited_calls(limit: int) -> Iterator[None]:
    """Fail the test as soon as the block has called more functions."""
    calls, before = 0, sys.getprofile()

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        if calls > limit:
            sys.setprofile(before)
            pytest.fail(f"it takes more than {limit:,} calls")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
