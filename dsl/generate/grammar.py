"""Constraint grammar of a decoder, derived from the typed productions.

Unlike `grammar/strategy.lark`, it has no free names, no `let` and no optional spaces. It has a rule
for each kind and depth, nests deeply in the first series of an operator only, and limits the number
of joined conditions. Every sentence therefore parses and type-checks, every derivation ends, and
the limit on nodes holds by construction. Rules are data, which `lark`, `gbnf` and `json_schema`
format.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

from dsl.generate.numbers import constants, percentages, whole_numbers
from dsl.generate.productions import (
    HOLD,
    RATIO_OF_PRICE,
    SIZE,
    Domain,
    Groups,
    Production,
    Window,
)
from dsl.generate.rules import CONDITION_RULE, Alternative, Apply, Grammar, Leaf, Reference
from dsl.syntax.vocabulary import DIRECTION_ORDERS, DISTANCES, ENTRIES, ORDERS
from dsl.terms.canonical import MAX_CANONICAL_NODES
from dsl.terms.expansion import Extent, measure_call
from dsl.terms.operator import Operator
from dsl.types.kinds import BOOL, DIFF, Kind

MAX_OTHER_DEPTH = 2  # of every series after the first of an operator: `sma(close, 20)`
NO_SETTINGS, PERCENTAGES = -1, 0
STOP_DEPTHS = (3, 2, PERCENTAGES)
SHAPES = ((4, 3), (4, 2), (3, 3), (3, 2), (3, 1), (2, 3), (2, 2), (2, 1))  # depth, comparisons


class _Size(NamedTuple):
    """Numbers of nodes before and after defines are expanded."""

    written: int
    canonical: int


def constraint_grammar(
    productions: Mapping[Kind, Groups], directions: Sequence[str], max_nodes: int
) -> Grammar:
    """Return the deepest grammar whose sentences all have at most `max_nodes` nodes.

    Args:
        productions: productions by kind.
        directions: `long`, `short` or both.
        max_nodes: maximum nodes of a strategy; settings are omitted if they do not fit.

    Raises:
        ValueError: if even the smallest grammar exceeds the limit.
    """
    sets = _list_order_sets(tuple(directions))
    pairs = tuple(each for each in sets if len(each) <= 2)
    with_settings = product(SHAPES, STOP_DEPTHS, (sets, pairs))
    without = product(SHAPES, (NO_SETTINGS,), (sets, pairs, tuple(e for e in sets if len(e) == 1)))
    for shape, settings, orders in (*with_settings, *without):
        builder = _GrammarBuilder(productions)
        grammar = builder.build(orders, shape, settings)
        if grammar.max_nodes <= max_nodes and builder.largest_canonical <= MAX_CANONICAL_NODES:
            return grammar
    raise ValueError(f"no strategy has at most {max_nodes} nodes")


class _GrammarBuilder:
    def __init__(self, productions: Mapping[Kind, Groups]) -> None:
        self.productions = productions
        self.grammar = Grammar()
        self.sizes: dict[str, _Size] = {}
        self.numbers = {kind: index for index, kind in enumerate(productions)}
        self.min_depths = {
            kind: min(each.depth for group in groups for each in group)
            for kind, groups in productions.items()
        }
        self.largest_canonical = 0

    def build(
        self, orders: tuple[tuple[str, ...], ...], shape: tuple[int, int], settings: int
    ) -> Grammar:
        depth, count = shape
        grammar = self.grammar
        comparison = self.rule(BOOL, depth)
        joined = [
            Apply(operator, (comparison,) * number)
            for operator in self._list_joins()
            for number in range(2, count + 1)
        ]
        self._add(CONDITION_RULE, (comparison, *joined))
        grammar.orders = orders
        if settings != NO_SETTINGS:
            grammar.settings = self._build_settings(settings)
        condition = self.sizes[CONDITION_RULE]
        max_orders = max(map(len, grammar.orders))
        grammar.max_nodes = max_orders * condition.written + sum(
            self.sizes[rule.name].written for rule in grammar.settings.values()
        )
        self.largest_canonical = max(size.canonical for size in self.sizes.values())
        return grammar

    def rule(self, kind: Kind, depth: int) -> Reference:
        """Return the rule of a kind up to a depth; add it if it is new."""
        depth = max(depth, self.min_depths[kind])
        name = f"{kind.family}{self.numbers[kind]}d{depth}"
        if name not in self.sizes:
            self.sizes[name] = _Size(0, 0)  # its productions refer to lower depths
            self._add(name, tuple(self._list_alternatives(kind, depth)))
        return Reference(name)

    def _list_alternatives(self, kind: Kind, depth: int) -> list[Alternative]:
        alternatives: list[Alternative] = []
        for group in self.productions[kind]:
            fitting = [each for each in group if each.depth <= depth]
            if fitting and fitting[0].operator.name not in ("and", "or"):
                alternatives.extend(self._merge(fitting, depth))
        return alternatives

    def _merge(self, group: list[Production], depth: int) -> list[Alternative]:
        """Return the productions of an operator, merged if it allows all combinations of kinds."""
        operator = group[0].operator
        if not group[0].domains:
            return [Leaf(operator)]
        columns = zip(*[each.domains for each in group], strict=True)
        choices = [list(dict.fromkeys(domains)) for domains in columns]
        count = math.prod(map(len, choices))
        if count != len(group) or count == 1:
            return [self._apply(operator, [[each] for each in e.domains], depth) for e in group]
        return [self._apply(operator, choices, depth)]

    def _apply(self, operator: Operator, choices: list[list[Domain]], depth: int) -> Alternative:
        args: list[Reference] = []
        inner = depth - 1
        for domains in choices:
            if isinstance(domains[0], Kind):
                kinds = [each for each in domains if isinstance(each, Kind)]
                args.append(self._join(kinds, inner))
                inner = min(inner, MAX_OTHER_DEPTH)
            else:
                args.append(self.terminal(domains[0]))
        if operator.is_bare:
            return Leaf(operator)
        return Apply(operator, tuple(args))

    def _join(self, kinds: list[Kind], depth: int) -> Reference:
        fitting = [each for each in kinds if self.min_depths[each] <= max(depth, 1)]
        rules = tuple(self.rule(each, depth) for each in fitting or kinds)
        if len(rules) == 1:
            return rules[0]
        for name, alternatives in self.grammar.rules.items():
            if alternatives == rules:
                return Reference(name)
        name = f"any{len(self.grammar.rules)}"
        self._add(name, rules)
        return Reference(name)

    def terminal(self, domain: Domain) -> Reference:
        """Return the terminal of a window or a literal; add it if it is new."""
        assert not isinstance(domain, Kind)
        if isinstance(domain, Window):
            patterns = whole_numbers(domain.low, domain.high)
        else:
            patterns = constants(domain.low, domain.high, domain.digits)
        return self._add_terminal(patterns)

    def _add_terminal(self, patterns: tuple[str, ...]) -> Reference:
        for name, existing in self.grammar.terminals.items():
            if existing == patterns:
                return Reference(name)
        name = f"NUMBER{len(self.grammar.terminals)}"
        self.grammar.terminals[name] = patterns
        self.sizes[name] = _Size(1, 1)
        return Reference(name)

    def _build_settings(self, depth: int) -> dict[str, Reference]:
        percent = self._add_terminal(percentages(RATIO_OF_PRICE.low, RATIO_OF_PRICE.high))
        distance = percent
        if depth != PERCENTAGES and DIFF in self.productions:
            self._add("distance", (percent, self.rule(DIFF, depth)))
            distance = Reference("distance")
        return {
            "size": self.terminal(SIZE),
            **dict.fromkeys(DISTANCES, distance),
            "hold": self.terminal(HOLD),
        }

    def _list_joins(self) -> list[Operator]:
        groups = self.productions[BOOL]
        return [group[0].operator for group in groups if group[0].operator.name in ("and", "or")]

    def _add(self, name: str, alternatives: tuple[Alternative, ...]) -> None:
        self.grammar.rules[name] = alternatives
        sizes = [self._measure(each) for each in alternatives]
        self.sizes[name] = _Size(
            max(size.written for size in sizes), max(size.canonical for size in sizes)
        )

    def _measure(self, alternative: Alternative) -> _Size:
        match alternative:
            case Leaf(operator):
                defaults = [slot.default for slot in operator.slots if slot.default]
                return _measure_call(operator, [_Size(each.size, each.size) for each in defaults])
            case Reference(name):
                return self.sizes[name]
            case Apply(operator, args):
                return _measure_call(operator, [self.sizes[rule.name] for rule in args])


def _measure_call(operator: Operator, args: list[_Size]) -> _Size:
    canonical = measure_call(operator, [Extent(size.canonical, 1) for size in args])
    return _Size(1 + sum(size.written for size in args), canonical.nodes)


def _list_order_sets(directions: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the allowed sets of orders: each entry with, without or `while`, and both sides."""
    sets: list[tuple[str, ...]] = []
    for direction, (entry, exit_) in DIRECTION_ORDERS.items():
        if direction in directions:
            sets += [(entry, exit_), (entry,), (f"{entry} while",)]
    if len(directions) == len(DIRECTION_ORDERS):
        sets += [ORDERS, ENTRIES, tuple([f"{entry} while" for entry in ENTRIES])]
    return tuple(sets)
