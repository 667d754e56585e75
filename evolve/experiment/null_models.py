"""Models in the null run: they are asked again on each permuted market."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsl.bars import Bars
from evolve.errors import EvolveError
from evolve.experiment.model_proposer import open_proposer
from evolve.experiment.recorded_models import read_recorded_models, resume_models
from evolve.experiment.searched_run import SearchedRun
from evolve.llm.model_set import ModelSet
from evolve.llm.transport.calls import Call, RecordedCall
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.usage import Cost
from evolve.search.external import ExternalProposer
from evolve.stop import Stop
from evolve.store import Journal, JournalError, RunFolder
from evolve.store.database import is_unwritten
from evolve.store.files import NULL, format_resume


class UnansweredError(EvolveError):
    """Error of a null search whose model did not answer."""


@dataclass(frozen=True)
class NullModels:
    """Models that propose on permuted bars.

    Each permutation has a journal of its calls in the run folder. A null search that is repeated
    answers from it, except for calls that failed.

    Attributes:
        run: the run.
        folder: its folder.
        stop: ends every wait for a model once it is set.
    """

    run: SearchedRun
    folder: RunFolder
    stop: Stop

    @contextmanager
    def open(self, bars: Bars, number: int) -> Iterator[ExternalProposer | None]:
        """Yield a proposer on permuted bars.

        Args:
            bars: the bars.
            number: number of the permutation.

        Raises:
            JournalError: if the journal of the permutation cannot be used.
            UnansweredError: if a call failed, or the last one has no answer.
        """
        data = replace(self.run.data, split=replace(self.run.data.split, train=bars))
        path = self.folder.path / NULL / f"{number}.sqlite"
        with (
            closing(_open_journal(path)) as journal,
            open_proposer(
                self._complete_models(), self.run.plan, data, NullRecorder(journal), self.stop
            ) as proposer,
        ):
            yield proposer
            if proposer is not None and (proposer.failed_calls or proposer.is_silent):
                failed = proposer.failed_calls or "the last"
                raise UnansweredError(
                    f"{failed} calls in a search on shuffled prices failed",
                    "check that the model answers: evolve doctor",
                )

    def _complete_models(self) -> ModelSet:
        """Return the models with the names and contexts that their servers reported in the run."""
        recorded = read_recorded_models(self.folder.journal)
        return self.run.models if recorded is None else resume_models(self.run.models, recorded)


class NullRecorder:
    """Recorder of the calls of a null search, in a journal; it reports nothing."""

    def __init__(self, journal: Journal) -> None:
        self._calls = journal.calls

    def read_calls(self) -> dict[int, RecordedCall]:
        """Return the recorded calls by number; a call that failed has no exchanges."""
        return {
            number: replace(each, exchanges=()) if each.has_failed else each
            for number, each in self._calls.read().items()
        }

    def record_call(self, call: Call) -> None:
        """Record the start of a call, in place of a record with its number."""
        self._calls.record_call(call)

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """Record the response of a call, in place of an earlier one."""
        self._calls.record_response(number, exchanges)

    def record_collected(self, number: int, epoch: int) -> None:
        """Record the epoch in which the response of a call was collected."""
        self._calls.record_collected(number, epoch)

    def move_calls(self, first: int) -> None:
        """Move the recorded calls from a number on to numbers below 1."""
        self._calls.move_calls(first)

    def read_left_cost(self) -> Cost:
        """Return the cost of the calls with numbers below 1."""
        return self._calls.read_left_cost()

    def notice(self, text: str) -> None:
        """Do nothing, as in the other methods: the notices of the search were reported."""

    def event(self, kind: str, **detail: Any) -> None:
        """Do nothing."""

    def waiting(self) -> None:
        """Do nothing."""

    def report_cost(self, spent: Cost) -> None:
        """Do nothing."""

    def record_proposal(self, call: int, text: str, digest: str, status: str, reason: str) -> None:
        """Do nothing."""

    def record_learnings(self, text: str) -> None:
        """Do nothing."""


def _open_journal(path: Path) -> Journal:
    """Open the journal of a permutation; create it if a kill left none or an empty one."""
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        resume = format_resume(path.parent.parent)
        hint = f"allow writing it, or free some space, then go on with: {resume}"
        raise JournalError(f"cannot create {path.parent}: {error.strerror}", hint) from None
    is_new = not path.exists() or is_unwritten(path)
    return Journal.create(path) if is_new else Journal(path)
