"""Line of descent of a trial, from the rows of a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dsl.diagnostics import LanguageError
from dsl.printing.decompile import format_program
from evolve.experiment.run_view import RunView
from evolve.experiment.trial_program import check_trial
from evolve.store.rows import JournalRows, TrialRow


@dataclass(frozen=True)
class Ancestor:
    """Trial in a line of descent.

    Attributes:
        trial: its row.
        parents: hashes of its parents in the lineage, the best by score first.
        is_main: whether it is on the main line: the trial whose descent it is, its first parent,
            the first parent of that one and so on.
        gain: its score minus that of its best feasible parent; None if it has none, or is not
            feasible.
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
        Ancestor(trials[each], above, each in main, find_gain(trials[each], trials))
        for each, above in parents.items()
    ]
    return tuple(sorted(lineage, key=lambda each: each.trial.number))


def shorten_lineage(lineage: Iterable[Ancestor], max_steps: int) -> tuple[Ancestor, ...]:
    """Return the last steps of the main line with their other parents, which have no parents.

    Args:
        lineage: a trial and its ancestors, at least one.
        max_steps: the maximum number of steps of the main line, at least 1.
    """
    every = {each.trial.hash: each for each in lineage}
    first, *rest = [each for each in every.values() if each.is_main][-max_steps:]
    main = {each.trial.hash: each for each in (replace(first, parents=()), *rest)}
    beside = {
        digest: replace(every[digest], parents=(), is_main=False)
        for each in rest
        for digest in each.parents
        if digest not in main
    }
    return tuple(sorted((main | beside).values(), key=lambda each: each.trial.number))


def find_gain(trial: TrialRow, trials: Mapping[str, TrialRow]) -> float | None:
    """Return the score of a trial minus that of its best feasible parent.

    Args:
        trial: its row.
        trials: rows by hash.

    Returns:
        The difference; None if the trial or all its parents are not feasible.
    """
    parents = [trials[each] for each in trial.parents if each in trials]
    scores = [each.scores[0] for each in parents if each.is_feasible]
    return trial.scores[0] - max(scores) if scores and trial.is_feasible else None


def find_winner(view: RunView) -> str | None:
    """Return the hash of the trial that won a run, or leads it so far; None if there is none."""
    document = view.document
    if document is not None and document.best is not None:
        return document.best.trial
    best = view.rows.best
    return None if best is None else best.hash


def format_source(source: str) -> str:
    """Format the source of a trial over several lines; an unreadable one is returned as it is."""
    try:
        return format_program(check_trial(source))
    except (LanguageError, ValueError):
        return source


def _rank_parents(child: TrialRow, trials: Mapping[str, TrialRow]) -> tuple[str, ...]:
    known = [trials[each] for each in dict.fromkeys(child.parents) if each in trials]
    earlier = [each for each in known if each.number < child.number]
    earlier.sort(key=lambda each: (not each.is_feasible, -each.scores[0]))  # stable
    return tuple(each.hash for each in earlier)
