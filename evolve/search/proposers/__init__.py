"""The genetic operators that propose strategies, one module each."""

from evolve.search.proposer import Proposer
from evolve.search.proposers import (
    crossover,
    hoist,
    point,
    random,
    subtree,
    tie,
    toggle,
    tune,
)

PROPOSERS: dict[str, Proposer] = {
    each.PROPOSER.name: each.PROPOSER
    for each in (crossover, hoist, point, random, subtree, tie, toggle, tune)
}
