"""Where the tool keeps what it can make again: fetched prices and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`EVOLVE_HOME` if it is set, else `~/.cache/evolve`."""
    given = os.environ.get("EVOLVE_HOME")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "evolve"
