"""Precedence of operators, for both parsing and printing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

INFIX = {
    "or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6,
}  # fmt: skip
PREFIX = {"not": ("not ", 3), "negate": ("-", 7)}
COMPARISON, LAG, ATOM = 4, 8, 9


class Fragment(NamedTuple):
    """Text of an expression, and its precedence: the higher, the tighter it binds."""

    text: str
    precedence: int

    def parenthesize(self, precedence: int) -> str:
        """Return the text, in parentheses if its precedence is below that of its context."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def write_call(head: str, args: Sequence[Fragment]) -> Fragment:
    """Write an operator applied to printed arguments."""
    precedence = INFIX.get(head)
    if precedence is not None and len(args) > 1:
        operands = [arg.parenthesize(precedence + 1) for arg in args]
        if precedence != COMPARISON and args[0].precedence == precedence:
            operands[0] = args[0].text
        return Fragment(f" {head} ".join(operands), precedence)
    if head in PREFIX and len(args) == 1:
        symbol, precedence = PREFIX[head]
        return Fragment(symbol + args[0].parenthesize(precedence), precedence)
    if head == "lag" and len(args) == 2:
        return Fragment(f"{args[0].parenthesize(LAG)}[{args[1].text}]", LAG)
    return Fragment(f"{head}({', '.join([arg.text for arg in args])})", ATOM)


def write_number(text: str) -> Fragment:
    """Write a literal; a negative one has the precedence of the sign."""
    return Fragment(text, PREFIX["negate"][1] if text.startswith("-") else ATOM)
