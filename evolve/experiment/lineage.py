"""Line of descent of a trial, from the rows of a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsl.analysis.check import check
from dsl.diagnostics import LanguageError
from dsl.printing.decompile import format_program
from evolve.experiment.run_view import RunView
from evolve.store.rows import JournalRows, TrialRow


@dataclass(frozen=True)
class Ancestor:
    """Trial in a line of descent.

    Attributes:
        trial: its row.
        parents: hashes of its parents that are trials before it, the best by score first.
        is_main: whether it is on the main line: the trial whose descent it is, its first parent,
            the first parent of that one and so on.
        gain: its score minus that of its first parent; None without a parent, or if one of them
            is not feasible.
    """

    trial: TrialRow
    parents: tuple[str, ...]
    is_main: bool
    gain: float | None


def trace_lineage(rows: JournalRows, digest: str) -> tuple[Ancestor, ...]:
    """Return a trial and all its ancestors in order of their numbers, so parents come first.

    Args:
        rows: rows of the journal.
        digest: hash of the trial; the result is empty if it is no trial.
    """
    trials = {each.hash: each for each in rows.trials}
    if digest not in trials:
        return ()
    parents, waiting = dict[str, tuple[str, ...]](), [digest]
    while waiting:
        current = waiting.pop()
        if current not in parents:
            parents[current] = _rank_parents(trials[current], trials)
            waiting.extend(parents[current])
    main, current = {digest}, digest
    while parents[current]:
        current = parents[current][0]
        main.add(current)
    lineage = [
        Ancestor(trials[each], above, each in main, _find_gain(trials[each], above, trials))
        for each, above in parents.items()
    ]
    return tuple(sorted(lineage, key=lambda each: each.trial.number))


def shorten_lineage(lineage: Iterable[Ancestor], max_steps: int) -> tuple[Ancestor, ...]:
    """Return the last steps of the main line, and the other parents of these.

    Args:
        lineage: a trial and its ancestors.
        max_steps: the maximum number of steps of the main line.
    """
    every = {each.trial.hash: each for each in lineage}
    main = [each for each in every.values() if each.is_main][-max_steps:]
    shown = {each.trial.hash for each in main}
    shown.update(digest for each in main[1:] for digest in each.parents)
    if main:
        shown.update(main[0].parents[1:])
    return tuple(each for digest, each in every.items() if digest in shown)


def find_winner(view: RunView) -> str | None:
    """Return the hash of the trial that won a run, or leads it so far; None if there is none."""
    document = view.document
    if document is not None and document.best is not None:
        return document.best.trial
    feasible = [each for each in view.rows.trials if each.is_feasible and each.scores]
    return max(feasible, key=lambda each: each.scores[0]).hash if feasible else None


def format_source(source: str) -> str:
    """Format the source of a trial over several lines; an unreadable one is returned as it is."""
    try:
        return format_program(check(source))
    except (LanguageError, ValueError):
        return source


def _rank_parents(child: TrialRow, trials: Mapping[str, TrialRow]) -> tuple[str, ...]:
    known = [trials[each] for each in dict.fromkeys(child.parents) if each in trials]
    earlier = [each for each in known if each.number < child.number]
    earlier.sort(key=lambda each: (not each.is_feasible, -each.scores[0]))  # stable
    return tuple(each.hash for each in earlier)


def _find_gain(
    child: TrialRow, parents: tuple[str, ...], trials: Mapping[str, TrialRow]
) -> float | None:
    if not parents or not child.is_feasible or not trials[parents[0]].is_feasible:
        return None
    return child.scores[0] - trials[parents[0]].scores[0]
