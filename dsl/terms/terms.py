"""Terms: interned, immutable expressions of operators.

Equal terms are one object, so that equality is identity. Kind, text and canonical form are computed
once and cached on the term. A term is the genotype of the search, with params as shared, tunable
leaves, and the canonical form that is hashed and evaluated.
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
    """Named constant of a strategy. All uses of a parameter are tuned together."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    step: float | None = None
    percent: bool = False

    @property
    def is_tunable(self) -> bool:
        """True if the parameter has a range."""
        return self.low is not None and self.high is not None

    @property
    def is_whole(self) -> bool:
        """True if the parameter takes whole numbers only: its value, range and step are whole."""
        numbers = (self.value, self.low, self.high, self.step)
        return all(float(each).is_integer() for each in numbers if each is not None)


class Term:
    """Operator applied to terms, or a leaf: a number, a truth value, a parameter, an argument.

    Build terms with `call`, `number`, `truth`, `parameter` and `argument`, never directly.

    Attributes:
        operator: the outermost operator; None for a leaf.
        args: arguments of the operator.
        leaf: payload of a leaf; None for a call.
        size: number of nodes.
        depth: number of levels.
        canonical: cached canonical form.
        is_canonical: whether the term is in canonical form.
        is_indicator: whether the term is the expansion of a define, of which the series is cached.
        is_open: whether it contains an argument leaf.
        is_plain: whether it contains neither parameters nor user-defined operators.
        inference: cached kind.
        lookback: cached number of earlier bars that a value needs.
        fragment: cached text and precedence.
        value: number of a literal or a parameter; None for other terms.
    """

    __slots__ = (
        "__weakref__",
        "args",
        "canonical",
        "depth",
        "fragment",
        "inference",
        "is_canonical",
        "is_indicator",
        "is_open",
        "is_plain",
        "leaf",
        "lookback",
        "operator",
        "size",
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
    fragment: tuple[str, int] | None
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
        self.canonical = self.inference = self.lookback = self.fragment = None
        self.is_canonical = self.is_indicator = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the function and arguments that intern the term in another process."""
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
        """Name of the operator; empty for a leaf."""
        return self.operator.name if self.operator else ""

    def walk(self) -> Iterator[Term]:
        """Yield the term and all of its parts in preorder."""
        waiting = [self]
        while waiting:
            term = waiting.pop()
            yield term
            waiting.extend(reversed(term.args))


@dataclass(frozen=True)
class Number:
    """Payload of a literal."""

    value: float
    percent: bool = False

    def __str__(self) -> str:
        return format_number(self.value, self.percent)


@dataclass(frozen=True)
class Argument:
    """Payload of an argument leaf."""

    index: int
    name: str
    kind: Kind | None


class _Interned(ref[Term]):
    """Weak reference to a term with the key under which it is interned."""

    __slots__ = ("key",)
    key: Any


_interned: dict[Any, _Interned] = {}


def _discard(reference: ref[Term]) -> None:
    key = reference.key if isinstance(reference, _Interned) else None
    if _interned.get(key) is reference:
        del _interned[key]


def call(operator: Operator, *args: Term) -> Term:
    """Return an operator applied to all of its arguments."""
    key = (operator, *args)
    reference = _interned.get(key)
    term = None if reference is None else reference()
    return term or _create(key, operator, args, None)


def number(value: float, percent: bool = False) -> Term:
    """Return a literal."""
    value = float(value) + 0.0  # -0.0 becomes 0.0: the language has one zero
    return _find((value, percent)) or _intern((value, percent), None, (), Number(value, percent))


def truth(value: bool) -> Term:
    """Return a constant condition."""
    return _intern(("truth", value), None, (), value)


def parameter(param: Parameter) -> Term:
    """Return a parameter as a leaf."""
    return _intern(param, None, (), param)


def argument(index: int, name: str, kind: Kind | None) -> Term:
    """Return an argument leaf in the body of a define; kind None is any number."""
    return _intern(("argument", index, name, kind), None, (), Argument(index, name, kind))


def _find(key: Any) -> Term | None:
    reference = _interned.get(key)
    return None if reference is None else reference()


def _intern(key: Any, operator: Operator | None, args: tuple[Term, ...], leaf: Any) -> Term:
    return _find(key) or _create(key, operator, args, leaf)


def _create(key: Any, operator: Operator | None, args: tuple[Term, ...], leaf: Any) -> Term:
    term = Term(operator, args, leaf)
    reference = _interned[key] = _Interned(term, _discard)
    reference.key = key
    return term
