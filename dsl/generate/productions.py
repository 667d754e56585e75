"""Every strictly typed way to make a value of a kind, derived from the catalog.

A production is an operator with the kinds of its arguments, taken only if the kind algebra has
nothing to say against it, so that what is made from productions compares like with like, holds no
bare prices, and passes the checker without a warning. The search grows programs from them, and
the constraint grammar is made of them.
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


# Windows are written in preferred numbers (Renard's series of 20 to the decade, rounded): 137 and
# 138 bars say the same, and a trial spent on telling them apart is spent on noise.
PREFERRED = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63,
    70, 80, 90, 100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 320, 360, 400, 450, 500, 560,
    630, 710, 800, 900, 1000,
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """A slot for a whole number of bars, from low to high."""

    low: int
    high: int

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The preferred numbers of the slot, and its ends."""
        inner = {each for each in PREFERRED if self.low <= each <= self.high}
        return tuple(sorted(inner | {self.low, self.high}))

    def shift(self, value: float, by: int) -> int:
        """The number so many steps from a value, within the slot."""
        here = bisect_left(self.steps, value)
        return self.steps[min(max(here + by, 0), len(self.steps) - 1)]


@dataclass(frozen=True)
class Constant:
    """A slot for a literal, drawn from low to high."""

    low: float
    high: float

    @cached_property
    def digits(self) -> int:
        """Decimals a drawn literal keeps: about 50 steps over the range."""
        width = self.high - self.low
        return max(0, -math.floor(math.log10(width / 50))) if width > 0 else 6

    def round_value(self, value: float) -> float:
        """A value as a literal of this slot."""
        return round(value, self.digits)


Domain = Kind | Window | Constant
RATIO_OF_PRICE = Constant(0.01, 0.15)  # stops, trails and targets
HOLD = Window(2, 60)
SIZE = Constant(0.2, 1.0)


@dataclass(frozen=True, eq=False)
class Production:
    """One way to make a value: an operator and what goes in its slots.

    `depth` is the least depth of a term it makes.
    """

    operator: Operator
    domains: tuple[Domain, ...]
    depth: int


Groups = tuple[tuple[Production, ...], ...]


def build_productions(operators: Sequence[Operator]) -> dict[Kind, Groups]:
    """For each kind that can be made of some operators, its productions grouped by operator."""
    return _with_depths(_close(operators))


@cache
def domain_of(slot: Slot) -> Window | Constant | None:
    """Where a window or literal is drawn from in a slot; None for a series."""
    if slot.is_window:
        low, high = (slot.kind.typical if slot.kind else None) or (2.0, 200.0)
        return Window(int(low), min(int(high), MAX_WINDOW_BARS))
    if slot.takes_literal and slot.kind is not None and slot.kind.typical is not None:
        return Constant(*slot.kind.typical)
    return None


def threshold_domain(kind: Kind) -> Constant | None:
    """Where a literal to compare a kind with is drawn from; None if there is none."""
    if kind.is_scale_free and kind.typical is not None:
        low, high = kind.typical
        margin = EDGE * (high - low)
        # At the end of its scale a value is never beyond the threshold.
        return Constant(max(low, kind.low + margin), min(high, kind.high - margin))
    return Constant(0.0, 0.0) if kind == DIFF else None


Rule = tuple[Operator, tuple[Domain, ...]]


def _close(operators: Sequence[Operator]) -> dict[Kind, dict[Rule, None]]:
    """Every rule that makes a value of a kind, for every kind that can be made."""
    rules: dict[Kind, dict[Rule, None]] = {BOOL: {}}
    tried: dict[Operator, int] = {}  # how many kinds there were
    while True:
        before = sum(map(len, rules.values()))
        for operator in operators:
            if tried.get(operator) == len(rules):
                continue
            tried[operator] = len(rules)
            for places in _assignments(operator, list(rules)):
                inference = operator.infer(*[_kind_of_domain(place) for place in places])
                if inference.error or not inference.sampled:
                    continue
                rules.setdefault(inference.kind, {})[operator, places] = None
        if sum(map(len, rules.values())) == before:
            return rules


def _kind_of_domain(place: Domain) -> Kind:
    """The kind an operator sees in a place."""
    if isinstance(place, Window):
        return scalar(place.low)
    return scalar(place.high or 0.0) if isinstance(place, Constant) else place


def _assignments(operator: Operator, kinds: list[Kind]) -> Iterable[tuple[Domain, ...]]:
    """Every way to fill an operator's slots with kinds, windows and literals."""
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
        given = dict(zip(free, chosen, strict=True))
        places = [
            given[index if slot.like is None else slot.like]
            for index, slot in enumerate(operator.slots)
        ]
        if all(places[index] in allowed for index, allowed in alike.items()):
            yield tuple(places)
    yield from _with_literals(operator, numeric)


def _with_literals(operator: Operator, numeric: list[Kind]) -> Iterable[tuple[Domain, ...]]:
    """The places where the search writes a literal: thresholds, and factors of a distance."""
    is_comparison = operator.complement or any(slot.like is not None for slot in operator.slots)
    if len(operator.slots) == 2 and is_comparison:
        for kind in numeric:
            threshold = threshold_domain(kind)
            if threshold is not None:
                yield kind, threshold
    elif operator.name == "*":
        yield from ((Constant(*SCALE), kind) for kind in numeric if kind == DIFF)


def _with_depths(
    rules: dict[Kind, dict[Rule, None]],
) -> dict[Kind, Groups]:
    """Productions with the least depth of what they make, by operator."""
    least: dict[Kind, float] = dict.fromkeys(rules, math.inf)
    depths: dict[Rule, float] = {}
    changed = True
    while changed:
        changed = False
        for kind, made in rules.items():
            for rule in made:
                inner = [least[place] if isinstance(place, Kind) else 1.0 for place in rule[1]]
                depth = 1 + max(inner, default=0.0)
                if depth < depths.get(rule, math.inf):
                    depths[rule] = depth
                    changed = True
                least[kind] = min(least[kind], depth)
    productions = {}
    for kind, made in rules.items():
        groups: dict[Operator, list[Production]] = {}
        for rule in made:
            if depths.get(rule, math.inf) < math.inf:
                operator, places = rule
                groups.setdefault(operator, []).append(
                    Production(operator, places, int(depths[rule]))
                )
        if groups:
            productions[kind] = tuple(tuple(group) for group in groups.values())
    return productions
