"""Observer of a run: receives its events, and cannot end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from evolve.config import Experiment
    from evolve.data import Dataset, DataSplit
    from evolve.experiment.assessed import Assessed
    from evolve.experiment.result import Run
    from evolve.llm.model_set import ModelSet
    from evolve.llm.transport.usage import Cost
    from evolve.search.progress import Progress
    from evolve.validation.null_run import NullRun
    from evolve.validation.power import Power
    from evolve.validation.walk_forward import WalkForward


class Observer:
    """Receiver of the events of a run, in this order; override the methods that you need."""

    def notice(self, text: str) -> None:
        """Receive a notice, such as the use of a fallback; it may come at any time."""

    def data(self, dataset: Dataset) -> None:
        """Receive the data."""

    def split(self, split: DataSplit) -> None:
        """Receive the split of the data."""

    def proposers(self, experiment: Experiment, models: ModelSet) -> None:
        """Receive the settings of the proposers and the models."""

    def run_folder(self, path: Path) -> None:
        """Receive the run folder, which exists from here on."""

    def resumed(self, evaluated: int, evaluations: int) -> None:
        """Receive the number of trials at which a run goes on, and its budget."""

    def compiling(self) -> None:
        """Handle the start of a compilation of kernels that are not cached."""

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        """Receive the starting strategies and their benchmark on train."""

    def early_null_search(self, run: NullRun) -> None:
        """Receive the null run after each null search that precedes the search."""

    def progress(self, progress: Progress, seconds: float) -> None:
        """Receive the state after an epoch, `seconds` after the start of the search."""

    def spending(self, spent: Cost) -> None:
        """Receive the cost of all calls to models so far, after each response."""

    def waiting(self) -> None:
        """Handle the first wait of the search for a model."""

    def null_search(self, run: NullRun) -> None:
        """Receive the null run after each null search."""

    def family(self, index: int, count: int) -> None:
        """Receive the number of the earlier run that is compared, and the count of them."""

    def diagnostic(self, state: NullRun | Power | WalkForward) -> None:
        """Receive the state of a diagnostic after each of its searches."""

    def done(self, run: Run) -> None:
        """Receive the finished run."""

    def broken(self, error: Exception) -> None:
        """Receive the first error of another method; the run continues."""


EVENTS = tuple(name for name in vars(Observer) if not name.startswith("_") and name != "broken")


def isolate(observer: Observer, report: Callable[[Exception], None]) -> Observer:
    """Return an observer that passes all events to another one, whose errors end nothing.

    A closed terminal or pipe, or a full disk behind a redirection, fails at each event. The first
    error is reported to the observer, which may have another output, and to `report`.
    """
    isolated, errors = Observer(), list[Exception]()
    for name in EVENTS:
        setattr(isolated, name, partial(_pass_on, observer, name, errors, report))
    return isolated


def _pass_on(
    observer: Observer, name: str, errors: list[Exception],
    report: Callable[[Exception], None], *event: Any, **detail: Any,
) -> None:  # fmt: skip
    try:
        getattr(observer, name)(*event, **detail)
    except Exception as error:
        errors.append(error)
        if len(errors) == 1:
            report(error)
            with suppress(Exception):
                observer.broken(error)
