"""Warnings of terms that compute but mean little: unlike kinds, comparisons that never change."""

from __future__ import annotations

from dsl.analysis.scope import Scope
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.terms.infer import infer, infer_kind
from dsl.terms.intervals import COMPARISONS, Decision, decide, find_impossible_part
from dsl.terms.terms import Number, Term
from dsl.types import kinds


def warn_of(node: nodes.Call, term: Term, scope: Scope) -> None:
    """Warn of what computes but means little: unlike kinds, and conditions that never change."""
    complaint = infer(term).error
    given = [infer_kind(arg) for arg in term.args]
    bare = any(kind.family == "scalar" for kind in given)
    decision = decide(term) if bare or not complaint else None
    if decision is not None and complaint:
        _report_decision(node, decision, scope)
    elif complaint:
        hint = "use like with like"
        if bare and any(kind.dimension != (0, 0) for kind in given):
            is_volume = any(kind.volume and not kind.price for kind in given)
            better = "volume / sma(volume, 20)" if is_volume else "close / close[20]"
            hint = (
                "adjusted prices and volumes change with later dividends and splits, so a fixed "
                f"one looks ahead; use a ratio, such as `{better}`"
            )
        scope.report("W401" if not bare else "W403", complaint, node.span, hint)
    elif term.head in COMPARISONS:
        _report_decided(node, term, decision, scope)


def _report_decision(node: nodes.Call, decision: Decision, scope: Scope) -> None:
    """Warn of a comparison that never or always holds, with the fact that decides it."""
    reason = f": {decision.reason}" if decision.reason else ""
    scope.report("W404", f"this is {decision.verdict} true{reason}", node.span, decision.hint)


def _report_decided(node: nodes.Call, term: Term, decision: Decision | None, scope: Scope) -> None:
    """Warn of a comparison that the ranges of its sides decide, wholly or in part."""
    left, right = (infer_kind(arg) for arg in term.args)
    scale = left if left.family != "scalar" else right
    ends = f"its values lie between {scale.low:g} and {scale.high:g}"
    for arg in term.args:
        if isinstance(arg.leaf, Number) and arg.leaf.percent and 2 < scale.high < kinds.INF:
            written = format_number(arg.leaf.value * 100)
            message = f"this is in practice never or always true: {arg.leaf} is {arg.leaf.value:g}"
            scope.report("W404", message, node.span, f"{ends}; write {written}")
            return
    if decision is not None:
        _report_decision(node, decision, scope)
    elif find_impossible_part(term):
        message = f"{find_impossible_part(term)}, where this is never or always true"
        scope.report("W411", message, node.span, f"narrow its range: {ends}")
