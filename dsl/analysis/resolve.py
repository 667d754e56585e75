"""Name and type resolution: from expressions to typed terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from dsl.analysis.scope import Scope
from dsl.analysis.term_warnings import warn_of_term
from dsl.diagnostics import Span
from dsl.syntax import nodes
from dsl.syntax.idioms import suggest_for_name
from dsl.syntax.literals import format_number
from dsl.terms.canonical import MAX_WINDOW_BARS
from dsl.terms.folding import fold, fold_at_ends
from dsl.terms.infer import find_mismatch, infer_kind, is_computable
from dsl.terms.operator import Operator, Slot
from dsl.terms.terms import Argument, Number, Term, call, number, truth
from dsl.terms.text import format_term
from dsl.types.kinds import BOOL

FIELDS = ("open", "high", "low", "close", "volume")
WHOLE = 1e-9


def resolve(node: nodes.Expression, scope: Scope) -> Term | None:
    """Return the term of an expression, or None after an error, which is reported to the scope."""
    match node:
        case nodes.Number(value, percent):
            return number(value, percent)
        case nodes.Truth(value):
            return truth(value)
        case nodes.Name(name):
            return _resolve_name(node, name, scope)
        case nodes.Call():
            return _resolve_call(node, scope)


def resolve_condition(node: nodes.Expression, scope: Scope, what: str) -> Term | None:
    """Return the term of an expression that must be a condition; None after an error."""
    term = resolve(node, scope)
    if term is None or infer_kind(term) == BOOL:
        return term
    message = f"{what} expects a condition, found {infer_kind(term)}"
    scope.report("E301", message, node.span, _suggest_comparison(term))
    return None


def _suggest_comparison(term: Term) -> str:
    """Return a hint with a comparison that makes a number a condition."""
    kind, example = infer_kind(term), "close > open"
    if kind.typical is not None and kind.is_scale_free:
        low, high = kind.typical
        example = f"{format_term(term)} < {format_number(low + (high - low) / 4)}"
    return f"compare it, as in `{example}`"


def resolve_number(node: nodes.Expression, scope: Scope, what: str) -> Term | None:
    """Return the term of an expression that must be a number; None after an error."""
    term = resolve(node, scope)
    if term is None or infer_kind(term) != BOOL:
        return term
    scope.report(
        "E302",
        f"{what} expects a number, found a condition",
        node.span,
        "convert it with `where(condition, 1, 0)`",
    )
    return None


def resolve_window(node: nodes.Expression, scope: Scope, what: str, low: int = 1) -> Term | None:
    """Return the term of an expression that must be a constant number of bars.

    Args:
        node: the expression.
        scope: names, and the diagnostics to add to.
        what: subject of the messages.
        low: lowest number of bars.
    """
    term = resolve_number(node, scope, what)
    if term is None:
        return None
    value = fold(term)
    if value is None:
        if _is_constant(term):
            return term
        scope.report(
            "E303",
            f"{what} expects a constant number of bars",
            node.span,
            "write a number or a `param`; a window cannot change from bar to bar",
        )
        return None
    is_literal = not term.args
    written = term.leaf if isinstance(term.leaf, Number) else None
    if written is not None and written.percent:
        message = f"{what} expects a number of bars, found {written}"
        scope.report("E304", message, node.span, f"write {format_number(100 * value)}")
        return None
    if is_literal and math.isfinite(value) and abs(value - round(value)) > WHOLE:
        scope.report(
            "E304",
            f"{what} expects a whole number of bars, found {format_number(value)}",
            node.span,
            f"write {max(low, round(value))}",
        )
        return None
    limits = f"{low} to {MAX_WINDOW_BARS}"
    if not low <= value <= MAX_WINDOW_BARS:
        message = f"{what} expects {limits} bars, found {format_number(value)}"
        hint = (
            "a lag cannot reach into the future; the previous bar is `close[1]`"
            if low == 0
            else f"write a number from {limits}"
        )
        scope.report("E304", message, node.span, hint)
        return None
    ends = fold_at_ends(term) if written is None else []
    invalid = [each for each in ends if not low <= each <= MAX_WINDOW_BARS]
    if invalid:
        message = f"{what} expects {limits} bars, but can be {format_number(invalid[0])}"
        hint = "narrow the range of the param"
        scope.report("W411", message, node.span, hint)
    return term


def _resolve_name(node: nodes.Name, name: str, scope: Scope) -> Term | None:
    if name in scope.names:
        scope.used.add(name)
        return scope.names[name]
    if name in scope.unknown:
        return None
    operator = scope.find(name)
    if operator is not None and operator.is_bare:
        defaults = [slot.default for slot in operator.slots if slot.default]
        return _apply(operator, defaults, node.span, scope)
    if operator is not None:
        form = operator.signature.split(" ->")[0]
        message = f"operator `{name}` is missing its arguments"
        hint = f"write `{operator.example}`; the operator is `{form}`"
        scope.report("E203", message, node.span, hint)
        return None
    if name in scope.later:
        hint = "it is defined further down: move it up"
        scope.report("E201", f"`{name}` is used before it is defined", node.span, hint)
        return None
    hint = suggest_for_name(name)
    hint = hint or scope.suggest(name, chain(scope.names, FIELDS))
    hint = hint or "define it with `let` first"
    scope.report("E201", f"unknown name `{name}`", node.span, hint)
    return None


def _resolve_call(node: nodes.Call, scope: Scope) -> Term | None:
    operator = scope.find(node.head)
    if operator is None:
        for arg in node.args:
            resolve(arg, scope)
        if node.head in scope.unknown:
            return None
        args = [format_number(a.value) if isinstance(a, nodes.Number) else "…" for a in node.args]
        hint = suggest_for_name(node.head, args) or scope.suggest(node.head)
        hint = hint or "run `evolve ops` to list the operators"
        scope.report("E202", f"unknown operator `{node.head}`", node.head_span, hint)
        return None
    if operator.series and not node.args:
        return _apply(operator, (), node.span, scope)
    if not _check_arity(node, operator, scope):
        for arg in node.args:
            resolve(arg, scope)
        return None
    resolved: list[Term | None] = []
    for index, arg in enumerate(node.args):
        resolved.append(_resolve_argument(arg, operator, index, resolved, scope))
    terms = [term for term in resolved if term is not None]
    if len(terms) < len(resolved):
        return None
    terms.extend(slot.default for slot in operator.slots[len(terms) :] if slot.default is not None)
    if operator.name == "negate" and isinstance(terms[0].leaf, Number):
        return number(-terms[0].leaf.value, terms[0].leaf.percent)
    term = _apply(operator, terms, node.span, scope)
    if term is not None and scope.findings.has_warnings:
        warn_of_term(node, term, scope)
    return term


def _apply(operator: Operator, args: Sequence[Term], span: Span, scope: Scope) -> Term | None:
    """Return an operator applied to arguments; None if the term exceeds a limit."""
    term = call(operator, *args)
    return term if scope.admit(term, span) else None


def _resolve_argument(
    node: nodes.Expression,
    operator: Operator,
    index: int,
    before: Sequence[Term | None],
    scope: Scope,
) -> Term | None:
    slot = operator.slot(index)
    if slot.is_window:
        if operator.name == "lag":
            return resolve_window(node, scope, "a lag", low=0)
        return resolve_window(node, scope, _name_slot(slot, operator))
    term = resolve(node, scope)
    if term is None:
        return None
    kind = infer_kind(term)
    if not is_computable(slot, kind):
        _report_wrong_type(node, term, operator, slot, scope)
        return None
    if slot.kind is None and slot.like is None and not operator.is_pointwise:
        value = fold(term)
        if value is not None:
            message = f"{_name_slot(slot, operator)} is the constant {format_number(value)}"
            hint = f"pass a series first, as in `{operator.example}`"
            scope.report("W402", message, node.span, hint)
            return term
    others = [infer_kind(each or term) for each in before] if slot.like is not None else []
    reason = find_mismatch(slot, kind, others)
    if reason:
        hint = f"use values of the same kind, as in `{operator.example or operator.signature}`"
        scope.report("W402", f"{reason}, in `{operator.name}`", node.span, hint)
    return term


def _name_slot(slot: Slot, operator: Operator) -> str:
    is_word = operator.name.isidentifier()
    return f"`{slot.name}` of `{operator.name}`" if is_word else f"`{operator.name}`"


def _report_wrong_type(
    node: nodes.Expression, term: Term, operator: Operator, slot: Slot, scope: Scope
) -> None:
    """Report a number in the position of a condition, or the reverse."""
    what = _name_slot(slot, operator)
    if slot.kind == BOOL:
        message = f"{what} expects a condition, found {infer_kind(term)}"
        scope.report("E301", message, node.span, _suggest_comparison(term))
        return
    hint = "convert it with `where(condition, 1, 0)`"
    if operator.name in ("==", "!="):
        hint = "remove `== true`, or write `not` for `== false`"
    scope.report("E302", f"{what} expects a number, found a condition", node.span, hint)


def _check_arity(node: nodes.Call, operator: Operator, scope: Scope) -> bool:
    count, minimum, maximum = len(node.args), operator.required, len(operator.slots)
    if minimum <= count and (count <= maximum or operator.is_variadic):
        return True
    if operator.is_variadic:
        expected = f"at least {minimum}"
    elif minimum == maximum:
        expected = str(maximum)
    else:
        expected = f"{minimum} to {maximum}"
    plural = "argument" if expected == "1" else "arguments"
    message = f"`{operator.name}` expects {expected} {plural}, found {count}"
    hint = f"write `{operator.example}`; the operator is `{operator.signature}`"
    scope.report("E203", message, node.span, hint)
    return False


def _is_constant(term: Term) -> bool:
    """Return whether a term over arguments of a define is constant for any call of it."""
    if isinstance(term.leaf, Argument):
        return term.leaf.kind is not None and (
            term.leaf.kind.family == "window" or term.leaf.kind.typical is not None
        )
    if term.operator is None:
        return True
    return term.operator.is_pointwise and bool(term.args) and all(map(_is_constant, term.args))
