"""Nodes of the syntax tree, with spans and comments.

Operators, lags and calls share one node: `a + b` is `Call("+", (a, b))`, and `x[3]` is
`Call("lag", (x, 3))`. Equality ignores spans, but not comments: `parse(format_file(tree)) == tree`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dsl.diagnostics import Span
from dsl.syntax.vocabulary import EXIT_OF, OrderName, SettingName, Usage

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """Number literal; `6%` has the value 0.06, and `percent` is set."""

    value: float
    percent: bool = False
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """Name of a bar series, let, param or argument."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    """Constant condition, `true` or `false`."""

    value: bool
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """Operator applied to expressions; `head` is its name or symbol as written."""

    head: str
    args: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)
    head_span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


Expression = Number | Name | Truth | Call


@dataclass(frozen=True, slots=True)
class About:
    """Description of a strategy in a sentence: `about "…"`."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


@dataclass(frozen=True, slots=True)
class Param:
    """Named constant, tunable within its range: `param n = 20 in 5..60 step 5`."""

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
    """Name for an expression: `let heat = rsi(close, 2)`."""

    name: str
    value: Expression
    span: Span = field(default=NOWHERE, compare=False)
    name_span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


@dataclass(frozen=True, slots=True)
class Order:
    """Order with its condition: `buy`, `sell`, `short` or `cover`, then `when …`.

    `buy while …` is `buy when …` with `sell when not …`, in one order; `short while …` likewise.
    """

    name: OrderName
    when: Expression
    is_while: bool = False
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())

    @property
    def head(self) -> str:
        """Words before the condition, such as `buy when`."""
        return f"{self.name} while" if self.is_while else f"{self.name} when"

    @property
    def names(self) -> tuple[OrderName, ...]:
        """Names of the orders that it gives: with `while`, the entry and its exit."""
        return (self.name, EXIT_OF[self.name]) if self.is_while else (self.name,)


@dataclass(frozen=True, slots=True)
class Setting:
    """Setting with its value: `size`, `stop`, `trail`, `target` or `hold`."""

    name: SettingName
    value: Expression
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=lambda: Comments())


Statement = About | Param | Let | Order | Setting


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments around a node.

    Attributes:
        before: comment lines above the node.
        after: comment at the end of its line.
        blank: whether a blank line precedes both.
    """

    before: tuple[str, ...] = ()
    after: str = ""
    blank: bool = False


@dataclass(frozen=True, slots=True)
class KindNote:
    """Kind as written in a signature.

    Attributes:
        name: family, or `number` for any.
        dimension: exponents of price and volume.
        range: lowest and highest value.
        typical: range of usual values.
        like: argument whose kind it shares.
    """

    name: str
    dimension: tuple[int, int] | None = None
    range: tuple[Number, Number] | None = None
    typical: tuple[Number, Number] | None = None
    like: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a signature: a declared kind, the kind of an argument, or a distance of one."""

    rule: Literal["kind", "like", "distance"]
    argument: str = ""
    kind: KindNote | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """Argument of a signature: `n: window 2..200 = 20`."""

    name: str
    kind: KindNote
    default: Number | Name | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """Signature of an operator: `sma(x: number, n: window = 20) -> like x`."""

    name: str
    arguments: tuple[Argument, ...]
    result: Result | None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Define:
    """Operator written in the language.

    Attributes:
        signature: its name, arguments and result.
        also: its aliases.
        about: one-line description.
        body: the expression that it abbreviates.
        phrase: template of its use in plain words; see `dsl.terms.operator.Operator`.
        usage: how usual it is in strategies.
    """

    signature: Signature
    also: tuple[str, ...]
    about: str
    body: Expression
    phrase: str = ""
    usage: Usage = "usual"
    span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=Comments)


@dataclass(frozen=True, slots=True)
class Strategy:
    """Strategy: its name, and its statements in source order."""

    name: str
    statements: tuple[Statement, ...]
    span: Span = field(default=NOWHERE, compare=False)
    name_span: Span = field(default=NOWHERE, compare=False)
    comments: Comments = field(default_factory=Comments)
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """Defines and strategies of a file, and the comments after the last."""

    items: tuple[Define | Strategy, ...]
    closing: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """Strategies of the file, in source order."""
        return tuple(item for item in self.items if isinstance(item, Strategy))

    @property
    def defines(self) -> tuple[Define, ...]:
        """Defines of the file, in source order."""
        return tuple(item for item in self.items if isinstance(item, Define))


def list_heads(expression: Expression) -> Iterator[str]:
    """Yield the heads of all calls in an expression, as written, in preorder."""
    if isinstance(expression, Call):
        yield expression.head
        for arg in expression.args:
            yield from list_heads(arg)
