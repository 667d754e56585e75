"""Limit on function calls, a measure of work that does not depend on the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest


@contextmanager
def limited_calls(limit: int) -> Iterator[None]:
    """Fail the test when the block calls more than `limit` functions."""
    calls, previous = 0, sys.getprofile()

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        if calls > limit:
            sys.setprofile(previous)
            pytest.fail(f"more than {limit:,} function calls")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(previous)
