"""The constraint grammar as Lark, in the dialect of llguidance.

Spaces are literal and there is no `%ignore`. A terminal never begins what may follow another, as a
decoder's lexer takes the longest match and does not go back.
"""

from __future__ import annotations

import json

from dsl.generate.rules import ABOUT, NAME, Alternative, Apply, Grammar, Leaf, Rule


def lark_text(grammar: Grammar) -> str:
    """The grammar; its start is `start`."""
    lines = [f'start: "strategy {NAME} {{ " about orders settings "}}"']
    lines += ["about: " + r'["about \"" ABOUT "\" "]', f"ABOUT: /{ABOUT}/"]
    sets = [" ".join(_statement(name, "when ") for name in names) for names in grammar.orders]
    lines.append("orders: " + "\n    | ".join(sets))
    optional = [f'["{name} " {rule.name} " "]' for name, rule in grammar.settings.items()]
    lines.append("settings: " + (" ".join(optional) if optional else '""'))
    for name, alternatives in grammar.rules.items():
        lines.append(f"{name}: " + "\n    | ".join(map(alternative_text, alternatives)))
    for name, patterns in grammar.terminals.items():
        lines.append(f"{name}: /{'|'.join(patterns)}/")
    return "\n".join(lines) + "\n"


def _statement(name: str, link: str) -> str:
    return f'"{name} {link}" condition " "'


def alternative_text(alternative: Alternative) -> str:
    """An alternative as both Lark and GBNF write it."""
    match alternative:
        case Leaf():
            return json.dumps(alternative.text)
        case Rule(name):
            return name
        case Apply():
            pieces = alternative.pieces()
            return " ".join(p.name if isinstance(p, Rule) else json.dumps(p) for p in pieces)
