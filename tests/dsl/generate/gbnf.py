"""Strict parser of the GBNF of llama.cpp, and an exact acceptor of its sentences.

Names consist of letters, digits and `-`. A rule ends with its line, except after `|` or inside
parentheses. As in llama.cpp, an unknown escape, an undefined rule, a duplicate rule and left
recursion are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

Ranges = tuple[tuple[int, int], ...]
Element = str | Ranges
Sequence = tuple[Element, ...]
Stack = Any  # None, or an element and the rest of the stack
TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\]|\\.)*")|(\[(?:[^\]\\]|\\.)*\])'
    r"|([A-Za-z0-9-]+)|([|()?]|\{\d+,\d+\}))"
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "[": "[", "]": "]", "-": "-"}


class Gbnf:
    """Parsed grammar that accepts sentences."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, list[Sequence]] = {}
        for name, body in self._split_rules(text):
            assert name not in self.rules, f"duplicate rule {name}"
            self.rules[name] = []
            tokens = self._tokenize(body)
            self.rules[name] = self._parse_alternatives(tokens)
            assert not tokens, f"{name}: unexpected {tokens[0]!r}"
        for name, alternatives in list(self.rules.items()):
            for element in (each for sequence in alternatives for each in sequence):
                assert not isinstance(element, str) or element in self.rules, (
                    f"{name}: unknown rule {element}"
                )
        for name in self.rules:
            assert name not in self._find_first_rules(name), f"left recursion in {name}"

    def accepts(self, text: str) -> bool:
        """Return whether a text is a complete sentence of `root`."""
        stacks: set[Stack] = {("root", None)}
        for character in map(ord, text):
            stacks = {
                rest
                for ranges, rest in filter(None, self._expand(stacks, character))
                if any(low <= character <= high for low, high in cast(Ranges, ranges))
            }
        return None in self._expand(stacks, None)

    def _expand(self, stacks: Iterable[Stack], character: int | None) -> set[Stack]:
        """Replace rules on top of the stacks by alternatives that may begin with a character."""
        ready: set[Stack] = set()
        pending = list(stacks)
        seen = set(pending)
        while pending:
            stack = pending.pop()
            if stack is None or not isinstance(stack[0], str):
                ready.add(stack)
                continue
            for alternative in self.rules[stack[0]]:
                starts, is_empty = self._find_starts(alternative)
                if character not in starts and not is_empty:
                    continue
                grown: Stack = stack[1]
                for element in reversed(alternative):
                    grown = (element, grown)
                if grown not in seen:
                    seen.add(grown)
                    pending.append(grown)
        return ready

    @cache  # noqa: B019 - the grammar lives as long as its test
    def _find_starts(self, sequence: Sequence) -> tuple[frozenset[int], bool]:
        """Return the characters with which a sequence may begin, and whether it may be empty."""
        characters: set[int] = set()
        for element in sequence:
            if not isinstance(element, str):
                characters |= {c for low, high in element for c in range(low, high + 1)}
                return frozenset(characters), False
            inner = [self._find_starts(each) for each in self.rules[element]]
            characters |= {c for starts, _ in inner for c in starts}
            if not any(is_empty for _, is_empty in inner):
                return frozenset(characters), False
        return frozenset(characters), True

    @staticmethod
    def _split_rules(text: str) -> Iterator[tuple[str, str]]:
        joined = re.sub(r"\|[ \t]*\n[ \t]*", "| ", text)
        for line in filter(None, joined.split("\n")):
            match = re.fullmatch(r"([A-Za-z0-9-]+) ::= (.*)", line)
            assert match, f"expected a rule, found {line[:60]}"
            yield match.group(1), match.group(2)

    @staticmethod
    def _tokenize(body: str) -> list[str]:
        tokens, position = [], 0
        while position < len(body):
            match = TOKEN.match(body, position)
            assert match, f"expected a token, found {body[position : position + 40]}"
            tokens.append(next(each for each in match.groups() if each is not None))
            position = match.end()
        return tokens

    def _parse_alternatives(self, tokens: list[str]) -> list[Sequence]:
        alternatives = [self._parse_sequence(tokens)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            alternatives.append(self._parse_sequence(tokens))
        return alternatives

    def _parse_sequence(self, tokens: list[str]) -> Sequence:
        parts: list[Element] = []
        while tokens and tokens[0] not in ("|", ")"):
            token = tokens.pop(0)
            if token[0] == '"':
                parts.extend(((ord(c), ord(c)),) for c in self._unescape(token[1:-1]))
            elif token[0] == "[":
                parts.append(self._parse_ranges(token[1:-1]))
            elif token == "(":
                parts.append(self._add_rule(self._parse_alternatives(tokens)))
                assert tokens.pop(0) == ")"
            elif token[0] == "{":
                low, high = map(int, token[1:-1].split(","))
                part = parts.pop()
                optional = self._add_rule([(part,), ()])
                parts.extend([part] * low + [optional] * (high - low))
            elif token == "?":
                parts.append(self._add_rule([(parts.pop(),), ()]))
            else:
                parts.append(token)
        return tuple(parts)

    def _add_rule(self, alternatives: list[Sequence]) -> str:
        name = f"_{len(self.rules)}"
        self.rules[name] = alternatives
        return name

    @staticmethod
    def _unescape(text: str) -> Iterator[str]:
        rest = iter(text)
        for character in rest:
            yield ESCAPES[next(rest)] if character == "\\" else character

    def _parse_ranges(self, text: str) -> Ranges:
        characters = list(self._unescape(text))
        ranges = []
        while characters:
            low = characters.pop(0)
            high = low
            if len(characters) > 1 and characters[0] == "-":
                high = characters[1]
                del characters[:2]
            ranges.append((ord(low), ord(high)))
        return tuple(ranges)

    def _find_first_rules(self, name: str) -> set[str]:
        """Return the rules that may come first in a rule."""
        rules: set[str] = set()
        pending = [name]
        while pending:
            for sequence in self.rules[pending.pop()]:
                head = sequence[0] if sequence else None
                if isinstance(head, str) and head not in rules:
                    rules.add(head)
                    pending.append(head)
        return rules
