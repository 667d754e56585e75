"""Decompiler from programs to syntax trees and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from dsl.analysis.program import Program
from dsl.analysis.text_program import TextProgram
from dsl.printing.common_subexpressions import name_common_subexpressions
from dsl.syntax import nodes
from dsl.syntax.nodes import Comments
from dsl.syntax.printer import about_text, define_lines, format_file, param_text
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ORDERS, SettingName
from dsl.terms.terms import Argument, Number, Parameter, Term
from dsl.terms.text import format_term, list_written_args


def format_program(program: Program) -> str:
    """Return a program as the text of a file: its defines, params and rules."""
    return format_file(build_tree(program))


def compact_text(program: Program) -> str:
    """Return a program as one line that `check` accepts and reads as the same rules; fast."""
    if isinstance(program, TextProgram):
        return program.text
    defines = [replace(each.node, comments=Comments()) for each in program.defines if each.node]
    parts = [line.strip() for each in defines for line in define_lines(each)]
    parts.append(f"strategy {program.name} {{")
    if program.about:
        parts.append(about_text(program.about))
    parts.extend(param_text(_build_param(each)) for each in program.parameters)
    rules = program.rules
    parts.extend(f"{rules.head(name)} {format_term(term)}" for name, term in rules.written.named())
    return " ".join([*parts, "}"])


def build_tree(program: Program) -> nodes.File:
    """Return the syntax tree of a program, with a `let` for each common subexpression."""
    rules = program.rules.written.named()
    held = [DIRECTION_ORDERS[side].entry for side in program.rules.tied]
    params = [each.name for each in program.parameters]
    names = name_common_subexpressions([term for name, term in rules if name != "hold"], params)
    defines = [each.node for each in program.defines if each.node is not None]
    statements: list[nodes.Statement] = []
    if program.about:
        statements.append(nodes.About(program.about))
    statements.extend(_build_param(each) for each in program.parameters)
    for part, name in names.items():
        node = build_expression(part, {each: names[each] for each in names if each is not part})
        statements.append(nodes.Let(name, node))
    for name, term in rules:
        node = build_expression(term, names)
        if name in ORDERS:
            statements.append(nodes.Order(name, node, is_while=name in held))
        else:
            statements.append(nodes.Setting(cast(SettingName, name), node))
    return nodes.File((*defines, nodes.Strategy(program.name, tuple(statements))))


def build_expression(term: Term, names: Mapping[Term, str]) -> nodes.Expression:
    """Return the syntax tree of a term, with the parts in `names` as names."""
    if term in names:
        return nodes.Name(names[term])
    match term.leaf:
        case Number(value, percent):
            return nodes.Number(value, percent)
        case bool():
            return nodes.Truth(term.leaf)
        case Parameter(name=name) | Argument(name=name):
            return nodes.Name(name)
    assert term.operator is not None
    if term.operator.series:
        return nodes.Name(term.operator.name)
    args = tuple(build_expression(arg, names) for arg in list_written_args(term))
    return nodes.Call(term.head, args)


def _build_param(param: Parameter) -> nodes.Param:
    def build_literal(value: float | None) -> nodes.Number | None:
        return None if value is None else nodes.Number(value, param.percent)

    return nodes.Param(
        param.name,
        nodes.Number(param.value, param.percent),
        build_literal(param.low),
        build_literal(param.high),
        build_literal(param.step),
    )
