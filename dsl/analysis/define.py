"""Signatures and defines to operators: the same for the prelude and for a user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import cast

from dsl.analysis.resolve import resolve, resolve_window
from dsl.analysis.scope import Scope
from dsl.diagnostics import Diagnostic
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.terms.canonical import substitute
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator, Slot
from dsl.terms.terms import Term, argument, call, number
from dsl.terms.text import format_term
from dsl.types import kinds
from dsl.types.kinds import BOOL, Inference, Kind
from dsl.types.rules import infer_distance

Find = Callable[[str], Operator | None]


def build_kind(note: nodes.KindNote) -> Kind | None:
    """The kind a signature names; None for `number`, which is any of them."""
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
    """The slots of a signature. A slot's range is where literals are drawn, not a bound."""
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
    """The rule of a signature's result: kinds of the arguments -> kind of the result.

    A result that is any `number` is of the kind its body has over such arguments.
    """
    result = signature.result
    assert result is not None
    if result.rule == "kind":
        assert result.kind is not None
        if result.kind.name == "number" and body is not None:
            return _build_inferred(signature, body)
        fixed = Inference(build_kind(result.kind) or kinds.Kind("other"))
        return lambda *given: fixed
    names = [each.name for each in signature.arguments]
    index = names.index(result.argument)
    if result.rule == "like":
        return lambda *given: Inference(given[index], sampled=given[index].family != "scalar")
    return lambda *given: Inference(
        infer_distance(given[index]), sampled=given[index].family != "scalar"
    )


def _build_inferred(signature: nodes.Signature, body: Term) -> Callable[..., Inference]:
    @cache
    def infer(*given: Kind) -> Inference:
        named = zip(signature.arguments, given, strict=True)
        args = [argument(index, arg.name, kind) for index, (arg, kind) in enumerate(named)]
        return Inference(infer_kind(substitute(body, tuple(args))), sampled=False)

    return infer


def signature_text(signature: nodes.Signature) -> str:
    """A signature as it is written, without ranges."""
    parts = []
    for each in signature.arguments:
        default = ""
        if isinstance(each.default, nodes.Number):
            text = format_number(each.default.value, each.default.percent)
            default = f" = {text}"
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
    node: nodes.Define, find: Find, suggest: Callable[[], Iterable[str]], family: str = ""
) -> tuple[Operator | None, list[Diagnostic]]:
    """The operator a define makes, and the findings made while reading it.

    Args:
        node: the define.
        find: operators that its body may use, by name.
        suggest: every operator name, for suggestions.
        family: the group of the prelude it is listed in; empty for a user's own.
    """
    signature = node.signature
    scope = Scope(find, suggest)
    _check_signature(node, scope)
    if scope.has_errors:
        return None, scope.found
    slots = build_slots(signature, find)
    scope.names = {slot.name: argument(i, slot.name, slot.kind) for i, slot in enumerate(slots)}
    body = resolve(node.body, scope)
    if body is None:
        return None, scope.found
    rule = build_infer(signature, body)
    declared = rule(*[infer_kind(scope.names[slot.name]) for slot in slots]).kind
    _check_result(node, declared, infer_kind(body), scope)
    for each in signature.arguments:
        if each.name not in scope.used:
            scope.report("W406", f"argument `{each.name}` is never used", each.span, "remove it")
    made = Operator(
        name=signature.name,
        slots=slots,
        infer=rule,
        family=family or "defined here",
        about=node.about,
        signature=signature_text(signature),
        aliases=node.also,
        example=_example(signature.name, slots),
        body=body,
        node=node,
        is_user_defined=not family,
    )
    if scope.has_errors:
        return None, scope.found
    return _own.setdefault((node, made.uses), made) if made.is_user_defined else made, scope.found


_own: dict[tuple[nodes.Define, tuple[Operator, ...]], Operator] = {}
"""A user's own operators by what they are: read twice, or in two processes, they are one."""


def _check_signature(node: nodes.Define, scope: Scope) -> None:
    seen: set[str] = set()
    optional = False
    for each in node.signature.arguments:
        if each.name in seen:
            scope.report("E204", f"argument `{each.name}` stands twice", each.span, "rename one")
        hidden = scope.find(each.name)
        if hidden is not None and hidden.series:
            message = f"argument `{each.name}` hides the bar series of that name"
            scope.report("W409", message, each.span, "choose another name")
        if optional and each.default is None:
            message = f"`{each.name}` needs a default, as an argument before it has one"
            scope.report("E203", message, each.span, "put arguments with defaults last")
        optional = optional or each.default is not None
        if each.kind.like and each.kind.like not in seen:
            message = f"there is no argument `{each.kind.like}` before `{each.name}`"
            scope.report("E201", message, each.span, "name an earlier argument")
        if each.default is not None:
            _check_default(each, each.default, scope)
        seen.add(each.name)
    result = node.signature.result
    if result is not None and result.argument and result.argument not in seen:
        message = f"there is no argument `{result.argument}`"
        scope.report("E201", message, result.span, "name one of the arguments")


def _check_default(node: nodes.Argument, default: nodes.Number | nodes.Name, scope: Scope) -> None:
    """A default is a series, or a literal where one may stand."""
    what = f"the default of `{node.name}`"
    if node.kind.name == "bool":
        scope.report("E301", f"{what} cannot be: it is a condition", default.span, "leave it out")
    elif node.kind.name == "window":
        resolve_window(default, scope, what)
    elif isinstance(default, nodes.Name):
        operator = scope.find(default.name)
        if operator is None or not operator.series:
            message = f"{what} must be a number or a bar series, not `{default.name}`"
            scope.report("E201", message, default.span, "write `close`, or leave it out")


def _check_result(node: nodes.Define, declared: Kind, found: Kind, scope: Scope) -> None:
    if (declared == BOOL) != (found == BOOL):
        message = f"`{node.signature.name}` is declared to give {declared} but gives {found}"
        hint = (
            "write `-> bool`" if found == BOOL else "compare it with something, or declare a kind"
        )
        scope.report("E311", message, node.body.span, hint)
    elif declared.dimension != found.dimension:
        message = f"`{node.signature.name}` is declared to give {declared} but gives {found}"
        hint = "declare another kind after `->`, or `other(a, b)` for price^a * volume^b"
        scope.report("E311", message, node.body.span, hint)


def _example(name: str, slots: Sequence[Slot]) -> str:
    """A plain use of an operator: prices where numbers go, series that are the default left out."""
    samples = {"bool": "close > open", "volume": "volume", "window": "20"}
    given = []
    for index, slot in enumerate(slots):
        if slot.default is not None:
            if slot.default.operator is not None:
                break
            given.append(format_term(slot.default))
            continue
        family = slot.kind.family if slot.kind else "number"
        price = "close" if index == 0 else "open"
        scale_free = slot.kind is not None and slot.kind.is_scale_free
        given.append(samples.get(family, "close / close[1]" if scale_free else price))
    return f"{name}({', '.join(given)})"
