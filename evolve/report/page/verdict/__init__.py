"""Section of a page: the verdict with its gates, figures and warnings."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_summary import describe_stop
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block, Text
from evolve.report.page.charts import Role
from evolve.report.page.verdict.figures import build_figures
from evolve.report.page.verdict.gates import build_gates
from evolve.report.page.verdict.so_far import build_so_far
from evolve.report.page.verdict.warnings import list_warnings
from evolve.validation.verdict import LUCK, PASS, UNCONFIRMED

ROLES: dict[str, Role] = {PASS: "good", UNCONFIRMED: "bad", LUCK: "bad"}
"""Meaning of the colour of a label; `neutral` for one that neither confirms nor refutes."""


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the verdict, or what is known before it, and the warnings."""
    verdict = view.document.verdict if view.document else None
    if view.state == "running":
        yield Text(_describe_running(view), "label", "RUNNING")
    elif view.state == "stopped":
        yield Text(describe_stop(view), "label", "STOPPED")
    elif verdict is not None:
        yield Text(verdict.sentence, "label", verdict.label, ROLES.get(verdict.label, "neutral"))
        yield build_gates(verdict)
    if view.state != "finished" and (so_far := build_so_far(view)) is not None:
        yield so_far
    yield build_figures(view)
    for text in list_warnings(view):
        yield Text(text, "warning")


def _describe_running(view: RunView) -> str:
    null = view.null
    if null is None and view.document is None:
        return "The search goes on, so there is no verdict yet."
    lead = "The search is over and its test goes on, so there is no verdict yet."
    if null is None:
        return lead
    done, beaten = len(null.results), len(null.results) - null.exceedances
    return (
        f"{lead} It beat {beaten} of {done} searches on shuffled prices; at most {null.planned} "
        "are planned."
    )
