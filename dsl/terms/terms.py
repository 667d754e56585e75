"""What programs are made of: operators applied to terms.

Terms are immutable and interned: equal terms are one object, so equality is identity, and what
is derived from a term (its kind, text, canonical form) is computed once and kept on it. A term
is the genome that the search breeds, with params as tied, tunable leaves, and equally the
canonical form that is hashed and evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import ref

from dsl.syntax.literals import format_number
from dsl.terms.operator import Operator
from dsl.types.kinds import Inference, Kind


@dataclass(frozen=True)
class Parameter:
    """A named constant of a strategy. Equal parameters are one: tuning moves them together."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    step: float | None = None
    percent: bool = False

    @property
    def is_tunable(self) -> bool:
        """Whether it has a range to move in."""
        return self.low is not None and self.high is not None

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole numbers only: all of its numbers are whole."""
        given = (self.value, self.low, self.high, self.step)
        return all(float(each).is_integer() for each in given if each is not None)


class Term:
    """An operator applied to terms, or a leaf: a number, a truth, a parameter, an argument.

    `value` is the number of a literal or a parameter, and None for anything else.
    `is_open` says whether an argument leaf is in it, `is_plain` that it holds neither a parameter
    nor an operator of a user's own; `is_indicator` marks the expansion of a define, whose series
    is worth keeping.

    Build terms with `call`, `number`, `truth`, `parameter` and `argument`, never directly.
    """

    __slots__ = (
        "__weakref__",
        "args",
        "canonical",
        "depth",
        "inference",
        "is_canonical",
        "is_indicator",
        "is_open",
        "is_plain",
        "leaf",
        "lookback",
        "operator",
        "size",
        "spelled",
        "value",
    )

    operator: Operator | None
    args: tuple[Term, ...]
    leaf: Number | bool | Parameter | Argument | None
    size: int
    depth: int
    canonical: Term | None
    is_canonical: bool
    is_indicator: bool
    is_open: bool
    is_plain: bool
    inference: Inference | None
    lookback: int | None
    spelled: tuple[str, int] | None
    value: float | None

    def __init__(self, operator: Operator | None, args: tuple[Term, ...], leaf: Any) -> None:
        self.operator = operator
        self.args = args
        self.leaf = leaf
        self.value = None if leaf is None else getattr(leaf, "value", None)
        size, depth = 1, 0
        is_open, is_plain = isinstance(leaf, Argument), not isinstance(leaf, Parameter)
        if operator is not None and operator.is_user_defined:
            is_plain = False
        for arg in args:
            size += arg.size
            if arg.depth > depth:
                depth = arg.depth
            is_open = is_open or arg.is_open
            is_plain = is_plain and arg.is_plain
        self.size, self.depth = size, depth + 1
        self.is_open, self.is_plain = is_open, is_plain
        self.canonical = self.inference = self.lookback = self.spelled = None
        self.is_canonical = self.is_indicator = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Terms are interned in every process."""
        leaf = self.leaf
        if self.operator is not None:
            return call, (self.operator, *self.args)
        if isinstance(leaf, bool):
            return truth, (leaf,)
        if isinstance(leaf, Number):
            return number, (leaf.value, leaf.percent)
        if isinstance(leaf, Parameter):
            return parameter, (leaf,)
        assert isinstance(leaf, Argument)
        return argument, (leaf.index, leaf.name, leaf.kind)

    def __repr__(self) -> str:
        if self.operator is None:
            return f"Term({self.leaf!r})"
        return f"Term({self.operator.name}{self.args!r})"

    @property
    def head(self) -> str:
        """The operator's name, or an empty string for a leaf."""
        return self.operator.name if self.operator else ""

    def walk(self) -> Iterator[Term]:
        """The term and everything below it, top-down, left to right."""
        yield self
        for arg in self.args:
            yield from arg.walk()


@dataclass(frozen=True)
class Number:
    """The payload of a literal."""

    value: float
    percent: bool = False

    def __str__(self) -> str:
        return format_number(self.value, self.percent)


@dataclass(frozen=True)
class Argument:
    """The payload of an argument leaf."""

    index: int
    name: str
    kind: Kind | None


class _Interned(ref[Term]):
    """A weak reference to a term that knows what the term is interned as."""

    __slots__ = ("key",)
    key: Any


_interned: dict[Any, _Interned] = {}


def _discard(reference: ref[Term]) -> None:
    key = reference.key if isinstance(reference, _Interned) else None
    if _interned.get(key) is reference:
        del _interned[key]


def call(operator: Operator, *args: Term) -> Term:
    """An operator applied to its arguments, all of them given."""
    key = (operator, *args)
    reference = _interned.get(key)
    found = None if reference is None else reference()
    return found or _make(key, operator, args, None)


def number(value: float, percent: bool = False) -> Term:
    """A literal."""
    value = float(value) + 0.0  # -0.0 becomes 0.0: the language has one zero
    return _known((value, percent)) or _intern((value, percent), None, (), Number(value, percent))


def truth(value: bool) -> Term:
    """A constant condition."""
    return _intern(("truth", value), None, (), value)


def parameter(param: Parameter) -> Term:
    """A parameter as a leaf."""
    return _intern(param, None, (), param)


def argument(index: int, name: str, kind: Kind | None) -> Term:
    """The index-th argument inside the body of a define; kind None is any number."""
    return _intern(("argument", index, name, kind), None, (), Argument(index, name, kind))


def _known(key: Any) -> Term | None:
    reference = _interned.get(key)
    return None if reference is None else reference()


def _intern(key: Any, operator: Operator | None, args: tuple[Term, ...], leaf: Any) -> Term:
    return _known(key) or _make(key, operator, args, leaf)


def _make(key: Any, operator: Operator | None, args: tuple[Term, ...], leaf: Any) -> Term:
    term = Term(operator, args, leaf)
    reference = _interned[key] = _Interned(term, _discard)
    reference.key = key
    return term
