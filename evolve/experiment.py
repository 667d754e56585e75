"""An experiment from its YAML to its result: the only place where the parts are wired together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dsl.bars import Bars
from dsl.catalog import Catalog
from dsl.constraint import Grammar, constraint_grammar
from dsl.evaluate.compile import is_compiled
from dsl.pause import collection_paused
from dsl.program import Program
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market
from evolve.config import Experiment, load_experiment
from evolve.config.load import to_yaml
from evolve.data import Dataset, Partition, load, part
from evolve.errors import EvolveError
from evolve.fitness.fitness import TrainFitness
from evolve.report.result import Assessed, Run, document
from evolve.search.individual import Individual
from evolve.search.island import Breeding
from evolve.search.search import Progress, search
from evolve.search.space import DIRECTIONS, Space, build_space
from evolve.store import Journal, RunFolder
from evolve.strategies import read_operators, read_strategies


class Observer:
    """What a run tells whoever watches it, in this order; each method may be overridden."""

    def notice(self, text: str) -> None:
        """Something a person should know, such as the use of a fallback."""

    def data(self, dataset: Dataset) -> None:
        """The bars are there."""

    def partition(self, partition: Partition) -> None:
        """They are parted."""

    def proposers(self, experiment: Experiment) -> None:
        """Who proposes."""

    def compiling(self) -> None:
        """The kernels are compiled for the first time on this machine."""

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        """Buy-and-hold and the seeds on train."""

    def progress(self, progress: Progress, seconds: float) -> None:
        """An epoch ended, so many seconds after the search began."""

    def done(self, run: Run) -> None:
        """The run ended."""


WHOLE_NODES = 100  # of the constraint grammar that belongs to no experiment


@dataclass(frozen=True)
class Plan:
    """An experiment with its paths resolved, ready to run."""

    experiment: Experiment
    base: Path
    seeds: tuple[Program, ...]
    operators: Catalog


def plan(path: str | Path, overrides: Sequence[str] = ()) -> Plan:
    """Read an experiment and the strategies it starts from.

    Raises:
        EvolveError, LanguageError: with everything that is wrong in a file.
    """
    path = Path(path)
    experiment = load_experiment(path, overrides)
    included = [path.parent / name for name in experiment.language.include]
    operators = read_operators(included, f"{path}: language.include")
    seeds = [
        program
        for name in experiment.start_from
        for program in read_strategies(path.parent / name, f"{path}: start_from", operators)
    ]
    return Plan(experiment, path.parent, tuple(seeds), operators)


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

    data = settings.data
    dataset = load(data.source, data.start, data.end, data.fallback, notify, ready.base)
    watch.data(dataset)
    partition = part(dataset.bars, settings.split.split())
    watch.partition(partition)
    watch.proposers(settings)
    market = settings.backtest.market()
    breeding = _breeding(ready, partition.train, market)

    folder = RunFolder.create(settings.name, out)
    folder.write_text("experiment.yaml", to_yaml(settings))
    folder.write_bars(dataset.bars)
    with Journal(folder.journal) as journal:
        journal.event("data", source=dataset.used, bars=len(dataset.bars), hash=dataset.bars.hash)
        for notice in notices:
            journal.event("notice", text=notice)
        if not is_compiled():
            watch.compiling()
        watch.baselines([_on_train(each, partition, market) for each in ready.seeds])
        began = time.monotonic()
        last = _search(breeding, ready, journal, watch, is_interrupted)
        search_seconds = time.monotonic() - began
        finalists = _assess_finalists(last.fame, settings, partition, market)
        finished = Run(
            settings, dataset, partition, last, tuple(finalists), folder.path,
            time.monotonic() - started, search_seconds,
        )  # fmt: skip
        _keep(finished, folder)
        journal.event("finished", reason=last.stopped, evaluated=last.evaluated)
    watch.done(finished)
    return finished


def space_of(plan: Plan) -> Space:
    """What the search of an experiment may write."""
    language = plan.experiment.language
    operators = None if language.operators == "all" else language.operators
    return build_space(operators, language.directions, language.max_nodes, plan.operators)


def constraint_of(plan: Plan | None) -> Grammar:
    """The constraint grammar of an experiment, or of the whole language."""
    space = build_space(None, DIRECTIONS, WHOLE_NODES) if plan is None else space_of(plan)
    try:
        return constraint_grammar(space.productions, space.directions, space.max_nodes)
    except ValueError as error:
        raise EvolveError(f"language: {error}", "raise `language.max_nodes`") from None


def _breeding(plan: Plan, train: Bars, market: Market) -> Breeding:
    settings = plan.experiment
    goals = settings.fitness.goals()
    return Breeding(
        space=space_of(plan),
        evaluate=TrainFitness(train, market, goals),
        weights=goals.weights,
        population=settings.search.population,
        generations=settings.search.epoch,
        proposers=settings.search.proposers,
    )


def _search(
    breeding: Breeding, ready: Plan, journal: Journal, watch: Observer,
    is_interrupted: Callable[[], bool],
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
        ready.seeds,
        is_interrupted=is_interrupted,
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
