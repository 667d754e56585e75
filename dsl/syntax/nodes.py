"""The syntax tree: a file as it was written, spans and comments included.

Expressions have one shape whatever their spelling: `a + b` is `Call("+", (a, b))` and `x[3]`
is `Call("lag", (x, 3))`. Spans take no part in equality, so `parse(format(tree)) == tree`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dsl.diagnostics import Span
from dsl.syntax.vocabulary import OrderName, SettingName

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A literal. `6%` has the value 0.06 and remembers that it is a percentage."""

    value: float
    percent: bool = False
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A bar series, a let, a param or an argument, by name."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    """The constant conditions `true` and `false`."""

    value: bool
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator applied to expressions; `head` is its name or symbol as written."""

    head: str
    args: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)
    head_span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


Expression = Number | Name | Truth | Call


@dataclass(frozen=True, slots=True)
class About:
    """`about "…"`: what the strategy believes, in a sentence."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


@dataclass(frozen=True, slots=True)
class Param:
    """`param n = 20 in 5..60 step 5`: a named constant, tuned within its range if it has one."""

    name: str
    value: Number
    low: Number | None = None
    high: Number | None = None
    step: Number | None = None
    span: Span = field(default=NOWHERE, compare=False)
    name_span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


@dataclass(frozen=True, slots=True)
class Let:
    """`let heat = rsi(close, 2)`: a name for an expression."""

    name: str
    value: Expression
    span: Span = field(default=NOWHERE, compare=False)
    name_span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


@dataclass(frozen=True, slots=True)
class Order:
    """`buy when …`, and `sell`, `short`, `cover` likewise."""

    name: OrderName
    when: Expression
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


@dataclass(frozen=True, slots=True)
class Setting:
    """`size …`, `stop …`, `trail …`, `target …` or `hold …`."""

    name: SettingName
    value: Expression
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


Statement = About | Param | Let | Order | Setting


@dataclass(frozen=True, slots=True)
class Comments:
    """What is written around a node: lines before it, the end of its line, a blank line first."""

    before: tuple[str, ...] = ()
    after: str = ""
    blank: bool = False


@dataclass(frozen=True, slots=True)
class KindNote:
    """A kind as a signature writes it: its name, dimension, range and typical range.

    `like` names the argument whose kind it shares.
    """

    name: str
    dimension: tuple[int, int] | None = None
    range: tuple[Number, Number] | None = None
    typical: tuple[Number, Number] | None = None
    like: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What an operator gives: a kind of its own, or one like (or a distance of) an argument."""

    rule: Literal["kind", "like", "distance"]
    argument: str = ""
    kind: KindNote | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a signature: `n: window 2..200 = 20`."""

    name: str
    kind: KindNote
    default: Number | Name | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """`sma(x: number, n: window = 20) -> like x`."""

    name: str
    arguments: tuple[Argument, ...]
    result: Result | None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Define:
    """An operator written in the language; `also` are its other names."""

    signature: Signature
    also: tuple[str, ...]
    about: str
    body: Expression
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=Comments)


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named strategy: its statements in the order they were written."""

    name: str
    statements: tuple[Statement, ...]
    span: Span = field(default=NOWHERE, compare=False)
    name_span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=Comments)
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """Any number of defines and strategies, and the comments after the last of them."""

    items: tuple[Define | Strategy, ...]
    closing: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies of the file, in order."""
        return tuple(item for item in self.items if isinstance(item, Strategy))

    @property
    def defines(self) -> tuple[Define, ...]:
        """The operators the file defines, in order."""
        return tuple(item for item in self.items if isinstance(item, Define))


def list_heads(expression: Expression) -> Iterator[str]:
    """The operators an expression calls, as written, top-down."""
    if isinstance(expression, Call):
        yield expression.head
        for arg in expression.args:
            yield from list_heads(arg)
