"""How tightly operators bind: by this table text is read, and written."""

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
    """An expression's text and how tightly it binds."""

    text: str
    precedence: int

    def parenthesize(self, precedence: int) -> str:
        """The text, in parentheses if it binds less tightly than its surroundings need."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def write_call(head: str, args: Sequence[Fragment]) -> Fragment:
    """The text of an operator applied to arguments that are written already."""
    own = INFIX.get(head)
    if own is not None and len(args) > 1:
        words = [text if binds > own else f"({text})" for text, binds in args]
        if own != COMPARISON and args[0].precedence == own:
            words[0] = args[0].text
        return Fragment(f" {head} ".join(words), own)
    if head in PREFIX and len(args) == 1:
        symbol, own = PREFIX[head]
        return Fragment(symbol + args[0].parenthesize(own), own)
    if head == "lag" and len(args) == 2:
        return Fragment(f"{args[0].parenthesize(LAG)}[{args[1].text}]", LAG)
    return Fragment(f"{head}({', '.join([arg.text for arg in args])})", ATOM)


def write_number(text: str) -> Fragment:
    """A literal; a negative one binds like a sign."""
    return Fragment(text, PREFIX["negate"][1] if text.startswith("-") else ATOM)
