"""Warnings about whole strategies: exits, unused names, and rules that never or always hold."""

from __future__ import annotations

from dsl.analysis.program import Program
from dsl.analysis.scope import Scope
from dsl.syntax import nodes
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ENTRIES, EXIT_SETTINGS
from dsl.terms.intervals import find_contradiction, implies


def warn_of_exits(node: nodes.Strategy, scope: Scope) -> None:
    """Warn of positions that nothing closes, and of exits without an entry."""
    orders = _find_orders(node)
    settings = {each.name for each in node.statements if isinstance(each, nodes.Setting)}
    has_exit_setting = bool(settings & set(EXIT_SETTINGS))
    for entry, leave in DIRECTION_ORDERS.values():
        exits = {leave, *ENTRIES} - {entry}  # an entry on the other side reverses the position
        has_exit = has_exit_setting or bool(exits & orders.keys())
        if entry in orders and not (has_exit or orders[entry].is_while):
            message = f"a position opened by `{entry}` is never closed"
            hint = f"add `{leave} when …`, a stop or `hold 20`"
            scope.report("W405", message, orders[entry].span, hint)
        if leave in orders and entry not in orders:
            message = f"`{leave}` has nothing to close without `{entry}`"
            hint = f"add `{entry} when …` or remove `{leave}`"
            scope.report("W407", message, orders[leave].span, hint)


def warn_of_unused_names(node: nodes.Strategy, scope: Scope) -> None:
    """Warn of lets and params that no expression reads."""
    for statement in node.statements:
        if isinstance(statement, nodes.Param | nodes.Let) and statement.name not in scope.used:
            message = f"unused name `{statement.name}`"
            scope.report("W406", message, statement.name_span, "remove it")


def warn_of_fixed_rules(node: nodes.Strategy, program: Program, scope: Scope) -> None:
    """Warn of rules that never or always hold, and of entries that another rule always blocks."""
    rules, budget = program.canonical._asdict(), scope.findings.budget
    reported = [each.span for each in scope.diagnostics if each.code == "W404"]
    for name, order in _find_orders(node).items():
        span, condition = order.when.span, rules[name]
        if any(span.start <= each.start < span.end for each in reported):
            continue
        if condition is None or condition.leaf is True:
            verdict = "always" if condition is not None else "never"
            scope.report("W404", f"`{name}` {verdict} holds", span, "compare values that change")
            continue
        contradiction = find_contradiction(condition, budget)
        if contradiction is not None:
            message = f"`{name}` never holds: {contradiction.reason}"
            scope.report("W404", message, span, contradiction.hint)
    for name, other, outcome in (
        ("buy", "sell", "an exit blocks an entry on the same bar, so it never buys"),
        ("short", "cover", "an exit blocks an entry on the same bar, so it never sells short"),
        ("buy", "short", "together they do nothing, so it never buys"),
        ("short", "buy", "together they do nothing, so it never sells short"),
    ):
        entry, blocker = rules[name], rules[other]
        if entry is not None and blocker is not None and implies(entry, blocker, budget):
            message = f"whenever `{name}` holds, `{other}` holds: {outcome}"
            span = _find_orders(node)[name].span
            scope.report("W410", message, span, "make one of them stricter")


def _find_orders(node: nodes.Strategy) -> dict[str, nodes.Order]:
    return {each.name: each for each in node.statements if isinstance(each, nodes.Order)}
