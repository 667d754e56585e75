"""The data sources, one a module; each declares a `SOURCE`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from evolve.data.source import Source


@cache
def sources() -> dict[str, Source]:
    """Every source by name, found in this package."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.SOURCE.name: module.SOURCE for module in modules}
