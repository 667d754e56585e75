"""Run of an experiment, from its YAML to its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from dsl.analysis.program import Program
from dsl.gc_pause import pause_gc
from evolve.backtest.backtest import backtest
from evolve.backtest.sleeve import list_uncapped
from evolve.backtest.volume import list_unreadable, list_without_volume
from evolve.config import Experiment
from evolve.config.load import to_yaml
from evolve.experiment.diagnostics import diagnose
from evolve.experiment.finalists import assess_finalists, write_finalists
from evolve.experiment.input_copies import copy_inputs
from evolve.experiment.models import load_model_set, open_proposer
from evolve.experiment.observer import Observer
from evolve.experiment.plan import (
    LoadedData,
    Plan,
    build_problem,
    count_processes,
    read_plan,
)
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import (
    Assessed,
    Run,
    data_document,
    describe_parts,
    document,
    versions,
)
from evolve.experiment.robustness import analyze_winner
from evolve.experiment.searched_run import SearchedRun
from evolve.experiment.unfinished import UnfinishedFinalists
from evolve.experiment.validate import begin_evidence, begin_search, validate
from evolve.fitness.precompile import find_uncompiled, precompile
from evolve.parallel import count_cores
from evolve.search.executors import open_executor
from evolve.search.history import SearchHistory
from evolve.search.search import search
from evolve.stop import Stop
from evolve.store import REPORT, RESULT, RunFolder
from evolve.store.lock import hold_lock
from evolve.validation.verdict import decide


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
        EvolveError, LanguageError: if the experiment, a strategy or the data is not valid.
    """
    stop = stop or Stop()
    plan = experiment if isinstance(experiment, Plan) else read_plan(experiment, overrides)
    settings, started = plan.experiment, time.monotonic()
    with ExitStack() as lock, RunRecorder(observer or Observer()) as recorder:
        observer = recorder.observer
        models = load_model_set(plan)
        command = "" if plan.extra else plan.command  # which names no further programs
        recorder.event("begin", command=command, versions=versions())
        data = _load_data(plan, recorder)
        observer.proposers(settings, models)
        for text in list_uncapped(data.dataset.bars, data.market):
            recorder.notice(text)
        for text in _list_volume_notices(plan, data):
            recorder.notice(text)
        problem = build_problem(plan, data, models.settings.mode)
        folder = _create_folder(plan, data, out)
        lock.enter_context(hold_lock(folder.path))
        recorder.open(folder)
        observer.run_folder(folder.path)
        _precompile(settings, data, observer)
        observer.baselines([_assess_on_train(each, data) for each in plan.start_from])
        with (
            open_executor(problem, count_processes(settings), recorder) as executor,
            open_proposer(models, plan, data, recorder, stop) as proposer,
        ):
            begin_search(plan, data)
            recorder.start_search()
            history, unfinished = SearchHistory(), UnfinishedFinalists(settings, folder)
            with pause_gc():
                for last in search(problem, settings.budget.budget(), executor, proposer, stop):
                    recorder.save(folder.best.name, partial(unfinished.update, last))
                    recorder.progress(last, {})
                    history.add(last.trials)
            search_seconds = recorder.search_seconds
        finalists = tuple(assess_finalists(last.hall_of_fame, settings, data))
        recorder.save(folder.best.name, lambda: write_finalists(finalists, settings, folder))
        robustness = None
        if finalists:
            robustness = analyze_winner(
                finalists[0].program, history.sample.programs, last.evaluated, problem, data
            )
        searched = SearchedRun(plan, data, models, last, finalists, history)
        evidence = begin_evidence(searched)
        finished = Run(
            settings, data.dataset, data.split, last, finalists, folder.path,
            time.monotonic() - started, search_seconds, evidence, decide(evidence), robustness,
            proposer.budget if proposer else None, recorder.arm_costs(),
        )  # fmt: skip
        finished = _save_result(finished, recorder)  # complete if the null run is killed
        evidence = validate(searched, recorder, stop)
        diagnostics = diagnose(searched, recorder, stop)
        finished = replace(
            finished, seconds=time.monotonic() - started, evidence=evidence,
            verdict=decide(evidence), diagnostics=diagnostics,
        )  # fmt: skip
        recorder.event("finished", reason=last.stop_reason, evaluated=last.evaluated)
        finished = _save_result(finished, recorder)
        if report is not None:
            recorder.save(REPORT, partial(report, folder.path))
            finished = replace(finished, incomplete=recorder.incomplete)
    observer.done(finished)
    return finished


def _load_data(plan: Plan, recorder: RunRecorder) -> LoadedData:
    data = plan.load(recorder)
    dataset = data.dataset
    recorder.observer.data(dataset)
    parts = describe_parts(data.split)
    recorder.event("data", source=dataset.name, **data_document(dataset), parts=parts)
    for text in dataset.tradability_notes:
        recorder.notice(text)
    recorder.observer.split(data.split)
    return data


def _list_volume_notices(plan: Plan, data: LoadedData) -> list[str]:
    """Return the notices about volume that is unknown or 0 on all bars."""
    bars = data.dataset.bars
    notices = list_unreadable(bars, plan.start_from)
    if len(list_without_volume(bars)) == len(bars.symbols):
        notices.append("no symbol has volume: the search uses no operator that reads it")
    return notices


def _create_folder(plan: Plan, data: LoadedData, out: Path | None) -> RunFolder:
    """Create the run folder, with the experiment and a snapshot of the bars."""
    folder = RunFolder.create(plan.experiment.name, out)
    folder.write_text("experiment.yaml", to_yaml(copy_inputs(plan, folder)))
    folder.write_bars(data.dataset.bars)
    return folder


def _save_result(finished: Run, recorder: RunRecorder) -> Run:
    """Write the result document; return the run with the files that could not be written."""
    folder = RunFolder(finished.folder)
    finished = replace(finished, incomplete=recorder.incomplete)
    recorder.save(RESULT, lambda: folder.write_result(document(finished)))
    return replace(finished, incomplete=recorder.incomplete)


def _precompile(settings: Experiment, data: LoadedData, observer: Observer) -> None:
    """Compile the kernels that are not in the cache, in parallel."""
    tasks = find_uncompiled(len(data.dataset.bars.symbols))
    if tasks:
        observer.compiling()
        wanted = settings.workers.processes
        precompile(tasks, count_cores() if wanted == "auto" else wanted)


def _assess_on_train(program: Program, data: LoadedData) -> Assessed:
    return Assessed(program, None, backtest(program, data.split.train, data.market), None)
