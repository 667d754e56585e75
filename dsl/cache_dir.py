"""Cache folder: files that can be produced again, such as prices and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return `EVOLVE_HOME` if it is set, else the user's cache folder for `evolve`."""
    if home := os.environ.get("EVOLVE_HOME"):
        return Path(home).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("evolve")
