"""View of one trial of a run: its source, its parents, who proposed it and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evolve.errors import EvolveError
from evolve.experiment.lineage import find_winner, format_source, trace_lineage
from evolve.experiment.run_view import RunView
from evolve.llm.transport.exchange import Exchange
from evolve.store import RunFolder
from evolve.store.calls import read_exchanges
from evolve.store.rows import ProposalRow, TrialRow

BEST = "best"
MIN_DIGITS = 8  # of a hash without a letter; fewer digits are a number


@dataclass(frozen=True)
class ModelCall:
    """Call to a model whose answer has a trial.

    Attributes:
        proposal: the strategy of the answer.
        exchanges: the prompts and answers of the call, in order.
    """

    proposal: ProposalRow
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True)
class TrialView:
    """One trial of a run.

    Attributes:
        row: its row in the journal.
        count: number of trials of the run.
        source: the program over several lines.
        scores: value by name of the objective.
        parents: its parents that are trials, the best by score first.
        children: number of trials that have it as a parent.
        dropped: what pruning dropped if it won the run.
        call: the call to a model that proposed it; None if no model did.
    """

    row: TrialRow
    count: int
    source: str
    scores: Mapping[str, float]
    parents: tuple[TrialRow, ...]
    children: int
    dropped: tuple[str, ...]
    call: ModelCall | None


def view_trial(view: RunView, row: TrialRow) -> TrialView:
    """Return all that a run folder has on a trial.

    Raises:
        EvolveError: if the journal is damaged.
    """
    rows = {each.hash: each for each in view.rows.trials}
    lineage = {each.trial.hash: each for each in trace_lineage(view.rows, row.hash)}
    names = [each.name for each in view.plan.experiment.fitness.goals().objectives]
    return TrialView(
        row,
        len(view.rows.trials),
        format_source(row.source),
        dict(zip(names, row.scores, strict=False)),
        tuple(rows[each] for each in lineage[row.hash].parents),
        sum(row.hash in each.parents for each in view.rows.trials),
        _list_dropped(view, row),
        _find_call(view, row),
    )


def find_trial(view: RunView, text: str) -> TrialRow:
    """Return the trial of a number, of the first characters of a hash, or the `best` one.

    Raises:
        EvolveError: if there is none, or several.
    """
    trials, count = view.rows.trials, len(view.rows.trials)
    if not trials:
        raise EvolveError(f"{view.folder} has no trial yet")
    wanted = text.lower()
    if wanted == BEST:
        winner = find_winner(view)
        found = [each for each in trials if each.hash == winner]
        if not found:
            raise EvolveError(f"{view.folder} has no best trial", "no strategy was feasible so far")
        return found[0]
    if wanted.isdecimal() and 1 <= int(wanted) <= count:
        return trials[int(wanted) - 1]
    is_prefix = bool(wanted) and not (wanted.isdecimal() and len(wanted) < MIN_DIGITS)
    matching = [each for each in trials if is_prefix and each.hash.startswith(wanted)]
    if len(matching) > 1:
        message = f"{len(matching):,} trials of {view.folder} have a hash that begins with `{text}`"
        raise EvolveError(message, "write more of its characters")
    if not matching:
        hint = f"expected a number from 1 to {count}, the first characters of a hash, or {BEST}"
        raise EvolveError(f"{view.folder} has no trial `{text}`", hint)
    return matching[0]


def _list_dropped(view: RunView, row: TrialRow) -> tuple[str, ...]:
    best = view.document.best if view.document is not None else None
    pruned = best.pruned if best is not None else None
    return tuple(pruned.dropped) if pruned is not None and pruned.hash == row.hash else ()


def _find_call(view: RunView, row: TrialRow) -> ModelCall | None:
    """Return the call whose answer was the first with a trial's program."""
    for proposal in view.rows.proposals:
        if proposal.hash == row.hash and proposal.status == "evaluated":
            journal = RunFolder(view.folder).journal
            return ModelCall(proposal, read_exchanges(journal, proposal.call))
    return None
