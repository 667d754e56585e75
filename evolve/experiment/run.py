"""An experiment from its YAML to its result: the only place where the parts are wired together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dsl.analysis.program import Program
from dsl.gc_pause import collection_paused
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market
from evolve.backtest.sleeve import uncapped
from evolve.config import Experiment
from evolve.config.load import to_yaml
from evolve.data import Partition, load
from evolve.experiment.models import Panel, adviser_of, panel_of
from evolve.experiment.observer import Observer
from evolve.experiment.plan import (
    Plan,
    breeding_of,
    briefing_of,
    constraint_of,
    partition_of,
    plan,
    processes_of,
    with_inputs,
)
from evolve.experiment.result import Assessed, Run, document
from evolve.fitness.precompile import compile_ahead, missing
from evolve.llm.proposer import ModelAdviser
from evolve.parallel import cores
from evolve.search.executors import Crew, crew_of
from evolve.search.external import Adviser
from evolve.search.individual import Individual
from evolve.search.island import Breeding
from evolve.search.progress import Progress
from evolve.search.search import search
from evolve.store import Journal, RunFolder
from evolve.validation.verdict import untested


def run(
    experiment: str | Path | Plan,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    observer: Observer | None = None,
    is_interrupted: Callable[[], bool] = lambda: False,
) -> Run:
    """Run an experiment and keep it in a run folder.

    Args:
        experiment: the path of its YAML, or a plan.
        overrides: `a.b=value` settings that replace the YAML's.
        out: the run folder; `runs/<name>-<time>` if None.
        observer: told what happens.
        is_interrupted: whether to stop after the epoch.

    Raises:
        EvolveError, LanguageError: if the experiment, a strategy or the data is not usable.
    """
    watch = observer or Observer()
    ready = experiment if isinstance(experiment, Plan) else plan(experiment, overrides)
    settings = ready.experiment
    started = time.monotonic()
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        watch.notice(text)

    panel = panel_of(settings, ready.base)
    data = settings.data
    dataset = load(data.source, data.start, data.end, data.fallback, notify, ready.base)
    watch.data(dataset)
    partition = partition_of(ready, dataset)
    traded = replace(dataset.bars, closes_only=partition.seen.closes_only)
    dataset = replace(dataset, bars=traded, stop_gains=partition.stop_gains)
    for text in dataset.notes:
        notify(text)
    watch.partition(partition)
    watch.proposers(settings, panel)
    market = settings.backtest.market()
    for text in uncapped(dataset.bars, market):
        notify(text)
    breeding = breeding_of(ready, partition, panel.mode)

    folder = RunFolder.create(settings.name, out)
    folder.write_text("experiment.yaml", to_yaml(with_inputs(ready, folder)))
    folder.write_bars(dataset.bars)
    with Journal(folder.journal) as journal:
        journal.event("data", source=dataset.name, bars=len(dataset.bars), hash=dataset.bars.hash)
        for notice in notices:
            journal.event("notice", text=notice)
        if to_compile := missing(len(dataset.bars.symbols)):
            watch.compiling()
            wanted = settings.workers.processes
            compile_ahead(to_compile, cores() if wanted == "auto" else wanted)
        watch.baselines([_on_train(each, partition, market) for each in ready.seeds])

        def tell(text: str) -> None:
            journal.event("notice", text=text)
            watch.notice(text)

        with (
            crew_of(breeding, processes_of(settings), tell) as crew,
            _adviser(
                panel, ready, partition, journal, folder, tell, is_interrupted, watch.waiting
            ) as adviser,
        ):
            began = time.monotonic()
            last = _search(breeding, ready, journal, watch, is_interrupted, adviser, crew)
            search_seconds = time.monotonic() - began
        finalists = _assess_finalists(last.fame, settings, partition, market)
        finished = Run(
            settings, dataset, partition, last, tuple(finalists), folder.path,
            time.monotonic() - started, search_seconds,
            untested(not market.is_executable, settings.fitness.on == "validation"),
            adviser.ledger if adviser else None, journal.calls.costs(),
        )  # fmt: skip
        _keep(finished, folder)
        journal.event("finished", reason=last.stopped, evaluated=last.evaluated)
    watch.done(finished)
    return finished


class _Minutes:
    """Keeps what became of proposals in the journal, and what was learned beside it."""

    def __init__(self, journal: Journal, folder: RunFolder) -> None:
        self.keep_proposal = journal.calls.keep_proposal
        self._folder = folder

    def keep_learnings(self, text: str) -> None:
        self._folder.write_text("learnings.md", f"# Learnings\n\n{text}\n")


@contextmanager
def _adviser(
    panel: Panel, plan: Plan, partition: Partition, journal: Journal, folder: RunFolder,
    notify: Callable[[str], None], is_interrupted: Callable[[], bool],
    waiting: Callable[[], None],
) -> Iterator[ModelAdviser | None]:  # fmt: skip
    """The adviser of a run; None if no model is asked."""
    if not panel:
        yield None
        return
    with adviser_of(
        panel, plan.experiment, plan.words, briefing_of(plan, partition),
        lambda: constraint_of(plan),
        journal.calls, _Minutes(journal, folder),
        lambda kind, detail: journal.event(kind, **detail), notify, is_interrupted,
        waiting,
    ) as adviser:  # fmt: skip
        yield adviser


def _search(
    breeding: Breeding, ready: Plan, journal: Journal, watch: Observer,
    is_interrupted: Callable[[], bool], adviser: Adviser | None, crew: Crew,
) -> Progress:  # fmt: skip
    """Run the search to its end, keeping and telling every epoch."""
    settings = ready.experiment
    began = time.monotonic()
    last: Progress | None = None
    epochs = search(
        breeding,
        settings.budget.budget(),
        settings.seed,
        settings.search.islands,
        (*ready.seeds, *ready.further),
        is_interrupted=is_interrupted,
        adviser=adviser,
        crew=crew,
    )
    with collection_paused():
        for last in epochs:
            score = last.best.score if last.best else None
            journal.epoch(last.epoch, last.trials, evaluated=last.evaluated, best=score)
            watch.progress(last, time.monotonic() - began)
    assert last is not None
    return last


def _on_train(program: Program, partition: Partition, market: Market) -> Assessed:
    return Assessed(program, None, backtest(program, partition.train, market), None)


def _assess_finalists(
    fame: Sequence[Individual], settings: Experiment, partition: Partition, market: Market
) -> list[Assessed]:
    """At most five finalists on train and validation, the best on validation first."""
    measure = settings.fitness.maximize[0]
    assessed = []
    for individual in fame:
        program = individual.program
        if individual.proposer != "seed":
            program = replace(program, name=settings.name.replace("-", "_"))
        train = backtest(program, partition.train, market)
        assessed.append(Assessed(program, individual, train, _validate(program, partition, market)))
    return sorted(assessed, key=lambda each: each.validated(measure), reverse=True)


def _validate(program: Program, partition: Partition, market: Market) -> Backtest:
    return backtest(program, partition.seen, market, start=partition.validation_start)


def _keep(finished: Run, folder: RunFolder) -> None:
    for place, each in enumerate(finished.finalists, start=1):
        folder.write_program(f"finalists/{place}.evo", each.program)
    if finished.best is not None:
        folder.write_program(folder.best.name, finished.best.program)
    folder.write_result(document(finished))
