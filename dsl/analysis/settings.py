"""Settings that mean what they should: `size`, `stop`, `trail`, `target` and `hold`."""

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
    """The term of a setting; None if it has an error, which is in the scope."""
    what = f"`{node.name}`"
    if node.name == "hold":
        return resolve_window(node.value, scope, what)
    term = resolve(node.value, scope)
    if term is None:
        return None
    kind = infer_kind(term)
    if kind == BOOL:
        message = f"{what} expects {_EXPECTED.get(node.name, 'a distance')}, not a condition"
        hint = "to leave on a condition write `sell when …`; for a number `where(condition, 1, 0)`"
        scope.report("E302", message, node.value.span, hint)
        return None
    if node.name == "size":
        _check_size(node, kind, scope)
    else:
        _check_distance(node, kind, scope)
    return term


def _check_size(node: nodes.Setting, kind: Kind, scope: Scope) -> None:
    if not kind.is_scale_free:
        message = f"`size` is a fraction of equity, not {kind}"
        scope.report("E306", message, node.value.span, "divide by something of the same kind")
    elif kind.family == "scalar" and (kind.low > MAX_LEVERAGE or kind.high <= 0):
        message = f"`size` is a fraction of equity: {kind.low:g} is {kind.low:.0%} of it"
        scope.report("W408", message, node.value.span, "write `size 1` for all of it")


def _check_distance(node: nodes.Setting, kind: Kind, scope: Scope) -> None:
    if kind.family == "level":
        message = f"`{node.name}` is a distance from the fill price, not a price"
        hint = f"write the distance: `{node.name} {_distance_meant(node)}`"
        scope.report("E306", message, node.value.span, hint)
    elif not kind.is_scale_free and kind.dimension != (1, 0):
        message = f"`{node.name}` is a price distance or a ratio, not {kind}"
        hint = f"write `{node.name} 2 * atr(14)` or `{node.name} 6%`"
        scope.report("E306", message, node.value.span, hint)
    elif kind.family == "scalar" and kind.low >= 1:
        message = f"a {node.name} of {kind.low:g} is {kind.low:.0%} of the price"
        percentage = format_number(kind.low / 100, True)
        hint = f"write `{percentage}` for a percentage, or a distance such as `2 * atr(14)`"
        scope.report("W408", message, node.value.span, hint)
    elif kind.family == "scalar" and kind.high <= 0:
        message = f"a {node.name} must be above 0, not {expression_text(node.value)}"
        hint = f"write `{format_number(abs(kind.high) or 0.06, True)}`, whichever way it lies"
        scope.report("W408", message, node.value.span, hint)


def _distance_meant(node: nodes.Setting) -> str:
    """The distance that a price was written for: `close - x` is `x`, `close * 1.1` is 10%."""
    match node.value:
        case nodes.Call("-" | "+", (nodes.Name("close"), far)):
            return expression_text(far)
        case nodes.Call("*", (nodes.Name("close"), nodes.Number(factor))):
            return format_number(round(abs(factor - 1), 6), percent=True)
        case nodes.Call("*", (nodes.Number(factor), nodes.Name("close"))):
            return format_number(round(abs(factor - 1), 6), percent=True)
    return expression_text(nodes.Call("-", (nodes.Name("close"), node.value)))
