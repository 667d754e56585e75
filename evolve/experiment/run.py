"""Run of an experiment, from its YAML to its result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dsl.analysis.program import Program
from dsl.gc_pause import pause_gc
from evolve.backtest.backtest import backtest
from evolve.backtest.sleeve import list_uncapped
from evolve.config import Experiment
from evolve.config.load import to_yaml
from evolve.experiment.models import load_model_set, open_proposer
from evolve.experiment.observer import Observer
from evolve.experiment.plan import (
    LoadedData,
    Plan,
    build_problem,
    copy_inputs,
    count_processes,
    read_plan,
)
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import Assessed, Run, document
from evolve.experiment.validate import SearchedRun, begin_evidence, validate
from evolve.fitness.precompile import find_uncompiled, precompile
from evolve.parallel import count_cores
from evolve.search.best_curve import BestCurve
from evolve.search.executors import open_executor
from evolve.search.individual import SEED, Individual
from evolve.search.lineage import Lineage
from evolve.search.search import search
from evolve.stop import Stop
from evolve.store import RunFolder
from evolve.validation.verdict import decide


def run(
    experiment: str | Path | Plan,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> Run:
    """Run an experiment and record it in a run folder.

    Args:
        experiment: the path of the YAML file, or a plan.
        overrides: settings `a.b=value` that replace those of the YAML file.
        out: the run folder; `runs/<name>-<time>` if None.
        observer: receives the events of the run.
        stop: once set, ends the search after the current epoch.

    Raises:
        EvolveError, LanguageError: if the experiment, a strategy or the data is not valid.
    """
    observer, stop = observer or Observer(), stop or Stop()
    plan = experiment if isinstance(experiment, Plan) else read_plan(experiment, overrides)
    settings, started = plan.experiment, time.monotonic()
    with RunRecorder(observer) as recorder:
        models = load_model_set(plan)
        data = _load_data(plan, recorder)
        observer.proposers(settings, models)
        for text in list_uncapped(data.dataset.bars, data.market):
            recorder.notice(text)
        problem = build_problem(plan, data, models.settings.mode)
        folder = _create_folder(plan, data, out)
        recorder.open(folder)
        _precompile(settings, data, observer)
        observer.baselines([_assess_on_train(each, data) for each in plan.start_from])
        with (
            open_executor(problem, count_processes(settings), recorder) as executor,
            open_proposer(models, plan, data, recorder, stop) as proposer,
        ):
            recorder.start_search()
            curve, lineage = BestCurve(), Lineage()
            with pause_gc():
                for last in search(problem, settings.budget.budget(), executor, proposer, stop):
                    recorder.progress(last)
                    curve.add(last.trials)
                    lineage.add(last.trials)
            search_seconds = recorder.search_seconds
        finalists = tuple(_assess_finalists(last.hall_of_fame, settings, data))
        searched = SearchedRun(plan, data, models, last, finalists, curve, lineage)
        evidence = begin_evidence(searched)
        finished = Run(
            settings, data.dataset, data.split, last, finalists, folder.path,
            time.monotonic() - started, search_seconds, evidence, decide(evidence),
            proposer.budget if proposer else None, recorder.arm_costs(),
        )  # fmt: skip
        _write_result(finished, folder)  # the folder is complete if the null run is killed
        evidence = validate(searched, recorder, stop)
        seconds = time.monotonic() - started
        finished = replace(finished, seconds=seconds, evidence=evidence, verdict=decide(evidence))
        folder.write_result(document(finished))
        recorder.event("finished", reason=last.stop_reason, evaluated=last.evaluated)
    observer.done(finished)
    return finished


def _load_data(plan: Plan, recorder: RunRecorder) -> LoadedData:
    data = plan.load(recorder)
    dataset = data.dataset
    recorder.observer.data(dataset)
    recorder.event("data", source=dataset.name, bars=len(dataset.bars), hash=dataset.bars.hash)
    for text in dataset.tradability_notes:
        recorder.notice(text)
    recorder.observer.split(data.split)
    return data


def _create_folder(plan: Plan, data: LoadedData, out: Path | None) -> RunFolder:
    """Create the run folder, with the experiment and a snapshot of the bars."""
    folder = RunFolder.create(plan.experiment.name, out)
    folder.write_text("experiment.yaml", to_yaml(copy_inputs(plan, folder)))
    folder.write_bars(data.dataset.bars)
    return folder


def _precompile(settings: Experiment, data: LoadedData, observer: Observer) -> None:
    """Compile the kernels that are not in the cache, in parallel."""
    tasks = find_uncompiled(len(data.dataset.bars.symbols))
    if tasks:
        observer.compiling()
        wanted = settings.workers.processes
        precompile(tasks, count_cores() if wanted == "auto" else wanted)


def _assess_on_train(program: Program, data: LoadedData) -> Assessed:
    return Assessed(program, None, backtest(program, data.split.train, data.market), None)


def _assess_finalists(
    hall_of_fame: Sequence[Individual], settings: Experiment, data: LoadedData
) -> list[Assessed]:
    """Backtest the hall of fame on train and validation; rank it by the metric on validation."""
    split, market = data.split, data.market
    assessed = []
    for individual in hall_of_fame:
        program = individual.program
        if individual.proposer != SEED:
            program = replace(program, name=settings.name.replace("-", "_"))
        train = backtest(program, split.train, market)
        validation = backtest(program, split.seen, market, start=split.validation_start)
        assessed.append(Assessed(program, individual, train, validation))
    metric = settings.fitness.maximize[0]
    return sorted(assessed, key=lambda each: each.validation_metric(metric), reverse=True)


def _write_result(finished: Run, folder: RunFolder) -> None:
    for rank, each in enumerate(finished.finalists, start=1):
        folder.write_program(f"finalists/{rank}.evo", each.program)
    if finished.best is not None:
        folder.write_program(folder.best.name, finished.best.program)
    folder.write_result(document(finished))
