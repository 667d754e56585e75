"""Analysis of settings: `size`, `stop`, `trail`, `target` and `hold`."""

from __future__ import annotations

from dsl.analysis.resolve import resolve, resolve_window
from dsl.analysis.scope import Scope
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.printer import expression_text
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL, Kind

_EXPECTED = {"size": "a fraction of equity", "hold": "a number of bars"}
MAX_LEVERAGE = 10


def resolve_setting(node: nodes.Setting, scope: Scope) -> Term | None:
    """Return the term of a setting, or None after an error, which is reported to the scope."""
    what = f"`{node.name}`"
    if node.name == "hold":
        return resolve_window(node.value, scope, what)
    term = resolve(node.value, scope)
    if term is None:
        return None
    kind = infer_kind(term)
    if kind == BOOL:
        message = f"{what} expects {_EXPECTED.get(node.name, 'a distance')}, found a condition"
        hint = "to exit on a condition write `sell when …`; for a number `where(condition, 1, 0)`"
        scope.report("E302", message, node.value.span, hint)
        return None
    if node.name == "size":
        _check_size(node, kind, scope)
    else:
        _check_distance(node, kind, scope)
    return term


def _check_size(node: nodes.Setting, kind: Kind, scope: Scope) -> None:
    if not kind.is_scale_free:
        message = f"`size` expects a fraction of equity, found {kind}"
        scope.report("E306", message, node.value.span, "divide it by a value of the same kind")
    elif kind.family == "scalar" and (kind.low > MAX_LEVERAGE or kind.high <= 0):
        message = f"a size of {kind.low:g} is {kind.low:.0%} of equity"
        hint = "`size` is a fraction of equity: write `size 1` for all of it"
        scope.report("W408", message, node.value.span, hint)


def _check_distance(node: nodes.Setting, kind: Kind, scope: Scope) -> None:
    if kind.family == "level":
        message = f"`{node.name}` expects a distance from the fill price, found a price"
        hint = f"write the distance: `{node.name} {_suggest_distance(node)}`"
        scope.report("E306", message, node.value.span, hint)
    elif not kind.is_scale_free and kind.dimension != (1, 0):
        message = f"`{node.name}` expects a price distance or a ratio, found {kind}"
        hint = f"write `{node.name} 2 * atr(14)` or `{node.name} 6%`"
        scope.report("E306", message, node.value.span, hint)
    elif kind.family == "scalar" and kind.low >= 1:
        message = f"a {node.name} of {kind.low:g} is {kind.low:.0%} of the price"
        percentage = format_number(kind.low / 100, True)
        hint = f"write `{percentage}` for a percentage, or a distance such as `2 * atr(14)`"
        scope.report("W408", message, node.value.span, hint)
    elif kind.family == "scalar" and kind.high <= 0:
        message = f"`{node.name}` expects a distance above 0, found {expression_text(node.value)}"
        hint = f"write `{format_number(abs(kind.high) or 0.06, True)}`; a distance has no sign"
        scope.report("W408", message, node.value.span, hint)


def _suggest_distance(node: nodes.Setting) -> str:
    """Return the likely distance of a price: `x` for `close - x`, 10% for `close * 1.1`."""
    match node.value:
        case nodes.Call("-" | "+", (nodes.Name("close"), distance)):
            return expression_text(distance)
        case nodes.Call("*", (nodes.Name("close"), nodes.Number(factor))):
            return format_number(round(abs(factor - 1), 6), percent=True)
        case nodes.Call("*", (nodes.Number(factor), nodes.Name("close"))):
            return format_number(round(abs(factor - 1), 6), percent=True)
    return expression_text(nodes.Call("-", (nodes.Name("close"), node.value)))
