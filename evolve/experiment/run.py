"""Run of an experiment, from its YAML to its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from dsl.printing.decompile import compact_text
from evolve.config.load import to_yaml
from evolve.experiment.execute import execute
from evolve.experiment.input_copies import copy_inputs
from evolve.experiment.models import load_model_set
from evolve.experiment.observer import Observer
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.prepared_run import PreparedRun, announce
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import Run, versions
from evolve.stop import Stop
from evolve.store import RunFolder
from evolve.store.lock import hold_lock


def run(
    experiment: str | Path | Plan,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
    report: Callable[[Path], object] | None = None,
) -> Run:
    """Run an experiment and record it in a run folder.

    Args:
        experiment: the path of the YAML file, or a plan.
        overrides: settings `a.b=value` that replace those of the YAML file.
        out: the run folder; `runs/<name>-<time>` if None.
        observer: receives the events of the run.
        stop: once set, ends the search after the current epoch.
        report: writes the report of a run folder, after everything else; None for no report.

    Raises:
        EvolveError, LanguageError: if the experiment, a strategy or the data is not valid, or if
            the journal cannot be written; what it has is not lost then.
    """
    plan = experiment if isinstance(experiment, Plan) else read_plan(experiment, overrides)
    with ExitStack() as lock, RunRecorder(observer or Observer()) as recorder:
        models = load_model_set(plan)
        recorder.event(
            "begin", command="" if plan.extra else plan.command, versions=versions(),
            base=str(plan.base.resolve()), extra=[compact_text(each) for each in plan.extra],
            overrides=[each.partition("=")[0] for each in plan.overrides],
        )  # fmt: skip
        data = plan.load(recorder)
        announce(plan, data, models, recorder)
        folder = _create_folder(plan, data, out)
        lock.enter_context(hold_lock(folder.path))
        recorder.open(folder)
        return execute(PreparedRun(plan, data, models, folder), recorder, stop or Stop(), report)


def _create_folder(plan: Plan, data: LoadedData, out: Path | None) -> RunFolder:
    """Create the run folder, with the experiment and a snapshot of the bars."""
    folder = RunFolder.create(plan.experiment.name, out)
    folder.write_text("experiment.yaml", to_yaml(copy_inputs(plan, folder)))
    folder.write_bars(data.dataset.bars)
    return folder
