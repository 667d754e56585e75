"""Names to operators: an expression as written becomes a typed term, or says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.analysis.scope import Scope
from dsl.analysis.term_warnings import warn_of
from dsl.diagnostics import did_you_mean
from dsl.syntax import nodes
from dsl.syntax.idioms import suggest_for_name
from dsl.syntax.literals import format_number
from dsl.terms.canonical import MAX_WINDOW_BARS, fold, fold_at_ends
from dsl.terms.infer import find_mismatch, infer_kind, is_computable
from dsl.terms.operator import Operator, Slot
from dsl.terms.terms import Argument, Number, Term, call, number, truth
from dsl.terms.text import format_term
from dsl.types.kinds import BOOL

WHOLE = 1e-9


def resolve(node: nodes.Expression, scope: Scope) -> Term | None:
    """The term an expression stands for; None if it has an error, which is in the scope."""
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
    """The term of an expression that must be a condition."""
    term = resolve(node, scope)
    if term is None or infer_kind(term) == BOOL:
        return term
    message = f"{what} expects a condition, not {infer_kind(term)}"
    scope.report("E301", message, node.span, _describe_comparison(term))
    return None


def _describe_comparison(term: Term) -> str:
    """How a number becomes a condition."""
    kind, example = infer_kind(term), "close > open"
    if kind.typical is not None and kind.is_scale_free:
        low, high = kind.typical
        example = f"{format_term(term)} < {format_number(low + (high - low) / 4)}"
    return f"compare it with something, as in `{example}`"


def resolve_number(node: nodes.Expression, scope: Scope, what: str) -> Term | None:
    """The term of an expression that must be a number."""
    term = resolve(node, scope)
    if term is None or infer_kind(term) != BOOL:
        return term
    scope.report(
        "E302",
        f"{what} expects a number, not a condition",
        node.span,
        "write `where(condition, 1, 0)` to make it one",
    )
    return None


def resolve_window(node: nodes.Expression, scope: Scope, what: str, least: int = 1) -> Term | None:
    """The term of an expression that must be a constant number of bars."""
    term = resolve_number(node, scope, what)
    if term is None:
        return None
    value = fold(term)
    if value is None:
        if _is_constant(term):
            return term
        scope.report(
            "E303",
            f"{what} must be a constant number of bars",
            node.span,
            "use a number or a `param`; a window cannot change from bar to bar",
        )
        return None
    is_literal = not term.args
    written = term.leaf if isinstance(term.leaf, Number) else None
    if written is not None and written.percent:
        message = f"{what} must be a number of bars, not {written}"
        scope.report("E304", message, node.span, f"write {format_number(100 * value)}")
        return None
    if is_literal and abs(value - round(value)) > WHOLE:
        scope.report(
            "E304",
            f"{what} must be a whole number of bars, not {format_number(value)}",
            node.span,
            f"write {max(least, round(value))}",
        )
        return None
    if not least <= value <= MAX_WINDOW_BARS:
        hint = (
            "the future cannot be written down; the bar before is `close[1]`"
            if least == 0
            else f"write a number from {least} to {MAX_WINDOW_BARS}"
        )
        scope.report(
            "E304",
            f"{what} must be from {least} to {MAX_WINDOW_BARS} bars, not {format_number(value)}",
            node.span,
            hint,
        )
        return None
    ends = fold_at_ends(term) if written is None else []
    beyond = [each for each in ends if not least <= each <= MAX_WINDOW_BARS]
    if beyond:
        message = f"{what} may become {format_number(beyond[0])} in its range, which is no window"
        hint = f"keep the range from {least} to {MAX_WINDOW_BARS}"
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
        return call(operator, *[slot.default for slot in operator.slots if slot.default])
    if operator is not None:
        form = operator.signature.split(" ->")[0]
        message = f"`{name}` is an operator and needs its arguments"
        scope.report("E203", message, node.span, f"write `{operator.example}`; it is {form}")
        return None
    known = [*scope.names, "open", "high", "low", "close", "volume"]
    if name in scope.later:
        hint = "it is named further down: move it up"
        scope.report("E201", f"there is no `{name}` yet", node.span, hint)
        return None
    hint = suggest_for_name(name)
    hint = hint or did_you_mean(name, known) or did_you_mean(name, scope.suggest())
    scope.report(
        "E201", f"there is no `{name}` here", node.span, hint or "name it with `let` first"
    )
    return None


def _resolve_call(node: nodes.Call, scope: Scope) -> Term | None:
    operator = scope.find(node.head)
    if operator is None:
        for arg in node.args:
            resolve(arg, scope)
        if node.head in scope.unknown:
            return None
        given = [format_number(a.value) if isinstance(a, nodes.Number) else "…" for a in node.args]
        hint = suggest_for_name(node.head, given) or did_you_mean(node.head, scope.suggest())
        hint = hint or "`evolve ops` lists the operators"
        scope.report("E202", f"there is no operator `{node.head}`", node.head_span, hint)
        return None
    if operator.series and not node.args:
        return call(operator)
    if not _arity_fits(node, operator, scope):
        for arg in node.args:
            resolve(arg, scope)
        return None
    args: list[Term | None] = []
    for index, arg in enumerate(node.args):
        args.append(_resolve_argument(arg, operator, index, args, scope))
    built = [arg for arg in args if arg is not None]
    if len(built) < len(args):
        return None
    built.extend(slot.default for slot in operator.slots[len(built) :] if slot.default is not None)
    if operator.name == "negate" and isinstance(built[0].leaf, Number):
        return number(-built[0].leaf.value, built[0].leaf.percent)
    term = call(operator, *built)
    warn_of(node, term, scope)
    return term


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
            return resolve_window(node, scope, "a lag", least=0)
        return resolve_window(node, scope, _name_slot(slot, operator))
    term = resolve(node, scope)
    if term is None:
        return None
    kind = infer_kind(term)
    if not is_computable(slot, kind):
        _report_misplaced(node, term, operator, slot, scope)
        return None
    if slot.kind is None and slot.like is None and not operator.is_pointwise:
        value = fold(term)
        if value is not None:
            message = f"{_name_slot(slot, operator)} is the constant {format_number(value)}"
            scope.report("W402", message, node.span, f"name a series first: `{operator.example}`")
            return term
    others = [infer_kind(each or term) for each in before] if slot.like is not None else []
    reason = find_mismatch(slot, kind, others)
    if reason:
        scope.report("W402", f"{reason}, in `{operator.name}`", node.span, operator.about)
    return term


def _name_slot(slot: Slot, operator: Operator) -> str:
    is_word = operator.name.isidentifier()
    return f"`{slot.name}` of `{operator.name}`" if is_word else f"`{operator.name}`"


def _report_misplaced(
    node: nodes.Expression, term: Term, operator: Operator, slot: Slot, scope: Scope
) -> None:
    """A number where a condition should stand, or the reverse."""
    what = _name_slot(slot, operator)
    if slot.kind == BOOL:
        message = f"{what} expects a condition, not {infer_kind(term)}"
        scope.report("E301", message, node.span, _describe_comparison(term))
        return
    hint = "write `where(condition, 1, 0)` to make it one"
    if operator.name in ("==", "!="):
        hint = "a condition holds or not: leave out `== true`, write `not` for `== false`"
    scope.report("E302", f"{what} expects a number, not a condition", node.span, hint)


def _arity_fits(node: nodes.Call, operator: Operator, scope: Scope) -> bool:
    given, least, most = len(node.args), operator.required, len(operator.slots)
    if least <= given and (given <= most or operator.is_variadic):
        return True
    if operator.is_variadic:
        wanted = f"at least {least}"
    elif least == most:
        wanted = str(most)
    else:
        wanted = f"{least} to {most}"
    plural = "argument" if wanted == "1" else "arguments"
    message = f"`{operator.name}` takes {wanted} {plural}, not {given}"
    hint = f"write `{operator.example}`; it is {operator.signature}"
    scope.report("E203", message, node.span, hint)
    return False


def _is_constant(term: Term) -> bool:
    """Whether a term over a define's arguments will be constant once they are given."""
    if isinstance(term.leaf, Argument):
        return term.leaf.kind is not None and (
            term.leaf.kind.family == "window" or term.leaf.kind.typical is not None
        )
    if term.operator is None:
        return True
    return term.operator.is_pointwise and bool(term.args) and all(map(_is_constant, term.args))
