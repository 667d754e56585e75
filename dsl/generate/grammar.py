"""The sentences a decoder may write, derived from the typed productions.

Unlike `grammar/strategy.lark` this grammar has no free names, no `let` and no choice of spaces; it
has a rule for each kind **and depth**, nests deep in an operator's first series alone, and keeps
conditions to short lists. So each of its sentences parses and type-checks, every derivation ends,
and the limits on nodes hold by construction. A rule is data; `lark`, `gbnf` and `json_schema` say
it in their own ways.
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
    Constant,
    Domain,
    Groups,
    Production,
    Window,
)
from dsl.generate.rules import CONDITION_RULE, Alternative, Apply, Grammar, Leaf, Rule
from dsl.syntax.vocabulary import DISTANCES, ENTRIES, ORDERS, SIDES
from dsl.terms.canonical import MAX_CANONICAL_NODES
from dsl.terms.operator import Operator
from dsl.terms.terms import Argument, Term
from dsl.types.kinds import BOOL, DIFF, Kind

BESIDE = 2  # how deep a series nests that is not an operator's first: `sma(close, 20)`
NO_SETTINGS, PERCENTAGES = -1, 0
STOP_DEPTHS = (3, 2, PERCENTAGES)
SHAPES = ((4, 3), (4, 2), (3, 3), (3, 2), (3, 1), (2, 3), (2, 2), (2, 1))  # depth, comparisons


class _Size(NamedTuple):
    """Nodes as written, and with the defines written out."""

    written: int
    canonical: int


def constraint_grammar(
    productions: Mapping[Kind, Groups], directions: Sequence[str], max_nodes: int
) -> Grammar:
    """The deepest grammar of which no sentence is larger than the limit.

    Args:
        productions: what may be written, by kind.
        directions: `long`, `short` or both.
        max_nodes: the limit; settings are left out where they do not fit.

    Raises:
        ValueError: if not even the smallest grammar keeps to the limit.
    """
    sets = _order_sets(tuple(directions))
    pairs = tuple(each for each in sets if len(each) <= 2)
    with_settings = product(SHAPES, STOP_DEPTHS, (sets, pairs))
    without = product(SHAPES, (NO_SETTINGS,), (sets, pairs, tuple(e for e in sets if len(e) == 1)))
    for shape, settings, orders in (*with_settings, *without):
        maker = _GrammarBuilder(productions)
        made = maker.build(orders, shape, settings)
        if made.max_nodes <= max_nodes and maker.largest_canonical <= MAX_CANONICAL_NODES:
            return made
    raise ValueError(f"no strategy of at most {max_nodes} nodes can be written")


class _GrammarBuilder:
    def __init__(self, productions: Mapping[Kind, Groups]) -> None:
        self.productions = productions
        self.grammar = Grammar()
        self.sizes: dict[str, _Size] = {}
        self.numbers = {kind: index for index, kind in enumerate(productions)}
        self.least = {
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
            for operator in self._joiners()
            for number in range(2, count + 1)
        ]
        self._add(CONDITION_RULE, (comparison, *joined))
        grammar.orders = orders
        if settings != NO_SETTINGS:
            grammar.settings = self._settings(settings)
        condition = self.sizes[CONDITION_RULE]
        most = max(map(len, grammar.orders))
        grammar.max_nodes = most * condition.written + sum(
            self.sizes[rule.name].written for rule in grammar.settings.values()
        )
        self.largest_canonical = max(size.canonical for size in self.sizes.values())
        return grammar

    def rule(self, kind: Kind, depth: int) -> Rule:
        """The rule of a kind, nested at most so deep; made once."""
        depth = max(depth, self.least[kind])
        name = f"{kind.family}{self.numbers[kind]}d{depth}"
        if name not in self.sizes:
            self.sizes[name] = _Size(0, 0)  # its own productions are of lower depths
            self._add(name, tuple(self._alternatives(kind, depth)))
        return Rule(name)

    def _alternatives(self, kind: Kind, depth: int) -> list[Alternative]:
        found: list[Alternative] = []
        for group in self.productions[kind]:
            fitting = [each for each in group if each.depth <= depth]
            if fitting and fitting[0].operator.name not in ("and", "or"):
                found.extend(self._applications(fitting, depth))
        return found

    def _applications(self, group: list[Production], depth: int) -> list[Alternative]:
        """The productions of one operator, those that differ in one kind alone made one."""
        operator = group[0].operator
        if not group[0].domains:
            return [Leaf(operator)]
        columns = zip(*[each.domains for each in group], strict=True)
        choices = [list(dict.fromkeys(places)) for places in columns]
        count = math.prod(map(len, choices))
        if count != len(group) or count == 1:
            return [self._applied(operator, [[place] for place in e.domains], depth) for e in group]
        return [self._applied(operator, choices, depth)]

    def _applied(self, operator: Operator, choices: list[list[Domain]], depth: int) -> Alternative:
        args: list[Rule] = []
        inner = depth - 1
        for places in choices:
            if isinstance(places[0], Kind):
                kinds = [each for each in places if isinstance(each, Kind)]
                args.append(self._any_of(kinds, inner))
                inner = min(inner, BESIDE)
            else:
                args.append(self.terminal(places[0]))
        if operator.is_bare:
            return Leaf(operator)
        return Apply(operator, tuple(args))

    def _any_of(self, kinds: list[Kind], depth: int) -> Rule:
        rules = tuple(self.rule(each, depth) for each in kinds if self.least[each] <= max(depth, 1))
        rules = rules or tuple(self.rule(each, depth) for each in kinds)
        if len(rules) == 1:
            return rules[0]
        known = [name for name, made in self.grammar.rules.items() if made == rules]
        if known:
            return Rule(known[0])
        name = f"any{len(self.grammar.rules)}"
        self._add(name, rules)
        return Rule(name)

    def terminal(self, place: Window | Constant | Kind) -> Rule:
        """The terminal of a window or a literal; made once."""
        assert not isinstance(place, Kind)
        if isinstance(place, Window):
            patterns = whole_numbers(place.low, place.high)
        else:
            patterns = constants(place.low, place.high, place.digits)
        return self._terminal(patterns)

    def _terminal(self, patterns: tuple[str, ...]) -> Rule:
        for name, made in self.grammar.terminals.items():
            if made == patterns:
                return Rule(name)
        name = f"NUMBER{len(self.grammar.terminals)}"
        self.grammar.terminals[name] = patterns
        self.sizes[name] = _Size(1, 1)
        return Rule(name)

    def _settings(self, depth: int) -> dict[str, Rule]:
        percent = self._terminal(percentages(RATIO_OF_PRICE.low, RATIO_OF_PRICE.high))
        distance = percent
        if depth != PERCENTAGES and DIFF in self.productions:
            self._add("distance", (percent, self.rule(DIFF, depth)))
            distance = Rule("distance")
        return {
            "size": self.terminal(SIZE),
            **dict.fromkeys(DISTANCES, distance),
            "hold": self.terminal(HOLD),
        }

    def _joiners(self) -> list[Operator]:
        groups = self.productions[BOOL]
        return [group[0].operator for group in groups if group[0].operator.name in ("and", "or")]

    def _add(self, name: str, alternatives: tuple[Alternative, ...]) -> None:
        self.grammar.rules[name] = alternatives
        sizes = [self._size(each) for each in alternatives]
        self.sizes[name] = _Size(
            max(size.written for size in sizes), max(size.canonical for size in sizes)
        )

    def _size(self, alternative: Alternative) -> _Size:
        match alternative:
            case Leaf(operator):
                defaults = [slot.default for slot in operator.slots if slot.default]
                return _applied_size(operator, [_Size(each.size, each.size) for each in defaults])
            case Rule(name):
                return self.sizes[name]
            case Apply(operator, args):
                return _applied_size(operator, [self.sizes[rule.name] for rule in args])


def _applied_size(operator: Operator, inner: list[_Size]) -> _Size:
    canonical = [size.canonical for size in inner]
    grown = expanded_nodes(operator.body, canonical) if operator.body else 1 + sum(canonical)
    return _Size(1 + sum(size.written for size in inner), grown)


def expanded_nodes(term: Term, args: Sequence[int]) -> int:
    """How many nodes a term has with its defines written out, before it is simplified.

    Args:
        term: any term.
        args: nodes of what stands for each argument leaf.
    """
    if isinstance(term.leaf, Argument):
        return args[term.leaf.index]
    inner = [expanded_nodes(each, args) for each in term.args]
    if term.operator is not None and term.operator.body is not None:
        return expanded_nodes(term.operator.body, inner)
    return 1 + sum(inner)


def _order_sets(directions: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The orders a strategy may have: each entry, alone or with its exit, and both directions."""
    sets: list[tuple[str, ...]] = []
    for direction, (entry, leave) in SIDES.items():
        if direction in directions:
            sets += [(entry, leave), (entry,)]
    if len(directions) == len(SIDES):
        sets += [ORDERS, ENTRIES]
    return tuple(sets)
