"""Program that is given by its text, and parsed only when its rules are needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from dsl.analysis.check import check
from dsl.analysis.program import Program, Rules


class TextProgram(Program):
    """Program of a text, with what is known of it without its rules.

    A search reads the key, the size and the text of every trial, but the rules of few. To parse a
    text takes 80 times as long as to print it.

    Attributes:
        text: the program as `compact_text` prints it.
        key: its key.
        nodes: its number of nodes.
        name: its name.
    """

    text: str

    def __init__(self, text: str, key: bytes, nodes: int, name: str) -> None:
        vars(self).update(text=text, key=key, nodes=nodes, name=name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return (self.name, self.rules, self.about) == (other.name, other.rules, other.about)

    def __hash__(self) -> int:
        return hash((self.name, self.rules, self.about))

    def __repr__(self) -> str:
        return f"TextProgram({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the arguments: the text travels, never the rules."""
        return TextProgram, (self.text, self.key, self.nodes, self.name)

    @cached_property
    def rules(self) -> Rules:
        """Rules as written.

        Raises:
            LanguageError, ValueError: if the text is not that of a program of this key.
        """
        return self._parsed.rules

    @cached_property
    def about(self) -> str:
        """Description by its author; see `rules` for the errors."""
        return self._parsed.about

    @cached_property
    def _parsed(self) -> Program:
        parsed = check(self.text, f"<{self.name}>")
        if (parsed.key, parsed.nodes, parsed.name) != (self.key, self.nodes, self.name):
            raise ValueError(f"expected a program of hash {self.hash}, found {parsed.hash}")
        return parsed
