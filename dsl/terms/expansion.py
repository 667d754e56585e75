"""Sizes of terms after their defines are expanded, computed without expanding them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from dsl.terms.operator import Operator
from dsl.terms.terms import Argument, Term


class Extent(NamedTuple):
    """Number of nodes and of levels of an expanded term."""

    nodes: int
    depth: int


class Expansion(NamedTuple):
    """Extent of a define over its arguments.

    Attributes:
        own: extent of the expansion without its arguments.
        uses: how often each argument occurs.
        levels: number of levels above each argument.
    """

    own: Extent
    uses: tuple[int, ...]
    levels: tuple[int, ...]

    def over(self, args: Sequence[Extent]) -> Extent:
        """Return the extent of a call with arguments of the given extents."""
        nodes = self.own.nodes
        depth = self.own.depth
        for arg, uses, levels in zip(args, self.uses, self.levels, strict=True):
            if uses:
                nodes += uses * arg.nodes
                depth = max(depth, levels + arg.depth)
        return Extent(nodes, depth)


def measure_call(operator: Operator, args: Sequence[Extent]) -> Extent:
    """Return the extent of an operator applied to arguments of the given extents."""
    if operator.body is not None:
        return measure_define(operator).over(args)
    return _add_node(args)


@lru_cache(4096)
def measure_define(operator: Operator) -> Expansion:
    """Return the extent of a define over its arguments."""
    assert operator.body is not None
    arity = len(operator.slots)
    known: dict[Term, Expansion] = {}

    def measure(term: Term) -> Expansion:
        if term not in known:
            known[term] = _measure(term, arity, [measure(arg) for arg in term.args])
        return known[term]

    return measure(operator.body)


def _measure(term: Term, arity: int, args: Sequence[Expansion]) -> Expansion:
    """Return the extent of a part of a define, from those of its arguments."""
    if isinstance(term.leaf, Argument):
        uses = tuple(int(index == term.leaf.index) for index in range(arity))
        return Expansion(Extent(0, 0), uses, (0,) * arity)
    if term.operator is None or term.operator.body is None:
        outer = Expansion(Extent(1, 1), (1,) * len(args), (1,) * len(args))
    else:
        outer = measure_define(term.operator)
    counts, levels = [0] * arity, [0] * arity
    for arg, times, above in zip(args, outer.uses, outer.levels, strict=True):
        for index in range(arity):
            if times and arg.uses[index]:
                counts[index] += times * arg.uses[index]
                levels[index] = max(levels[index], above + arg.levels[index])
    return Expansion(outer.over([arg.own for arg in args]), tuple(counts), tuple(levels))


def _add_node(args: Iterable[Extent]) -> Extent:
    """Return the extent of a node above arguments."""
    nodes, depth = 1, 0
    for arg in args:
        nodes += arg.nodes
        depth = max(depth, arg.depth)
    return Extent(nodes, depth + 1)
