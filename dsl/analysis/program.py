"""A checked strategy: its genome as written, and its meaning in canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

from dsl.analysis.catalog import catalog
from dsl.terms.canonical import MeaningError, canonicalize, fold
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Parameter, Term, number
from dsl.terms.text import format_term

LANGUAGE_VERSION = "1"


class Rules(NamedTuple):
    """The rules of a strategy as terms; None where it has none.

    `buy sell short cover` are conditions, `size` a fraction of equity, `stop trail target` a
    price distance or a ratio, `hold` a constant number of bars.
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
        """How many nodes the rules have together."""
        return sum([term.size for term in self if term is not None])

    def named(self) -> list[tuple[str, Term]]:
        """The rules there are, each with its name."""
        return [(name, term) for name, term in zip(RULES, self, strict=True) if term is not None]


RULES = Rules._fields


@dataclass(frozen=True)
class Program:
    """A strategy, typed and canonical. Equal hashes are equal meanings, and one trial.

    Attributes:
        name: what it is called.
        rules: the written form, lets inlined: what is printed, measured and bred.
        about: what it believes, in its author's words.
    """

    name: str
    rules: Rules
    about: str = ""

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: the rules and the key, not the canonical form."""
        return {name: value for name, value in vars(self).items() if name != "canonical"}

    @cached_property
    def canonical(self) -> Rules:
        """The rules in canonical form; raises MeaningError as `canonical` does."""
        return _canonical_rules(self.rules)

    @cached_property
    def key(self) -> bytes:
        """blake2b-128 of the canonical form's text and the language's version."""
        parts = [LANGUAGE_VERSION]
        parts.extend([f"{name} {format_term(term)}" for name, term in self.canonical.named()])
        return blake2b("\n".join(parts).encode(), digest_size=16).digest()

    @property
    def hash(self) -> str:
        """The key in hexadecimal."""
        return self.key.hex()

    @property
    def nodes(self) -> int:
        """The size of the written form."""
        return self.rules.nodes

    @property
    def warmup_bars(self) -> int:
        """How many bars pass before every rule can have a value."""
        return max([lookback(term) for _, term in self.canonical.named()], default=0)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the rules, in order of appearance, each once."""
        found = (part.leaf for term in self._elaborate for part in term.walk())
        return tuple(dict.fromkeys(leaf for leaf in found if isinstance(leaf, Parameter)))

    @property
    def defines(self) -> tuple[Operator, ...]:
        """The operators used in the rules that are not built in, a definition before its use."""
        ordered: dict[Operator, None] = {}
        for term in self._elaborate:
            _collect_defines(term, ordered)
        return tuple(ordered)

    @property
    def _elaborate(self) -> list[Term]:
        """The rules with a parameter or an operator of a user's own in them."""
        return [term for term in self.rules if term is not None and not term.is_plain]


def lookback(term: Term) -> int:
    """How many earlier bars the value of a canonical term needs."""
    if term.lookback is None:
        term.lookback = _lookback(term)
    return term.lookback


def gives_ratio(term: Term) -> bool:
    """Whether a stop, trail or target is a ratio of the fill price, not a price distance."""
    return infer_kind(term).is_scale_free


def _lookback(term: Term) -> int:
    operator = term.operator
    if operator is None or not term.args:
        return 0
    series = [arg for i, arg in enumerate(term.args) if not operator.slot(i).is_window]
    windows = [int(arg.value or 0) for i, arg in enumerate(term.args) if operator.slot(i).is_window]
    own = operator.lookback(*windows) if operator.lookback else 0
    return own + max([lookback(arg) for arg in series], default=0)


def _canonical_rules(rules: Rules) -> Rules:
    find = catalog().operator
    made: dict[str, Term] = {}
    for name, term in rules.named():
        if name == "hold":
            value = fold(term)
            if value is None or value < 1:
                raise MeaningError("E304", f"`hold` is {value}; it must be 1 bar or more")
            made[name] = number(int(value))
            continue
        simple = canonicalize(term, find)
        if simple.leaf is False or (name == "size" and simple.value == 1):
            continue
        made[name] = simple
    return Rules(**made)


def _collect_defines(term: Term, ordered: dict[Operator, None]) -> None:
    if term.is_plain:
        return
    for part in term.walk():
        operator = part.operator
        if operator is not None and operator.is_user_defined and operator not in ordered:
            assert operator.body is not None
            _collect_defines(operator.body, ordered)
            ordered[operator] = None
