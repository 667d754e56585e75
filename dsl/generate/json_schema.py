"""The constraint grammar as a JSON schema of the syntax tree, for servers that know only that.

An operator is an object with one key, its name, over its arguments by name: `{"sma": {"x":
"close", "n": "20"}}`; a series is a string, and so is a number, held to a pattern. Statements that
are left out, `about` too, are null. The schema keeps to what the strictest servers take: every
property required, no others, no tuples, nothing beside a `$ref`.
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
    Rule,
)
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.parser import parse
from dsl.syntax.printer import expression_text
from dsl.syntax.vocabulary import SETTINGS

Tree = Any
MAX_DEPTH = 50


def json_schema(grammar: Grammar) -> dict[str, Any]:
    """The schema of a strategy's tree."""
    shapes = [_shape(grammar, names) for names in grammar.orders]
    return {
        "type": "object",
        "properties": {"strategy": {"anyOf": shapes}},
        "required": ["strategy"],
        "additionalProperties": False,
        "$defs": {
            **{name: _rule(alternatives) for name, alternatives in grammar.rules.items()},
            **{name: _number(patterns) for name, patterns in grammar.terminals.items()},
        },
    }


def text_of_tree(tree: Mapping[str, Any], known: Catalog | None = None) -> str:
    """The strategy that a tree says, as the text the grammar writes.

    Args:
        tree: an object with the one member `strategy`.
        known: the operators there are; the built-in ones if not given.

    Raises:
        ValueError: if it is not such a tree, whoever wrote it.
    """
    parts = [f"strategy {NAME} {{"]
    for name, value in _members(tree.get("strategy"), "strategy").items():
        if value is None:
            continue
        if name == "about":
            parts.append(f'about "{_word(value, name)}"')
        else:
            link = "" if name in SETTINGS else "when "
            parts.append(f"{name} {link}{_text(value, 0, known or catalog())}")
    return " ".join([*parts, "}"])


def tree_of(text: str) -> dict[str, Tree]:
    """The tree of a sentence of the grammar."""
    (strategy,) = parse(text).strategies
    found: dict[str, Tree] = {}
    for statement in strategy.statements:
        if isinstance(statement, nodes.About):
            found["about"] = statement.text
        elif isinstance(statement, nodes.Order):
            found[statement.name] = _tree(statement.when)
        elif isinstance(statement, nodes.Setting):
            found[statement.name] = _tree(statement.value)
    return {"strategy": found}


def _shape(grammar: Grammar, orders: tuple[str, ...]) -> dict[str, Any]:
    null = {"type": "null"}
    settings = {name: {"anyOf": [_ref(rule), null]} for name, rule in grammar.settings.items()}
    about = {"anyOf": [{"type": "string", "pattern": f"^{ABOUT}$"}, null]}
    conditions = {name: _ref(Rule(CONDITION_RULE)) for name in orders}
    return _object({"about": about, **conditions, **settings})


def _rule(alternatives: tuple[Alternative, ...]) -> dict[str, Any]:
    leaves = [each.text for each in alternatives if isinstance(each, Leaf)]
    options: list[dict[str, Any]] = [{"type": "string", "enum": leaves}] if leaves else []
    for each in alternatives:
        if isinstance(each, Rule):
            options.append(_ref(each))
        elif isinstance(each, Apply):
            args = zip(each.slots, each.args, strict=True)
            options.append(_object({each.operator.name: _object({n: _ref(r) for n, r in args})}))
    return {"anyOf": options}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(rule: Rule) -> dict[str, str]:
    return {"$ref": f"#/$defs/{rule.name}"}


def _number(patterns: tuple[str, ...]) -> dict[str, str]:
    return {"type": "string", "pattern": f"^({'|'.join(patterns)})$"}


def _text(tree: Tree, depth: int, known: Catalog) -> str:
    """An expression as the grammar writes it."""
    if not isinstance(tree, Mapping):
        return _word(tree, "an expression")
    if len(tree) != 1 or depth > MAX_DEPTH:
        raise ValueError("an operator is an object with one key, and not nested so deep")
    ((name, args),) = tree.items()
    operator = known.find(str(name))
    if operator is None:
        raise ValueError(f"there is no operator `{name}`")
    members = _members(args, str(name))
    slots = list(members) if operator.is_variadic else [slot.name for slot in operator.slots]
    if set(slots) != set(members):
        listed = ", ".join(map(str, members))
        raise ValueError(f"`{name}` has the arguments {', '.join(slots)}, not {listed}")
    rules = tuple(Rule(_text(members[slot], depth + 1, known)) for slot in slots)
    pieces = Apply(operator, rules).pieces()
    return "".join(piece.name if isinstance(piece, Rule) else piece for piece in pieces)


def _members(tree: Tree, what: str) -> Mapping[str, Tree]:
    if not isinstance(tree, Mapping) or not tree:
        raise ValueError(f"`{what}` is not an object with members")
    return tree


def _word(tree: Tree, what: str) -> str:
    """A name, a number or what is said, on one line and without what would end it."""
    if isinstance(tree, bool) or not isinstance(tree, str | int | float):
        raise ValueError(f"{what} is neither text nor a number")
    return re.sub(r'["{}\s]+', " ", str(tree)).strip()


def _tree(node: nodes.Expression) -> Tree:
    match node:
        case nodes.Number(value, percent):
            return format_number(value, percent)
        case nodes.Call("negate", (nodes.Number(value, percent),)):
            return format_number(-value, percent)
        case nodes.Name(name):
            return name
        case nodes.Call("and" | "or" as head):
            parts = _flat(node, head)
            return {head: {f"x{i + 1}": _tree(part) for i, part in enumerate(parts)}}
        case nodes.Call(head, ()):
            return f"{head}()"
        case nodes.Call(head, args):
            operator = catalog().find(head)
            assert operator is not None
            names = [slot.name for slot in operator.slots]
            return {operator.name: {n: _tree(arg) for n, arg in zip(names, args, strict=True)}}
    raise AssertionError(expression_text(node))


def _flat(node: nodes.Expression, head: str) -> list[nodes.Expression]:
    if isinstance(node, nodes.Call) and node.head == head:
        return [part for arg in node.args for part in _flat(arg, head)]
    return [node]
