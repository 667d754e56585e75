"""Construction of operators from signatures and defines, built-in and user-defined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import cast

from dsl.analysis.findings import Findings
from dsl.analysis.resolve import resolve, resolve_window
from dsl.analysis.scope import Scope
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.terms.canonical import substitute
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator, Slot, list_placeholders
from dsl.terms.terms import Term, argument, call, number
from dsl.terms.text import format_term
from dsl.types import kinds
from dsl.types.kinds import BOOL, Inference, Kind
from dsl.types.rules import infer_distance

Find = Callable[[str], Operator | None]

MAX_ARGUMENTS = 20


def build_kind(note: nodes.KindNote) -> Kind | None:
    """Return the kind that a signature declares; None for `number`, which is any kind."""
    if note.name == "number":
        return None
    family = cast(kinds.Family, note.name)
    kind = kinds.PLAIN.get(family) or Kind(family, *(note.dimension or (0, 0)))
    if note.range is not None:
        low, high = note.range[0].value, note.range[1].value
        finite = low > -kinds.INF and high < kinds.INF
        kind = replace(kind, low=low, high=high, typical=(low, high) if finite else None)
    if note.typical is not None:
        kind = replace(kind, typical=(note.typical[0].value, note.typical[1].value))
    return kind


def build_slots(signature: nodes.Signature, find: Find) -> tuple[Slot, ...]:
    """Build the slots of a signature. Its ranges are for drawing literals; they bound nothing."""
    slots: list[Slot] = []
    for each in signature.arguments:
        kind = build_kind(each.kind)
        if kind is not None and kind.family in ("window", "ratio", "change"):
            kind = replace(kind, low=-kinds.INF, high=kinds.INF)
            if each.kind.range is None and kind.family != "window":
                kind = replace(kind, typical=None)
        default: Term | None = None
        if isinstance(each.default, nodes.Number):
            default = number(each.default.value, each.default.percent)
        elif isinstance(each.default, nodes.Name):
            series = find(each.default.name)
            default = call(series) if series is not None and series.series else None
        names = [slot.name for slot in slots]
        like = names.index(each.kind.like) if each.kind.like in names else None
        slots.append(Slot(each.name, kind, default, like))
    return tuple(slots)


def build_infer(signature: nodes.Signature, body: Term | None = None) -> Callable[..., Inference]:
    """Build the function from the kinds of the arguments to the inference of the result.

    A result declared as `number` has the kind of the body over these arguments.
    """
    result = signature.result
    assert result is not None
    if result.rule == "kind":
        assert result.kind is not None
        if result.kind.name == "number" and body is not None:
            return _build_inferred(signature, body)
        fixed = Inference(build_kind(result.kind) or kinds.Kind("other"))
        return lambda *args: fixed
    names = [each.name for each in signature.arguments]
    index = names.index(result.argument)
    if result.rule == "like":
        return lambda *args: Inference(args[index], sampled=args[index].family != "scalar")
    return lambda *args: Inference(
        infer_distance(args[index]), sampled=args[index].family != "scalar"
    )


def _build_inferred(signature: nodes.Signature, body: Term) -> Callable[..., Inference]:
    @cache
    def infer(*arg_kinds: Kind) -> Inference:
        typed = zip(signature.arguments, arg_kinds, strict=True)
        args = [argument(index, arg.name, kind) for index, (arg, kind) in enumerate(typed)]
        return Inference(infer_kind(substitute(body, tuple(args))), sampled=False)

    return infer


def signature_text(signature: nodes.Signature) -> str:
    """Return a signature as text, without its ranges."""
    parts = []
    for each in signature.arguments:
        default = ""
        if isinstance(each.default, nodes.Number):
            default = f" = {format_number(each.default.value, each.default.percent)}"
        elif each.default is not None:
            default = f" = {each.default.name}"
        kind = f"like {each.kind.like}" if each.kind.like else each.kind.name
        parts.append(f"{each.name}: {kind}{default}")
    result = signature.result
    arrow = ""
    if result is not None:
        gives = result.kind.name if result.kind else f"{result.rule} {result.argument}"
        arrow = f" -> {gives}"
    return f"{signature.name}({', '.join(parts)}){arrow}"


def define(
    node: nodes.Define,
    find: Find,
    list_operators: Callable[[], Iterable[str]],
    findings: Findings,
    family: str = "",
) -> Operator | None:
    """Build the operator of a define; return it, or None after an error, which is reported.

    Args:
        node: the define.
        find: returns an operator that the body may use, or None.
        list_operators: returns all names of operators, for hints.
        findings: diagnostics to add to.
        family: heading of the prelude above it; empty if it is user-defined.
    """
    signature = node.signature
    scope = Scope(find, list_operators, findings)
    _check_signature(node, scope)
    if scope.has_errors:
        return None
    slots = build_slots(signature, find)
    scope.names = {slot.name: argument(i, slot.name, slot.kind) for i, slot in enumerate(slots)}
    body = resolve(node.body, scope)
    if body is None:
        return None
    rule = build_infer(signature, body)
    declared = rule(*[infer_kind(scope.names[slot.name]) for slot in slots]).kind
    _check_result(node, declared, infer_kind(body), scope)
    for name in list_placeholders(node.phrase):
        if name not in scope.names:
            message = f"unknown argument `{name}` in the phrase of `{signature.name}`"
            scope.report("E201", message, signature.span, "name one of the arguments")
    for each in signature.arguments:
        if each.name not in scope.used:
            scope.report("W406", f"unused argument `{each.name}`", each.span, "remove it")
    operator = Operator(
        name=signature.name,
        slots=slots,
        infer=rule,
        family=family or "user-defined",
        about=node.about,
        phrase=node.phrase,
        usage=node.usage,
        signature=signature_text(signature),
        aliases=node.also,
        example=_example(signature.name, slots),
        body=body,
        node=node,
        is_user_defined=not family,
    )
    if scope.has_errors:
        return None
    if operator.is_user_defined:
        key = (replace(node, comments=nodes.Comments()), operator.uses)
        operator = _user_defined.setdefault(key, operator)
    return operator


# Interned, so that a define that is read twice, or in two processes, is one operator. A program
# as one line has no comments.
_user_defined: dict[tuple[nodes.Define, tuple[Operator, ...]], Operator] = {}


def _check_signature(node: nodes.Define, scope: Scope) -> None:
    seen: set[str] = set()
    has_default = False
    count = len(node.signature.arguments)
    if count > MAX_ARGUMENTS:
        message = f"`{node.signature.name}` has {count} arguments; the limit is {MAX_ARGUMENTS}"
        scope.report("E203", message, node.signature.span, "split it into several defines")
        return
    for each in node.signature.arguments:
        if each.name in seen:
            scope.report("E204", f"duplicate argument `{each.name}`", each.span, "rename one")
        shadowed = scope.find(each.name)
        if shadowed is not None and shadowed.series:
            message = f"argument `{each.name}` shadows a bar series"
            scope.report("W409", message, each.span, "choose another name")
        if has_default and each.default is None:
            message = f"argument `{each.name}` without a default follows one with a default"
            scope.report("E203", message, each.span, "put arguments with defaults last")
        has_default = has_default or each.default is not None
        if each.kind.like and each.kind.like not in seen:
            message = f"unknown argument `{each.kind.like}` in the kind of `{each.name}`"
            scope.report("E201", message, each.span, "name an earlier argument")
        if each.default is not None:
            _check_default(each, each.default, scope)
        seen.add(each.name)
    result = node.signature.result
    if result is not None and result.argument and result.argument not in seen:
        message = f"unknown argument `{result.argument}` in the result"
        scope.report("E201", message, result.span, "name one of the arguments")


def _check_default(node: nodes.Argument, default: nodes.Number | nodes.Name, scope: Scope) -> None:
    """Check that a default is a bar series, a literal or a window, as its kind requires."""
    what = f"the default of `{node.name}`"
    if node.kind.name == "bool":
        scope.report("E301", "a condition cannot have a default", default.span, "remove it")
    elif node.kind.name == "window":
        resolve_window(default, scope, what)
    elif isinstance(default, nodes.Name):
        operator = scope.find(default.name)
        if operator is None or not operator.series:
            message = f"{what} expects a number or a bar series, found `{default.name}`"
            scope.report("E201", message, default.span, "write `close`, or remove the default")


def _check_result(node: nodes.Define, declared: Kind, inferred: Kind, scope: Scope) -> None:
    message = f"`{node.signature.name}` declares {declared}, but its body is {inferred}"
    if (declared == BOOL) != (inferred == BOOL):
        is_condition = inferred == BOOL
        hint = "write `-> bool`" if is_condition else "compare the body, or declare another kind"
        scope.report("E311", message, node.body.span, hint)
    elif declared.dimension != inferred.dimension:
        hint = "declare another kind after `->`, or `other(a, b)` for price^a * volume^b"
        scope.report("E311", message, node.body.span, hint)


def _example(name: str, slots: Sequence[Slot]) -> str:
    """Return a simple call of an operator, with prices for numbers and without default series."""
    samples = {"bool": "close > open", "volume": "volume", "window": "20"}
    args = []
    for index, slot in enumerate(slots):
        if slot.default is not None:
            if slot.default.operator is not None:
                break
            args.append(format_term(slot.default))
            continue
        family = slot.kind.family if slot.kind else "number"
        price = "close" if index == 0 else "open"
        scale_free = slot.kind is not None and slot.kind.is_scale_free
        args.append(samples.get(family, "close / close[1]" if scale_free else price))
    return f"{name}({', '.join(args)})"
