"""Execution of a prepared run: its search, its validation and its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dsl.analysis.program import Program
from dsl.gc_pause import pause_gc
from evolve.backtest.backtest import backtest
from evolve.backtest.distances import list_tight
from evolve.cluster import Cluster, ClusterExecutor
from evolve.config import Experiment
from evolve.experiment.assessed import Assessed
from evolve.experiment.diagnostics import diagnose
from evolve.experiment.finalists import assess_finalists, write_finalists
from evolve.experiment.luck import run_nulls
from evolve.experiment.model_proposer import open_proposer
from evolve.experiment.observer import Observer
from evolve.experiment.plan import LoadedData, build_problem, count_processes
from evolve.experiment.prepared_run import PreparedRun
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.repeated_search import JobRunner, open_cluster
from evolve.experiment.result import Run, document
from evolve.experiment.robustness import analyze_winner
from evolve.experiment.run_inputs import build_run_inputs, open_problem
from evolve.experiment.searched_run import SearchedRun
from evolve.experiment.unfinished import UnfinishedFinalists
from evolve.experiment.validate import begin_evidence, begin_search, validate
from evolve.fitness.precompile import find_uncompiled, precompile
from evolve.llm.transport.usage import ArmCost, CallBudget
from evolve.parallel import count_cores
from evolve.search.best_curve import BestCurve
from evolve.search.checkpoint import describe_state
from evolve.search.executors import Executor, open_executor
from evolve.search.history import SearchHistory
from evolve.search.problem import SearchProblem
from evolve.search.progress import Progress
from evolve.search.search import INTERRUPTED, search
from evolve.stop import Stop
from evolve.store import REPORT, RESULT
from evolve.validation.luck_stop import LuckStop
from evolve.validation.verdict import decide

NO_EPOCH = -1  # before the first one


@dataclass(frozen=True, eq=False)
class _Searched:
    """Result of the search of a run."""

    last: Progress
    history: SearchHistory
    seconds: float
    call_budget: CallBudget | None
    arm_costs: dict[str, ArmCost]


def execute(
    prepared: PreparedRun,
    recorder: RunRecorder,
    stop: Stop,
    report: Callable[[Path], object] | None = None,
) -> Run:
    """Execute a run whose recorder is open.

    Args:
        prepared: the run.
        recorder: records it.
        stop: once set, ends the search after the current epoch. The run can then be resumed.
        report: writes the report of its folder; None for no report.

    Raises:
        EvolveError: if the journal cannot be written, or the checkpoint is damaged.
    """
    started = time.monotonic()
    if prepared.checkpoint is not None:
        started -= prepared.checkpoint.seconds
    observer, data, folder = recorder.observer, prepared.data, prepared.folder
    observer.run_folder(folder.path)
    _precompile(prepared.settings, data, observer)
    observer.baselines([_assess_on_train(each, data) for each in prepared.plan.start_from])
    problem = build_problem(prepared.plan, data, prepared.models.settings.mode)
    with open_cluster(prepared.settings.workers, recorder) as cluster:
        searched = _search(prepared, problem, recorder, stop, cluster)
        finished, run = _select(prepared, problem, searched, recorder)
        finished = replace(finished, seconds=time.monotonic() - started)
        finished = _save_result(finished, recorder)  # readable if the null run is killed
        if searched.last.stop_reason != INTERRUPTED:
            run = replace(run, cluster=cluster)
            evidence = validate(run, recorder, stop)
            diagnostics = diagnose(run, recorder, stop)
            finished = replace(
                finished, seconds=time.monotonic() - started, evidence=evidence,
                verdict=decide(evidence), diagnostics=None if stop.is_set else diagnostics,
            )  # fmt: skip
            if finished.is_complete:
                last = searched.last
                recorder.event("finished", reason=last.stop_reason, evaluated=last.evaluated)
            finished = _save_result(finished, recorder)
    if report is not None:
        recorder.save(REPORT, partial(report, folder.path))
        finished = replace(finished, incomplete=recorder.incomplete)
    observer.done(finished)
    return finished


def _search(
    prepared: PreparedRun,
    problem: SearchProblem,
    recorder: RunRecorder,
    stop: Stop,
    cluster: Cluster | None,
) -> _Searched:
    """Search, and commit each epoch with its checkpoint."""
    settings, checkpoint = prepared.settings, prepared.checkpoint
    history, done = SearchHistory(), NO_EPOCH
    if checkpoint is not None:
        history, done = SearchHistory.restore(checkpoint), checkpoint.epoch
    unfinished = UnfinishedFinalists(settings, prepared.folder)
    find_end = _build_luck_stop(prepared, recorder, stop, cluster)
    with (
        _open_executor(prepared, problem, recorder, cluster) as executor,
        open_proposer(prepared.models, prepared.plan, prepared.data, recorder, stop) as proposer,
    ):
        begin_search(prepared.plan, prepared.data)
        recorder.start_search(checkpoint.seconds if checkpoint is not None else 0.0)
        if checkpoint is None:
            recorder.go_on()
        with pause_gc():
            for last in search(
                problem, settings.budget.budget(), executor, proposer, stop,
                resume_from=checkpoint, find_end=find_end,
            ):  # fmt: skip
                recorder.save(prepared.folder.best.name, partial(unfinished.update, last))
                if last.epoch > done:
                    history.add(last.trials)
                    state = describe_state(last) | {"history": history.save(last.index)}
                    recorder.progress(last, state)
                    done = last.epoch
                elif checkpoint is not None and last.epoch == checkpoint.epoch:
                    recorder.go_on()
                    recorder.observer.progress(last, recorder.search_seconds)
        budget = proposer.budget if proposer else None
    return _Searched(last, history, recorder.search_seconds, budget, recorder.arm_costs())


def _build_luck_stop(
    prepared: PreparedRun, recorder: RunRecorder, stop: Stop, cluster: Cluster | None
) -> LuckStop | None:
    """Return the condition of `budget.stop: luck`; None if there is none, or it was interrupted."""
    if not prepared.settings.budget.stops_at_luck:
        return None
    runner = JobRunner(prepared.settings.workers, recorder, stop, cluster=cluster)
    nulls = run_nulls(prepared.plan, prepared.data, runner, recorder.observer.early_null_search)
    curve = BestCurve()
    if prepared.checkpoint is not None:
        curve = BestCurve.restore(prepared.checkpoint.state["history"]["curve"])
    return LuckStop(nulls, curve) if nulls else None


@contextmanager
def _open_executor(
    prepared: PreparedRun, problem: SearchProblem, recorder: RunRecorder, cluster: Cluster | None
) -> Iterator[Executor]:
    """Yield the executor of the epochs: processes of this machine, or a cluster."""
    if cluster is None:
        processes = count_processes(prepared.settings)
        with open_executor(problem, processes, recorder) as executor:
            yield executor
        return
    inputs = build_run_inputs(prepared.plan, prepared.data, prepared.models.settings.mode)
    yield ClusterExecutor(problem, cluster, open_problem, inputs.content, recorder)


def _select(
    prepared: PreparedRun, problem: SearchProblem, searched: _Searched, recorder: RunRecorder
) -> tuple[Run, SearchedRun]:
    """Select and write the finalists; return the run as if its null run were interrupted."""
    settings, data, last = prepared.settings, prepared.data, searched.last
    finalists = tuple(assess_finalists(last.hall_of_fame, prepared.plan, data))
    name = prepared.folder.best.name
    recorder.save(name, lambda: write_finalists(finalists, settings, prepared.folder))
    for text in list_tight([each.program for each in finalists[:1]], data.split.train, data.market):
        recorder.notice(text)
    robustness = None
    if finalists:
        sample = searched.history.sample.programs
        robustness = analyze_winner(finalists[0].program, sample, last.evaluated, problem, data)
    run = SearchedRun(
        prepared.plan, data, prepared.models, last, finalists, searched.history, prepared.changes
    )
    evidence = begin_evidence(run)
    finished = Run(
        settings, data.dataset, data.split, last, finalists, prepared.folder.path, 0.0,
        searched.seconds, evidence, decide(evidence), robustness, searched.call_budget,
        searched.arm_costs,
    )  # fmt: skip
    return finished, run


def _save_result(finished: Run, recorder: RunRecorder) -> Run:
    """Write the result document; return the run with the files that could not be written."""
    finished = replace(finished, incomplete=recorder.incomplete)
    recorder.save(RESULT, lambda: finished.run_folder.write_result(document(finished)))
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
