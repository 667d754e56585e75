"""Warnings about computable but dubious terms: unlike kinds, comparisons that never change."""

from __future__ import annotations

from dsl.analysis.scope import Scope
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.terms.infer import infer, infer_kind
from dsl.terms.intervals import COMPARISONS, Decision, decide, find_impossible_part
from dsl.terms.terms import Number, Term
from dsl.types import kinds


def warn_of_term(node: nodes.Call, term: Term, scope: Scope) -> None:
    """Warn of operands of unlike kinds, and of comparisons that never change."""
    complaint = infer(term).error
    arg_kinds = [infer_kind(arg) for arg in term.args]
    has_literal = any(kind.family == "scalar" for kind in arg_kinds)
    decision = decide(term, scope.findings.budget) if has_literal or not complaint else None
    if decision is not None and complaint:
        _report_decision(node, decision, scope)
    elif complaint:
        hint = "use values of the same kind"
        if has_literal and any(kind.dimension != (0, 0) for kind in arg_kinds):
            is_volume = any(kind.volume and not kind.price for kind in arg_kinds)
            ratio = "volume / sma(volume, 20)" if is_volume else "close / close[20]"
            hint = (
                "later dividends and splits change adjusted prices and volumes, so a fixed one "
                f"looks ahead; use a ratio, such as `{ratio}`"
            )
        scope.report("W403" if has_literal else "W401", complaint, node.span, hint)
    elif term.head in COMPARISONS:
        _report_decided(node, term, decision, scope)


def _report_decision(node: nodes.Call, decision: Decision, scope: Scope) -> None:
    """Warn of a comparison that never or always holds, with the reason."""
    reason = f": {decision.reason}" if decision.reason else ""
    message = f"this comparison is {decision.verdict} true{reason}"
    scope.report("W404", message, node.span, decision.hint)


def _report_decided(node: nodes.Call, term: Term, decision: Decision | None, scope: Scope) -> None:
    """Warn of a comparison that the ranges of its sides decide, at least in part."""
    left, right = (infer_kind(arg) for arg in term.args)
    scale = left if left.family != "scalar" else right
    ends = f"its values lie between {scale.low:g} and {scale.high:g}"
    for arg in term.args:
        if isinstance(arg.leaf, Number) and arg.leaf.percent and 2 < scale.high < kinds.INF:
            written = format_number(arg.leaf.value * 100)
            message = f"this comparison never changes in practice: {arg.leaf} is {arg.leaf.value:g}"
            scope.report("W404", message, node.span, f"{ends}; write {written}")
            return
    if decision is not None:
        _report_decision(node, decision, scope)
    elif find_impossible_part(term):
        message = f"{find_impossible_part(term)}, where this comparison never changes"
        scope.report("W411", message, node.span, f"narrow its range: {ends}")
