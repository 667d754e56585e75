"""Beliefs of models beside what the evaluation of their strategies measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dsl.analysis.check import check
from dsl.diagnostics import LanguageError
from dsl.printable import make_printable
from evolve.errors import EvolveError
from evolve.experiment.lineage import find_gain
from evolve.experiment.run_view import RunView
from evolve.files import read_text
from evolve.llm.prompt.learnings import NO_BELIEF, read_learnings
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.report.page.model.answers import find_answers
from evolve.store.files import LEARNINGS
from evolve.store.rows import ExchangeRow, ProposalRow, TrialRow

MEASURED = "\n## Measured\n"  # the records, which the journal has in full
MAX_BELIEFS = 100

BELIEF_COLUMNS = (
    Column("belief", "text", "what the model wrote of its strategy"),
    Column("model"),
    Column("task"),
    Column("trial", "count"),
    Column("score", "ratio"),
    Column("gain", "ratio", "score minus that of the best parent that is feasible"),
    Column("not feasible", "text", "the requirement that the strategy does not meet"),
)
SENTENCE_COLUMNS = (Column("section"), Column("sentence"))


def iterate_beliefs(view: RunView) -> Iterator[Table]:
    """Yield the beliefs with their measurements, and the sentences that the models concluded."""
    trials = {each.hash: each for each in view.rows.trials}
    answers = find_answers(view.rows)
    rows = [
        (proposal, trials[proposal.hash])
        for proposal in view.rows.proposals
        if proposal.status == "evaluated" and proposal.hash in trials and proposal.call in answers
    ]
    rows.sort(key=lambda row: (not row[1].is_feasible, -row[1].scores[0], row[1].number))
    if rows:
        left_out = len(rows) - MAX_BELIEFS
        yield Table(
            "beliefs",
            "What the models believed, and what was measured",
            BELIEF_COLUMNS,
            tuple(
                _build_row(proposal, answers[proposal.call], trial, find_gain(trial, trials))
                for proposal, trial in rows[:MAX_BELIEFS]
            ),
            "A belief is the text of a model; score and gain are measured. "
            + (f"The {left_out:,} strategies with the lowest scores are left out."
               if left_out > 0 else ""),
            is_long=True,
        )  # fmt: skip
    sentences = tuple(_list_sentences(view.folder / LEARNINGS))
    if sentences:
        yield Table(
            "learnings",
            "What the models concluded",
            SENTENCE_COLUMNS,
            sentences,
            "Summaries that a model wrote of its beliefs and their measurements; later prompts "
            "quote them.",
        )


def _build_row(
    proposal: ProposalRow, answer: ExchangeRow, trial: TrialRow, gain: float | None
) -> tuple[Cell, ...]:
    return (
        make_printable(_read_belief(proposal.source)), make_printable(answer.model),
        make_printable(answer.task), trial.number, trial.scores[0] if trial.is_feasible else None,
        gain, make_printable(trial.infeasible_reason),
    )  # fmt: skip


def _read_belief(source: str) -> str:
    try:
        return check(source).about or NO_BELIEF
    except (LanguageError, ValueError):
        return NO_BELIEF


def _list_sentences(path: Path) -> Iterator[tuple[Cell, ...]]:
    """Yield the section and the text of each sentence; none of a file that cannot be read."""
    try:
        text = read_text(path)
    except EvolveError:
        return
    for section, sentences in read_learnings(text.partition(MEASURED)[0]).sections.items():
        for sentence in sentences:
            yield make_printable(section.replace("_", " ")), make_printable(sentence)
