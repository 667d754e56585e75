"""Program: a checked strategy, as written and in canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

from dsl.analysis.catalog import catalog
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ORDERS, DirectionName
from dsl.terms.canonical import MeaningError, canonicalize
from dsl.terms.folding import fold
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Parameter, Term, call, number
from dsl.terms.text import format_term

LANGUAGE_VERSION = "1"


class Rules(NamedTuple):
    """Rules of a strategy as terms, or None.

    A side is tied if its exit is `not` of its entry: `buy while C` is `buy when C` with
    `sell when not C`. The condition of a tied side counts once, and `replace_rule` keeps the tie.

    Attributes:
        buy: condition, like `sell`, `short` and `cover`.
        sell: see `buy`.
        short: see `buy`.
        cover: see `buy`.
        size: fraction of equity.
        stop: price distance or ratio of the fill price, like `trail` and `target`.
        trail: see `stop`.
        target: see `stop`.
        hold: constant number of bars.
    """

    buy: Term | None = None
    sell: Term | None = None
    short: Term | None = None
    cover: Term | None = None
    size: Term | None = None
    stop: Term | None = None
    trail: Term | None = None
    target: Term | None = None
    hold: Term | None = None

    @property
    def nodes(self) -> int:
        """Number of nodes of the rules as written; the condition of a tied side counts once."""
        return sum([term.size for term in self.written if term is not None])

    def named(self) -> list[tuple[str, Term]]:
        """Return the rules that are not None, with their names."""
        return [(name, term) for name, term in zip(RULES, self, strict=True) if term is not None]

    @property
    def written(self) -> Rules:
        """Rules to write down: without the exit of a tied side, which follows from its entry."""
        exits = [DIRECTION_ORDERS[side].exit for side in self.tied]
        return self._replace(**dict.fromkeys(exits)) if exits else self

    def head(self, name: str) -> str:
        """Return the words before a rule as written, such as `buy when`, `buy while` or `stop`."""
        if name not in ORDERS:
            return name
        held = [DIRECTION_ORDERS[side].entry for side in self.tied]
        return f"{name} while" if name in held else f"{name} when"

    @property
    def tied(self) -> tuple[DirectionName, ...]:
        """Sides of which the exit is `not` of the entry."""
        if self.sell is None and self.cover is None:
            return ()
        return tuple([side for side in DIRECTION_ORDERS if self.is_tied(side)])

    def is_tied(self, side: DirectionName) -> bool:
        """Return whether the exit of a side is `not` of its entry."""
        entry, leave = (self.buy, self.sell) if side == "long" else (self.short, self.cover)
        return leave is not None and leave.head == "not" and leave.args[0] is entry

    def tie(self, side: DirectionName) -> Rules:
        """Return the rules with `not` of the entry of a side as its exit."""
        entry, leave = DIRECTION_ORDERS[side]
        condition = getattr(self, entry)
        negated = None if condition is None else call(catalog().operator("not"), condition)
        return self._replace(**{leave: negated})

    def untie(self, side: DirectionName, leave: Term | None = None) -> Rules:
        """Return the rules with an exit of its own, or none, on a side that is tied.

        Args:
            side: the side; if it is not tied, the rules are returned unchanged.
            leave: condition of the exit; None for no exit.
        """
        return self._replace(**{DIRECTION_ORDERS[side].exit: leave}) if self.is_tied(side) else self

    def replace_rule(self, name: str, term: Term | None) -> Rules:
        """Return the rules with one rule replaced; the exit of a tied side follows its entry.

        Args:
            name: name of the rule.
            term: the new rule; None to leave it out.
        """
        changed = self._replace(**{name: term})
        for side in self.tied:
            if DIRECTION_ORDERS[side].entry == name:
                changed = changed.tie(side)
        return changed


RULES = Rules._fields


@dataclass(frozen=True)
class Program:
    """Typed strategy. Programs with equal hashes have equal meaning, and are one trial.

    Attributes:
        name: name of the strategy.
        rules: rules as written, with lets inlined; printing and genetic operators use them.
        about: description by its author.
    """

    name: str
    rules: Rules
    about: str = ""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle, without the canonical form."""
        return {name: value for name, value in vars(self).items() if name != "canonical"}

    def change(
        self, name: str | None = None, rules: Rules | None = None, about: str | None = None
    ) -> Program:
        """Return a copy with another name, other rules or another description.

        `dataclasses.replace` needs the arguments of the class, which a subclass may not have.
        """
        return Program(
            self.name if name is None else name,
            self.rules if rules is None else rules,
            self.about if about is None else about,
        )

    @cached_property
    def canonical(self) -> Rules:
        """Rules in canonical form; reading it may raise MeaningError."""
        return _canonicalize_rules(self.rules)

    @cached_property
    def key(self) -> bytes:
        """128-bit BLAKE2b hash of the language version and the canonical form."""
        parts = [LANGUAGE_VERSION]
        parts.extend([f"{name} {format_term(term)}" for name, term in self.canonical.named()])
        return blake2b("\n".join(parts).encode(), digest_size=16).digest()

    @property
    def hash(self) -> str:
        """Key in hexadecimal."""
        return self.key.hex()

    @cached_property
    def nodes(self) -> int:
        """Number of nodes as written."""
        return self.rules.nodes

    @property
    def warmup_bars(self) -> int:
        """Number of bars before every rule can have a value."""
        return max([lookback(term) for _, term in self.canonical.named()], default=0)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Distinct parameters of the rules, in order of appearance."""
        leaves = (part.leaf for term in self._complex_rules for part in term.walk())
        return tuple(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Parameter)))

    @property
    def defines(self) -> tuple[Operator, ...]:
        """User-defined operators of the rules, each after those that it uses."""
        ordered: dict[Operator, None] = {}
        for term in self._complex_rules:
            _collect_defines(term, ordered)
        return tuple(ordered)

    @property
    def _complex_rules(self) -> list[Term]:
        """Rules that contain a parameter or a user-defined operator."""
        return [term for term in self.rules if term is not None and not term.is_plain]


def lookback(term: Term) -> int:
    """Return the number of earlier bars that the value of a canonical term needs."""
    if term.lookback is None:
        term.lookback = _lookback(term)
    return term.lookback


def gives_ratio(term: Term) -> bool:
    """Return whether a stop, trail or target is a ratio of the fill price, not a distance."""
    return infer_kind(term).is_scale_free


def _lookback(term: Term) -> int:
    operator = term.operator
    if operator is None or not term.args:
        return 0
    series = [arg for i, arg in enumerate(term.args) if not operator.slot(i).is_window]
    windows = [int(arg.value or 0) for i, arg in enumerate(term.args) if operator.slot(i).is_window]
    bars = operator.lookback(*windows) if operator.lookback else 0
    return bars + max([lookback(arg) for arg in series], default=0)


def _canonicalize_rules(rules: Rules) -> Rules:
    find = catalog().operator
    canonical: dict[str, Term] = {}
    for name, term in rules.named():
        if name == "hold":
            value = fold(term)
            if value is None or value < 1:
                raise MeaningError("E304", f"`hold` expects 1 bar or more, found {value}")
            canonical[name] = number(int(value))
            continue
        simple = canonicalize(term, find)
        if simple.leaf is False or (name == "size" and simple.value == 1):
            continue
        canonical[name] = simple
    return Rules(**canonical)


def _collect_defines(term: Term, ordered: dict[Operator, None]) -> None:
    if term.is_plain:
        return
    for part in term.walk():
        operator = part.operator
        if operator is not None and operator.is_user_defined and operator not in ordered:
            assert operator.body is not None
            _collect_defines(operator.body, ordered)
            ordered[operator] = None
