"""Diagnostics of a run beside its verdict: power and walk-forward, if the experiment wants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from evolve.errors import EvolveError
from evolve.experiment.power import PowerTest, describe_power
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.searched_run import SearchedRun
from evolve.experiment.walk_forward import WalkForwardTest, describe_walk_forward
from evolve.stop import Stop
from evolve.store import JournalError
from evolve.validation.null_run import NullRun
from evolve.validation.power import Power
from evolve.validation.walk_forward import WalkForward

State = TypeVar("State", NullRun | Power, WalkForward)


@dataclass(frozen=True)
class Diagnostics:
    """Diagnostics of a run; None for those that were not wanted or have no result.

    Attributes:
        power: power of the search.
        walk_forward: the search repeated in windows.
    """

    power: Power | None = None
    walk_forward: WalkForward | None = None

    def describe(self) -> dict[str, object]:
        """Describe the diagnostics for JSON."""
        result: dict[str, object] = {}
        if self.power is not None:
            result["power"] = describe_power(self.power)
        if self.walk_forward is not None:
            result["walk_forward"] = describe_walk_forward(self.walk_forward)
        return result


def diagnose(run: SearchedRun, recorder: RunRecorder, stop: Stop) -> Diagnostics:
    """Run the diagnostics that an experiment wants; an error is a notice.

    Args:
        run: the run.
        recorder: receives notices and progress.
        stop: once set, ends the diagnostics.
    """
    wanted = run.settings.validation
    runner = JobRunner(run.settings.workers, recorder, stop, recorder.journal.jobs, run.cluster)
    power: NullRun | Power | None = None
    walk: WalkForward | None = None
    if wanted.power and not stop.is_set:
        test = PowerTest(run.plan, run.data, runner)
        power = _exhaust(test.iterate(run.last.evaluated), recorder)
    if wanted.walk_forward is not None and not stop.is_set:
        windows = WalkForwardTest(run.plan, run.data, wanted.walk_forward, runner)
        walk = _exhaust(windows.iterate(), recorder)
    return Diagnostics(power if isinstance(power, Power) else None, walk)


def _exhaust(states: Iterator[State], recorder: RunRecorder) -> State | None:
    """Return the last state; None if there is none."""
    last = None
    try:
        for last in states:
            recorder.observer.diagnostic(last)
    except JournalError:  # it ends the run
        raise
    except EvolveError as error:
        recorder.notice(str(error))
    return last
