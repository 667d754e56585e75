"""What a proposer is: a way to make a new strategy from those there are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from dsl.program import Rules
from evolve.search.space import Space


@dataclass(frozen=True)
class Proposer:
    """An arm of the search. One module in `evolve/search/proposers` declares each.

    Attributes:
        name: as experiments write it.
        about: one line.
        parents: how many it takes.
        weight: its default share of proposals.
        propose: parents, space, generator -> rules, or None where it finds nothing to do. It
            draws from the generator alone.
    """

    name: str
    about: str
    parents: int
    weight: float
    propose: Callable[[Sequence[Rules], Space, Random], Rules | None]


@cache
def proposers() -> dict[str, Proposer]:
    """Every proposer by name, found in `evolve/search/proposers`."""
    package = importlib.import_module("evolve.search.proposers")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return {module.PROPOSER.name: module.PROPOSER for module in modules}
