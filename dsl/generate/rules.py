"""Rules of the constraint grammar as data, which `lark`, `gbnf` and `json_schema` format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dsl.syntax.vocabulary import ORDERS
from dsl.terms.operator import Operator

NAME = "evolved"
ABOUT = "[A-Za-z0-9 ,.%-]{12,120}"  # description of a strategy
CONDITION_RULE = "condition"


class Reference(NamedTuple):
    """Reference to a rule or a terminal by name."""

    name: str


class Leaf(NamedTuple):
    """Operator without arguments: `close`, `obv()`."""

    operator: Operator

    @property
    def text(self) -> str:
        """Text of the operator."""
        return self.operator.name if self.operator.series else f"{self.operator.name}()"


class Apply(NamedTuple):
    """Operator applied to one rule per argument."""

    operator: Operator
    args: tuple[Reference, ...]

    @property
    def slots(self) -> list[str]:
        """Names of the arguments; those of `and` and `or` are numbered."""
        if self.operator.name in ("and", "or"):
            return [f"x{index + 1}" for index in range(len(self.args))]
        return [slot.name for slot in self.operator.slots]

    def pieces(self) -> list[str | Reference]:
        """Return the text and rules of which it is composed, in order."""
        name = self.operator.name
        if name == "lag":
            return [self.args[0], "[", self.args[1], "]"]
        if name in ("and", "or", "<", ">"):
            return _join(self.args, f" {name} ")
        if not name.isidentifier():
            return ["(", *_join(self.args, f" {name} "), ")"]
        return [f"{name}(", *_join(self.args, ", "), ")"]


Alternative = Leaf | Apply | Reference


@dataclass
class Grammar:
    """Constraint grammar: rules, terminals, and the statements of a strategy.

    Attributes:
        rules: alternatives by name.
        terminals: alternatives by name, each a pattern of character classes and literals.
        orders: allowed sets of orders, such as `buy` with `sell`, or `buy while` alone.
        settings: setting -> rule; each setting is optional.
        max_nodes: size of the largest strategy that it generates.
    """

    rules: dict[str, tuple[Alternative, ...]] = field(default_factory=dict)
    terminals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    orders: tuple[tuple[str, ...], ...] = ()
    settings: dict[str, Reference] = field(default_factory=dict)
    max_nodes: int = 0


def order_head(name: str) -> str:
    """Return the words before the condition of an order: `buy when`; `buy while` is unchanged."""
    return f"{name} when" if name in ORDERS else name


def _join(args: Sequence[Reference], separator: str) -> list[str | Reference]:
    pieces: list[str | Reference] = [args[0]]
    for arg in args[1:]:
        pieces += [separator, arg]
    return pieces
