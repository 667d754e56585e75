"""Constraint grammar as a JSON schema of the syntax tree, for servers that support only that.

An operator is an object with its name as the only key and its arguments by name: `{"sma": {"x":
"close", "n": "20"}}`. Series and numbers are strings; numbers match a pattern. Omitted statements
are null. The schema uses the subset that the strictest servers accept: every property is required,
others are forbidden, and it has neither tuples nor siblings of a `$ref`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dsl.analysis.catalog import Catalog, catalog
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
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.parser import parse
from dsl.syntax.printer import expression_text

Tree = Any
MAX_DEPTH = 50


def json_schema(grammar: Grammar) -> dict[str, Any]:
    """Return the JSON schema of the tree of a strategy."""
    strategies = [_build_strategy(grammar, names) for names in grammar.orders]
    return {
        "type": "object",
        "properties": {"strategy": {"anyOf": strategies}},
        "required": ["strategy"],
        "additionalProperties": False,
        "$defs": {
            **{name: _build_rule(alternatives) for name, alternatives in grammar.rules.items()},
            **{name: _build_number(patterns) for name, patterns in grammar.terminals.items()},
        },
    }


def format_tree(tree: Mapping[str, Any], operators: Catalog | None = None) -> str:
    """Return the text of the strategy that a tree represents.

    Args:
        tree: object with the one member `strategy`.
        operators: known operators; the built-in ones by default.

    Raises:
        ValueError: if the tree does not represent a strategy.
    """
    parts = [f"strategy {NAME} {{"]
    for name, value in _get_members(tree.get("strategy"), "strategy").items():
        if value is None:
            continue
        if name == "about":
            parts.append(f'about "{_clean(value, name)}"')
        else:
            parts.append(f"{order_head(name)} {_format(value, 0, operators or catalog())}")
    return " ".join([*parts, "}"])


def parse_tree(text: str) -> dict[str, Tree]:
    """Return the tree of a sentence of the grammar."""
    (strategy,) = parse(text).strategies
    members: dict[str, Tree] = {}
    for statement in strategy.statements:
        if isinstance(statement, nodes.About):
            members["about"] = statement.text
        elif isinstance(statement, nodes.Order):
            name = statement.head if statement.is_while else statement.name
            members[name] = _build_tree(statement.when)
        elif isinstance(statement, nodes.Setting):
            members[statement.name] = _build_tree(statement.value)
    return {"strategy": members}


def _build_strategy(grammar: Grammar, orders: tuple[str, ...]) -> dict[str, Any]:
    null = {"type": "null"}
    settings = {
        name: {"anyOf": [_build_ref(rule), null]} for name, rule in grammar.settings.items()
    }
    about = {"anyOf": [{"type": "string", "pattern": f"^{ABOUT}$"}, null]}
    conditions = {name: _build_ref(Reference(CONDITION_RULE)) for name in orders}
    return _build_object({"about": about, **conditions, **settings})


def _build_rule(alternatives: tuple[Alternative, ...]) -> dict[str, Any]:
    leaves = [each.text for each in alternatives if isinstance(each, Leaf)]
    options: list[dict[str, Any]] = [{"type": "string", "enum": leaves}] if leaves else []
    for each in alternatives:
        if isinstance(each, Reference):
            options.append(_build_ref(each))
        elif isinstance(each, Apply):
            args = zip(each.slots, each.args, strict=True)
            options.append(
                _build_object(
                    {each.operator.name: _build_object({n: _build_ref(r) for n, r in args})}
                )
            )
    return {"anyOf": options}


def _build_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _build_ref(rule: Reference) -> dict[str, str]:
    return {"$ref": f"#/$defs/{rule.name}"}


def _build_number(patterns: tuple[str, ...]) -> dict[str, str]:
    return {"type": "string", "pattern": f"^({'|'.join(patterns)})$"}


def _format(tree: Tree, depth: int, operators: Catalog) -> str:
    """Return the text of an expression."""
    if not isinstance(tree, Mapping):
        return _clean(tree, "expression")
    if len(tree) != 1:
        raise ValueError(f"expected an object with one key, found {len(tree)} keys")
    if depth > MAX_DEPTH:
        raise ValueError(f"the expression is nested more than {MAX_DEPTH} deep")
    ((name, args),) = tree.items()
    operator = operators.find(str(name))
    if operator is None:
        raise ValueError(f"unknown operator `{name}`")
    members = _get_members(args, str(name))
    slots = list(members) if operator.is_variadic else [slot.name for slot in operator.slots]
    if set(slots) != set(members):
        expected, found = ", ".join(slots), ", ".join(map(str, members))
        raise ValueError(f"expected arguments {expected} of `{name}`, found {found}")
    rules = tuple(Reference(_format(members[slot], depth + 1, operators)) for slot in slots)
    pieces = Apply(operator, rules).pieces()
    return "".join(piece.name if isinstance(piece, Reference) else piece for piece in pieces)


def _get_members(tree: Tree, name: str) -> Mapping[str, Tree]:
    if not isinstance(tree, Mapping) or not tree:
        raise ValueError(f"expected an object with members for `{name}`")
    return tree


def _clean(tree: Tree, name: str) -> str:
    """Return a string or number on one line, without quotes and braces."""
    if isinstance(tree, bool) or not isinstance(tree, str | int | float):
        raise ValueError(f"expected a string or a number for `{name}`")
    return re.sub(r'["{}\s]+', " ", str(tree)).strip()


def _build_tree(node: nodes.Expression) -> Tree:
    match node:
        case nodes.Number(value, percent):
            return format_number(value, percent)
        case nodes.Call("negate", (nodes.Number(value, percent),)):
            return format_number(-value, percent)
        case nodes.Name(name):
            return name
        case nodes.Call("and" | "or" as head):
            parts = _flatten(node, head)
            return {head: {f"x{i + 1}": _build_tree(part) for i, part in enumerate(parts)}}
        case nodes.Call(head, ()):
            return f"{head}()"
        case nodes.Call(head, args):
            operator = catalog().find(head)
            assert operator is not None
            names = [slot.name for slot in operator.slots]
            return {
                operator.name: {n: _build_tree(arg) for n, arg in zip(names, args, strict=True)}
            }
    raise AssertionError(expression_text(node))


def _flatten(node: nodes.Expression, head: str) -> list[nodes.Expression]:
    if isinstance(node, nodes.Call) and node.head == head:
        return [part for arg in node.args for part in _flatten(arg, head)]
    return [node]
