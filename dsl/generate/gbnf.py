"""Constraint grammar in GBNF, for llama.cpp servers without Lark support."""

from __future__ import annotations

import json
import re

from dsl.generate.lark import alternative_text, format_order
from dsl.generate.rules import ABOUT, NAME, Grammar

_PART = re.compile(r"\[[^\]]+\]|[^\[]+")


def gbnf_text(grammar: Grammar) -> str:
    """Return a grammar as GBNF text; its start rule is `root`."""
    lines = [f'root ::= "strategy {NAME} {{ " about orders settings "}}"']
    lines.append(r'about ::= ("about \"" ' + ABOUT + r' "\" ")?')
    sets = [" ".join(map(format_order, names)) for names in grammar.orders]
    lines.append("orders ::= " + " |\n    ".join(sets))
    optional = [f'("{name} " {rule.name} " ")?' for name, rule in grammar.settings.items()]
    lines.append("settings ::= " + (" ".join(optional) if optional else '""'))
    for name, alternatives in grammar.rules.items():
        lines.append(f"{name} ::= " + " |\n    ".join(map(alternative_text, alternatives)))
    for name, patterns in grammar.terminals.items():
        lines.append(f"{name} ::= " + " | ".join(map(_format_pattern, patterns)))
    return "\n".join(lines) + "\n"


def _format_pattern(pattern: str) -> str:
    """Return a pattern as GBNF: character classes unchanged, plain text in quotes."""
    parts = _PART.findall(pattern.replace("[.]", "."))
    return " ".join(part if part.startswith("[") else json.dumps(part) for part in parts)
