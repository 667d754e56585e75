"""Rules of the constraint grammar as data, which `lark`, `gbnf` and `json_schema` write out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dsl.terms.operator import Operator

NAME = "evolved"
ABOUT = "[A-Za-z0-9 ,.%-]{12,120}"  # what a strategy may say of itself
CONDITION_RULE = "condition"


class Rule(NamedTuple):
    """A reference to a rule or a terminal, by name."""

    name: str


class Leaf(NamedTuple):
    """An operator written without arguments: `close`, `obv()`."""

    operator: Operator

    @property
    def text(self) -> str:
        """What is written."""
        return self.operator.name if self.operator.series else f"{self.operator.name}()"


class Apply(NamedTuple):
    """An operator applied to what rules give, one a slot."""

    operator: Operator
    args: tuple[Rule, ...]

    @property
    def slots(self) -> list[str]:
        """The names of its arguments; those of `and` and `or` are numbered."""
        if self.operator.name in ("and", "or"):
            return [f"x{index + 1}" for index in range(len(self.args))]
        return [slot.name for slot in self.operator.slots]

    def pieces(self) -> list[str | Rule]:
        """How it is written: literal text and rules in turn."""
        name = self.operator.name
        if name == "lag":
            return [self.args[0], "[", self.args[1], "]"]
        if name in ("and", "or", "<", ">"):
            return _joined(self.args, f" {name} ")
        if not name.isidentifier():
            return ["(", *_joined(self.args, f" {name} "), ")"]
        return [f"{name}(", *_joined(self.args, ", "), ")"]


Alternative = Leaf | Apply | Rule


@dataclass
class Grammar:
    """Rules and terminals by name, and the statements a strategy may have.

    Attributes:
        rules: alternatives by name.
        terminals: alternatives by name, each a pattern of character classes and literals.
        orders: for each set of orders a strategy may have, order -> rule.
        settings: setting -> rule; each may be left out.
        max_nodes: the size of the largest strategy it can write.
    """

    rules: dict[str, tuple[Alternative, ...]] = field(default_factory=dict)
    terminals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    orders: tuple[tuple[str, ...], ...] = ()
    settings: dict[str, Rule] = field(default_factory=dict)
    max_nodes: int = 0


def _joined(args: Sequence[Rule], between: str) -> list[str | Rule]:
    pieces: list[str | Rule] = [args[0]]
    for arg in args[1:]:
        pieces += [between, arg]
    return pieces
