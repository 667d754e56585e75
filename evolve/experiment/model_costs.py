"""Costs of the models of a run in any state."""

from __future__ import annotations

from evolve.experiment.run_view import RunView
from evolve.llm.prompt.selection import arm_name
from evolve.llm.transport.usage import ArmCost, Cost
from evolve.store.rows import JournalRows


def sum_cost(view: RunView) -> Cost | None:
    """Return the cost of the models: that of the result, or that of the answers so far.

    Returns:
        The cost; None if no model was asked.
    """
    exchanges = view.rows.exchanges
    if not exchanges:
        return None
    if view.document is not None and view.document.llm is not None:
        return view.document.llm.spent
    return Cost(
        len({each.call for each in exchanges if each.kind != "probe"}),
        sum(each.tokens_in for each in exchanges),
        sum(each.tokens_out for each in exchanges),
        sum(each.usd for each in exchanges),
    )


def read_arm_costs(view: RunView) -> dict[str, ArmCost]:
    """Return the cost of each model with a task: that of the result, or of the answers so far."""
    if view.document is not None and view.document.llm is not None:
        return view.document.llm.arms
    return sum_arm_costs(view.rows)


def sum_arm_costs(rows: JournalRows) -> dict[str, ArmCost]:
    """Return the cost of each model with a task, including repairs, from the answers."""
    calls, costs = dict[str, set[int]](), dict[str, ArmCost]()
    for each in rows.exchanges:
        if each.task and each.kind != "probe":
            name = arm_name(each.model, each.task)
            numbers = calls.setdefault(name, set())
            numbers.add(each.call)
            before = costs.get(name, ArmCost(0, 0.0, 0.0))
            seconds, usd = before.seconds + each.seconds, before.usd + each.usd
            costs[name] = ArmCost(len(numbers), seconds, usd)
    return costs
