"""The proposers of the genetic search, one module each."""

from evolve.search.proposer import Proposer
from evolve.search.proposers import crossover, point, random, subtree, tune

PROPOSERS: dict[str, Proposer] = {
    each.PROPOSER.name: each.PROPOSER for each in (crossover, point, random, subtree, tune)
}
