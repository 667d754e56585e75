"""Reference tables of the documentation, generated from the declarations."""

from __future__ import annotations

from evolve.backtest.metrics import METRICS
from evolve.fitness.objectives import OBJECTIVES, REQUIREMENTS
from evolve.search.proposers import PROPOSERS


def metrics_reference() -> str:
    """Return a Markdown table of all metrics."""
    rows = [f"| `{each.name}` | {each.about} | {each.unit} |" for each in METRICS.values()]
    return "\n".join(["| metric | meaning | unit |", "|---|---|---|", *rows, ""])


def objectives_reference() -> str:
    """Return Markdown tables of all objectives and requirements."""
    objectives = [f"| `{each.name}` | {each.about} |" for each in OBJECTIVES.values()]
    requirements = [
        f"| `{each.name}` | {each.about} | {each.default:g} |" for each in REQUIREMENTS.values()
    ]
    return "\n".join(
        [
            "| objective | meaning |", "|---|---|", *objectives, "",
            "| requirement of every fold | meaning | default |", "|---|---|---|", *requirements, "",
        ]
    )  # fmt: skip


def proposers_reference() -> str:
    """Return a Markdown table of the genetic operators."""
    rows = [f"| `{each.name}` | {each.about} | {each.weight:g} |" for each in PROPOSERS.values()]
    return "\n".join(
        ["| genetic operator | meaning | default weight |", "|---|---|---|", *rows, ""]
    )
