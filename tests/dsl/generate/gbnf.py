"""A strict reader of the GBNF that llama.cpp takes, and an exact acceptor of its sentences.

Names are of letters, digits and `-`; a rule ends with its line except after `|` or inside
parentheses; what llama.cpp refuses is refused: an unknown escape, an undefined rule, a rule given
twice, left recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

Ranges = tuple[tuple[int, int], ...]
Element = str | Ranges
Sequence = tuple[Element, ...]
Stack = Any  # None, or an element and the stack below it
TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\]|\\.)*")|(\[(?:[^\]\\]|\\.)*\])'
    r"|([A-Za-z0-9-]+)|([|()?]|\{\d+,\d+\}))"
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "[": "[", "]": "]", "-": "-"}


class Gbnf:
    """A grammar that was read, ready to accept sentences."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, list[Sequence]] = {}
        for name, body in self._definitions(text):
            assert name not in self.rules, f"rule {name} is given twice"
            self.rules[name] = []
            tokens = self._tokens(body)
            self.rules[name] = self._alternatives(tokens)
            assert not tokens, f"{name}: what is {tokens[0]!r}?"
        for name, alternatives in list(self.rules.items()):
            for element in (each for sequence in alternatives for each in sequence):
                assert not isinstance(element, str) or element in self.rules, f"{name}: {element}"
        for name in self.rules:
            assert name not in self._first(name), f"left recursion in {name}"

    def accepts(self, text: str) -> bool:
        """Whether a text is a whole sentence of `root`."""
        stacks: set[Stack] = {("root", None)}
        for character in map(ord, text):
            stacks = {
                rest
                for ranges, rest in filter(None, self._expanded(stacks, character))
                if any(low <= character <= high for low, high in cast(Ranges, ranges))
            }
        return None in self._expanded(stacks, None)

    def _expanded(self, stacks: Iterable[Stack], character: int | None) -> set[Stack]:
        """The stacks with rules on top replaced by the alternatives a character may begin."""
        ready: set[Stack] = set()
        waiting = list(stacks)
        seen = set(waiting)
        while waiting:
            stack = waiting.pop()
            if stack is None or not isinstance(stack[0], str):
                ready.add(stack)
                continue
            for alternative in self.rules[stack[0]]:
                starts, is_empty = self._starts(alternative)
                if character not in starts and not is_empty:
                    continue
                grown: Stack = stack[1]
                for element in reversed(alternative):
                    grown = (element, grown)
                if grown not in seen:
                    seen.add(grown)
                    waiting.append(grown)
        return ready

    @cache  # noqa: B019 - a grammar lives as long as its test
    def _starts(self, sequence: Sequence) -> tuple[frozenset[int], bool]:
        """The characters a sequence may begin with, and whether it may be empty."""
        found: set[int] = set()
        for element in sequence:
            if not isinstance(element, str):
                found |= {c for low, high in element for c in range(low, high + 1)}
                return frozenset(found), False
            inner = [self._starts(each) for each in self.rules[element]]
            found |= {c for starts, _ in inner for c in starts}
            if not any(is_empty for _, is_empty in inner):
                return frozenset(found), False
        return frozenset(found), True

    @staticmethod
    def _definitions(text: str) -> Iterator[tuple[str, str]]:
        joined = re.sub(r"\|[ \t]*\n[ \t]*", "| ", text)
        for line in filter(None, joined.split("\n")):
            found = re.fullmatch(r"([A-Za-z0-9-]+) ::= (.*)", line)
            assert found, f"not a rule: {line[:60]}"
            yield found.group(1), found.group(2)

    @staticmethod
    def _tokens(body: str) -> list[str]:
        tokens, place = [], 0
        while place < len(body):
            found = TOKEN.match(body, place)
            assert found, f"cannot be read: {body[place : place + 40]}"
            tokens.append(next(each for each in found.groups() if each is not None))
            place = found.end()
        return tokens

    def _alternatives(self, tokens: list[str]) -> list[Sequence]:
        found = [self._sequence(tokens)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            found.append(self._sequence(tokens))
        return found

    def _sequence(self, tokens: list[str]) -> Sequence:
        parts: list[Element] = []
        while tokens and tokens[0] not in ("|", ")"):
            token = tokens.pop(0)
            if token[0] == '"':
                parts.extend(((ord(c), ord(c)),) for c in self._characters(token[1:-1]))
            elif token[0] == "[":
                parts.append(self._ranges(token[1:-1]))
            elif token == "(":
                parts.append(self._fresh(self._alternatives(tokens)))
                assert tokens.pop(0) == ")"
            elif token[0] == "{":
                least, most = map(int, token[1:-1].split(","))
                part = parts.pop()
                perhaps = self._fresh([(part,), ()])
                parts.extend([part] * least + [perhaps] * (most - least))
            elif token == "?":
                parts.append(self._fresh([(parts.pop(),), ()]))
            else:
                parts.append(token)
        return tuple(parts)

    def _fresh(self, alternatives: list[Sequence]) -> str:
        name = f"_{len(self.rules)}"
        self.rules[name] = alternatives
        return name

    @staticmethod
    def _characters(written: str) -> Iterator[str]:
        rest = iter(written)
        for character in rest:
            yield ESCAPES[next(rest)] if character == "\\" else character

    def _ranges(self, written: str) -> Ranges:
        characters = list(self._characters(written))
        found = []
        while characters:
            low = characters.pop(0)
            high = low
            if len(characters) > 1 and characters[0] == "-":
                high = characters[1]
                del characters[:2]
            found.append((ord(low), ord(high)))
        return tuple(found)

    def _first(self, name: str) -> set[str]:
        """The rules that may stand first in a rule, none of them skipped."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for sequence in self.rules[waiting.pop()]:
                head = sequence[0] if sequence else None
                if isinstance(head, str) and head not in found:
                    found.add(head)
                    waiting.append(head)
        return found
