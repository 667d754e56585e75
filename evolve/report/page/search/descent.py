"""Descent of the winner: a tree of its ancestors with the difference of each step."""

from __future__ import annotations

from collections.abc import Mapping

from dsl.printable import make_printable
from evolve.experiment.lineage import (
    Ancestor,
    find_winner,
    format_source,
    shorten_lineage,
    trace_lineage,
)
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Step, Tree
from evolve.report.page.diff import diff_sources
from evolve.report.page.search.authors import find_role, name_author

MAX_STEPS = 60  # of the main line
KEY_CHARACTERS = 8
PRUNED = "pruned"


def build_descent(view: RunView) -> Tree | None:
    """Build the tree of the winner of a run, or of its best trial so far; None if there is none."""
    winner = find_winner(view)
    lineage = trace_lineage(view.rows, winner) if winner is not None else ()
    if not lineage:
        return None
    shown = shorten_lineage(lineage, MAX_STEPS)
    sources = {each.trial.hash: format_source(each.trial.source) for each in shown}
    steps = [_build_step(each, sources) for each in shown]
    steps += _build_pruned_step(view, steps[-1], sources[lineage[-1].trial.hash])
    return Tree("descent", "Lineage of the winner", _describe(lineage, shown), tuple(steps))


def _build_step(each: Ancestor, sources: Mapping[str, str]) -> Step:
    trial, before = each.trial, each.parents[0] if each.parents else ""
    score = f"score {trial.scores[0]:.4f}" if trial.is_feasible else trial.infeasible_reason
    change = f" ({each.gain:+.4f})" if each.is_main and each.gain is not None else ""
    place = "" if each.is_main else ", second parent"
    text = (
        f"{make_printable(score)}{change}{place}, trial {trial.number:,}\n"
        f"epoch {trial.epoch}, island {trial.island + 1}; {trial.nodes} nodes, "
        f"{trial.trades:,} trades"
    )
    return Step(
        trial.hash[:KEY_CHARACTERS],
        name_author(trial.proposer),
        find_role(trial.proposer),
        tuple(digest[:KEY_CHARACTERS] for digest in each.parents),
        text,
        diff_sources(sources.get(before, ""), sources[trial.hash]),
    )


def _build_pruned_step(view: RunView, last: Step, source: str) -> list[Step]:
    """Return the step from the winner as found to its pruned form; none without a change."""
    best = view.document.best if view.document is not None else None
    if best is None or best.pruned is None or not best.pruned.dropped:
        return []
    dropped = make_printable(", ".join(best.pruned.dropped))
    text = (
        f"without the parts that change no trade on train: {dropped}\n"
        f"{best.pruned.nodes} nodes before, {best.nodes} after"
    )
    key = best.hash[:KEY_CHARACTERS]
    return [Step(key, PRUNED, "neutral", (last.key,), text, diff_sources(source, best.source))]


def _describe(lineage: tuple[Ancestor, ...], shown: tuple[Ancestor, ...]) -> str:
    main = [each for each in lineage if each.is_main]
    count = sum(each.is_main for each in shown)
    text = (
        "Each step shows who changed the program and how, and the score with its change against "
        "the better parent. The main line follows that parent from trial "
        f"{main[0].trial.number:,} to the winner over {len(main)} steps; the other parents are "
        "beside it, without their own ancestors. The winner has "
        f"{len(lineage) - 1:,} ancestors in total."
    )
    left_out = len(main) - count
    return f"{text} The first {left_out} steps are left out." if left_out else text
