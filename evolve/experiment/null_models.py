"""Models in the null run: they are asked again on each permuted market."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dsl.bars import Bars
from evolve.errors import EvolveError
from evolve.experiment.models import open_proposer
from evolve.experiment.observer import Observer
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.searched_run import SearchedRun
from evolve.search.external import ExternalProposer
from evolve.stop import Stop
from evolve.store import RunFolder


class UnansweredError(EvolveError):
    """Error of a null search whose model did not answer."""


@dataclass(frozen=True)
class NullModels:
    """Models that propose on permuted bars, with a journal that is discarded.

    Attributes:
        run: the run.
        stop: ends every wait for a model once it is set.
    """

    run: SearchedRun
    stop: Stop

    @contextmanager
    def open(self, bars: Bars) -> Iterator[ExternalProposer | None]:
        """Yield a proposer on permuted bars.

        Raises:
            UnansweredError: if a call failed, or the last one has no answer.
        """
        data = replace(self.run.data, split=replace(self.run.data.split, train=bars))
        with TemporaryDirectory(prefix="evolve-") as folder, RunRecorder(Observer()) as recorder:
            recorder.open(RunFolder(Path(folder)))
            with open_proposer(
                self.run.models, self.run.plan, data, recorder, self.stop
            ) as proposer:
                yield proposer
                if proposer is not None and (proposer.failed_calls or proposer.is_silent):
                    failed = proposer.failed_calls or "the last"
                    raise UnansweredError(
                        f"{failed} calls in a search on shuffled prices failed",
                        "check that the model answers: evolve doctor",
                    )
