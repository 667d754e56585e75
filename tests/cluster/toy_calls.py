"""Functions that the tests run on workers."""

from __future__ import annotations

import os
import time

from evolve.cluster import Blob, open_once
from evolve.errors import EvolveError


def add(first: int, second: int) -> int:
    return first + second


def sleep(seconds: str) -> int:
    time.sleep(float(seconds))
    return os.getpid()


def count_bytes(blob: Blob) -> int:
    return open_once(len, blob)


def refuse(text: str) -> int:
    raise EvolveError(f"found {text}", "expected more")


def divide(number: int) -> float:
    return number / 0


def kill_process() -> int:
    os.kill(os.getpid(), 9)
    return 0


_openings = 0


def _open(content: bytes) -> int:
    global _openings
    _openings += 1
    return _openings


def count_openings(blob: Blob) -> int:
    return open_once(_open, blob)
