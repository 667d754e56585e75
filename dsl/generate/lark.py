"""Constraint grammar in Lark, in the dialect of llguidance.

Spaces are literal, without `%ignore`. No terminal is a prefix of the text that may follow another,
because the lexer of a decoder takes the longest match and does not backtrack.
"""

from __future__ import annotations

import json

from dsl.generate.rules import (
    ABOUT,
    CONDITION_RULE,
    NAME,
    Alternative,
    Apply,
    Grammar,
    Leaf,
    Reference,
    order_head,
)


def lark_text(grammar: Grammar) -> str:
    """Return a grammar as Lark text; its start rule is `start`."""
    lines = [f'start: "strategy {NAME} {{ " about orders settings "}}"']
    lines += ["about: " + r'["about \"" ABOUT "\" "]', f"ABOUT: /{ABOUT}/"]
    sets = [" ".join(map(format_order, names)) for names in grammar.orders]
    lines.append("orders: " + "\n    | ".join(sets))
    optional = [f'["{name} " {rule.name} " "]' for name, rule in grammar.settings.items()]
    lines.append("settings: " + (" ".join(optional) if optional else '""'))
    for name, alternatives in grammar.rules.items():
        lines.append(f"{name}: " + "\n    | ".join(map(alternative_text, alternatives)))
    for name, patterns in grammar.terminals.items():
        lines.append(f"{name}: /{'|'.join(patterns)}/")
    return "\n".join(lines) + "\n"


def format_order(name: str) -> str:
    """Return an order in the notation that Lark and GBNF share."""
    return f'"{order_head(name)} " {CONDITION_RULE} " "'


def alternative_text(alternative: Alternative) -> str:
    """Return an alternative in the notation that Lark and GBNF share."""
    match alternative:
        case Leaf():
            return json.dumps(alternative.text)
        case Reference(name):
            return name
        case Apply():
            pieces = alternative.pieces()
            return " ".join(p.name if isinstance(p, Reference) else json.dumps(p) for p in pieces)
