"""Productions: all strictly typed ways to build a value of a kind, derived from the catalog.

A production is an operator with kinds of its arguments that the type rules accept. A program built
from productions compares like kinds only and passes the checker without warnings. The search grows
programs from productions, and the constraint grammar consists of them.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from dsl.terms.canonical import MAX_WINDOW_BARS
from dsl.terms.infer import find_mismatch, infer_kind
from dsl.terms.operator import Operator, Slot
from dsl.types.kinds import BOOL, DIFF, Kind, scalar

SCALE = (0.25, 4.0)
EDGE = 0.05

# Windows are preferred numbers (a rounded Renard series of 20 per decade): the difference between
# 137 and 138 bars is noise, on which the search would waste trials.
PREFERRED = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63,
    70, 80, 90, 100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 320, 360, 400, 450, 500, 560,
    630, 710, 800, 900, 1000,
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """Domain of a window: whole numbers of bars from low to high."""

    low: int
    high: int

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Preferred numbers of the domain, and its ends."""
        inner = {each for each in PREFERRED if self.low <= each <= self.high}
        return tuple(sorted(inner | {self.low, self.high}))

    def shift(self, value: float, by: int) -> int:
        """Return the number `by` steps from a value, clipped to the domain."""
        index = bisect_left(self.steps, value)
        return self.steps[min(max(index + by, 0), len(self.steps) - 1)]


@dataclass(frozen=True)
class Constant:
    """Domain of a literal: numbers from low to high."""

    low: float
    high: float

    @cached_property
    def digits(self) -> int:
        """Decimals of a drawn literal, for at least 50 steps over the range."""
        width = self.high - self.low
        return max(0, -math.floor(math.log10(width / 50))) if width > 0 else 6

    def round_value(self, value: float) -> float:
        """Return a value rounded to the decimals of the domain."""
        return round(value, self.digits)


Domain = Kind | Window | Constant
RATIO_OF_PRICE = Constant(0.01, 0.15)  # stops, trails and targets
DISTANCE_FACTOR = Constant(0.5, 5.0)  # of a volatility in a stop, trail or target
HOLD = Window(2, 60)
SIZE = Constant(0.2, 1.0)


@dataclass(frozen=True, eq=False)
class Production:
    """Typed way to build a value.

    Attributes:
        operator: outermost operator.
        domains: domain of each argument.
        depth: minimum depth of a term that it builds.
    """

    operator: Operator
    domains: tuple[Domain, ...]
    depth: int


Groups = tuple[tuple[Production, ...], ...]


def build_productions(operators: Sequence[Operator]) -> dict[Kind, Groups]:
    """Return the productions of each kind that some operators can build, grouped by operator."""
    return _group_by_operator(_close(operators))


@cache
def domain_of(slot: Slot) -> Window | Constant | None:
    """Return the domain of a window or literal in a slot; None for a series."""
    if slot.is_window:
        low, high = (slot.kind.typical if slot.kind else None) or (2.0, 200.0)
        return Window(int(low), min(int(high), MAX_WINDOW_BARS))
    if slot.takes_literal and slot.kind is not None and slot.kind.typical is not None:
        return Constant(*slot.kind.typical)
    return None


def threshold_domain(kind: Kind) -> Constant | None:
    """Return the domain of literals to compare a kind with; None if it has none."""
    if kind.is_scale_free and kind.typical is not None:
        low, high = kind.typical
        margin = EDGE * (high - low)
        # A threshold at the end of the range would decide the comparison.
        return Constant(max(low, kind.low + margin), min(high, kind.high - margin))
    return Constant(0.0, 0.0) if kind == DIFF else None


Derivation = tuple[Operator, tuple[Domain, ...]]


def _close(operators: Sequence[Operator]) -> dict[Kind, dict[Derivation, None]]:
    """Return all rules by the kind that they build, up to the fixed point."""
    rules: dict[Kind, dict[Derivation, None]] = {BOOL: {}}
    tried: dict[Operator, int] = {}  # number of kinds at that time
    while True:
        before = sum(map(len, rules.values()))
        for operator in operators:
            if tried.get(operator) == len(rules):
                continue
            tried[operator] = len(rules)
            for domains in _list_assignments(operator, list(rules)):
                inference = operator.infer(*[_infer_domain(domain) for domain in domains])
                if inference.error or not inference.sampled:
                    continue
                rules.setdefault(inference.kind, {})[operator, domains] = None
        if sum(map(len, rules.values())) == before:
            return rules


def _infer_domain(domain: Domain) -> Kind:
    """Return the kind of the values of a domain."""
    if isinstance(domain, Window):
        return scalar(domain.low)
    return scalar(domain.high or 0.0) if isinstance(domain, Constant) else domain


def _list_assignments(operator: Operator, kinds: list[Kind]) -> Iterable[tuple[Domain, ...]]:
    """Yield all assignments of kinds, windows and literals to the slots of an operator."""
    numeric = [kind for kind in kinds if kind != BOOL]
    choices: list[list[Domain]] = []
    for slot in operator.slots:
        drawn = domain_of(slot)
        if drawn is not None:
            choices.append([drawn])
        elif slot.kind == BOOL:
            choices.append([BOOL])
        elif slot.default is not None:
            choices.append([infer_kind(slot.default)])
        else:
            choices.append([kind for kind in numeric if not find_mismatch(slot, kind)])
    free = [index for index, slot in enumerate(operator.slots) if slot.like is None]
    alike = {index: frozenset(choices[index]) for index in range(len(choices)) if index not in free}
    for chosen in itertools.product(*[choices[index] for index in free]):
        assigned = dict(zip(free, chosen, strict=True))
        domains = [
            assigned[index if slot.like is None else slot.like]
            for index, slot in enumerate(operator.slots)
        ]
        if all(domains[index] in allowed for index, allowed in alike.items()):
            yield tuple(domains)
    yield from _list_literal_assignments(operator, numeric)


def _list_literal_assignments(
    operator: Operator, numeric: list[Kind]
) -> Iterable[tuple[Domain, ...]]:
    """Yield the assignments with a literal: thresholds, and factors of a distance."""
    is_comparison = operator.complement or any(slot.like is not None for slot in operator.slots)
    if len(operator.slots) == 2 and is_comparison:
        for kind in numeric:
            threshold = threshold_domain(kind)
            if threshold is not None:
                yield kind, threshold
    elif operator.name == "*":
        yield from ((Constant(*SCALE), kind) for kind in numeric if kind == DIFF)


def _group_by_operator(rules: dict[Kind, dict[Derivation, None]]) -> dict[Kind, Groups]:
    """Return the productions of each kind, with their minimum depths, grouped by operator."""
    min_depths: dict[Kind, float] = dict.fromkeys(rules, math.inf)
    depths: dict[Derivation, float] = {}
    changed = True
    while changed:
        changed = False
        for kind, kind_rules in rules.items():
            for rule in kind_rules:
                inner = [min_depths[each] if isinstance(each, Kind) else 1.0 for each in rule[1]]
                depth = 1 + max(inner, default=0.0)
                if depth < depths.get(rule, math.inf):
                    depths[rule] = depth
                    changed = True
                min_depths[kind] = min(min_depths[kind], depth)
    productions = {}
    for kind, kind_rules in rules.items():
        groups: dict[Operator, list[Production]] = {}
        for rule in kind_rules:
            if depths.get(rule, math.inf) < math.inf:
                production = Production(*rule, int(depths[rule]))
                groups.setdefault(production.operator, []).append(production)
        if groups:
            productions[kind] = tuple(tuple(group) for group in groups.values())
    return productions
