"""Authors of trials: starting strategies, genetic operators and models."""

from __future__ import annotations

from dsl.printable import make_printable
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.report.page.charts import Role
from evolve.search.individual import SEED

AUTHORS: dict[Role, str] = {
    "genetic": "genetic operators",
    "model": "models",
    "seed": "starting strategies",
}
"""Label of each kind of author by role."""


def find_role(proposer: str) -> Role:
    """Return the role of a proposer."""
    if proposer == SEED:
        return "seed"
    return "model" if is_arm(proposer) else "genetic"


def name_author(proposer: str) -> str:
    """Return the name of a proposer for people: a model with its task, or an operator."""
    if not is_arm(proposer):
        return "starting strategy" if proposer == SEED else make_printable(proposer)
    model, task = split_arm(proposer)
    return make_printable(f"{model}: {task}")
