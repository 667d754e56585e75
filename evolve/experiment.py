"""An experiment from its YAML to its result: the only place where the parts are wired together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from evolve.fitness.fitness import FoldFitness
from evolve.llm.adviser import ModelAdviser
from evolve.llm.portrait import Gallery
from evolve.llm.prompting import Briefing
from evolve.panel import Panel, adviser_of, panel_of, resolved
from evolve.report.result import Assessed, Run, document
from evolve.search.advice import Adviser
from evolve.search.individual import Individual
from evolve.search.island import Breeding
from evolve.search.search import Progress, search
from evolve.search.space import DIRECTIONS, Space, build_space
from evolve.store import Journal, RunFolder
from evolve.strategies import read_operators, read_strategies
from evolve.validation.verdict import untested


class Observer:
    """What a run tells whoever watches it, in this order; each method may be overridden."""

    def notice(self, text: str) -> None:
        """Something a person should know, such as the use of a fallback."""

    def data(self, dataset: Dataset) -> None:
        """The bars are there."""

    def partition(self, partition: Partition) -> None:
        """They are parted."""

    def proposers(self, experiment: Experiment, panel: Panel) -> None:
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
ROOM = 3  # times the limit on nodes: the worst sentence of a grammar is far from the usual one


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

    panel = panel_of(settings, ready.base)
    data = settings.data
    dataset = load(data.source, data.start, data.end, data.fallback, notify, ready.base)
    watch.data(dataset)
    parts = (dataset.fallback_used and settings.split.fallback) or settings.split
    partition = part(dataset.bars, parts.split())
    watch.partition(partition)
    watch.proposers(settings, panel)
    market = settings.backtest.market()
    breeding = breeding_of(ready, partition, panel.mode)

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

        def tell(text: str) -> None:
            journal.event("notice", text=text)
            watch.notice(text)

        with _adviser(panel, ready, partition, journal, folder, tell, is_interrupted) as adviser:
            began = time.monotonic()
            last = _search(breeding, ready, journal, watch, is_interrupted, adviser)
            search_seconds = time.monotonic() - began
        finalists = _assess_finalists(last.fame, settings, partition, market)
        finished = Run(
            settings, dataset, partition, last, tuple(finalists), folder.path,
            time.monotonic() - started, search_seconds,
            untested(market.at_close, settings.fitness.on == "validation"),
            adviser.ledger.spent if adviser else None,
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
    """The constraint grammar of an experiment, or of the whole language.

    An experiment's has room for more nodes than it allows: its worst sentence keeps to that, and
    what is larger than the limit is refused when it is read.
    """
    space = build_space(None, DIRECTIONS, WHOLE_NODES) if plan is None else space_of(plan)
    room = WHOLE_NODES if plan is None else ROOM * space.max_nodes
    try:
        return constraint_grammar(space.productions, space.directions, room)
    except ValueError as error:
        raise EvolveError(f"language: {error}", "raise `language.max_nodes`") from None


def briefing_of(plan: Plan, partition: Partition) -> Briefing:
    """What the models of an experiment are told."""
    settings = plan.experiment
    bars, start = scored_bars(settings, partition)
    folder = settings.llm.prompts
    return Briefing(
        space_of(plan), settings.fitness.goals(),
        Gallery(bars, settings.backtest.market(), start),
        None if folder is None else _folder(resolved(folder, plan.base)),
    )  # fmt: skip


def scored_bars(settings: Experiment, partition: Partition) -> tuple[Bars, int]:
    """The bars that the search is scored on, and where they begin among those given."""
    if settings.fitness.on == "validation":
        return partition.seen, partition.validation_start
    return partition.train, 0


def breeding_of(plan: Plan, partition: Partition, mode: str = "mix") -> Breeding:
    """How the search of an experiment breeds: not at all where models propose alone."""
    settings = plan.experiment
    goals = settings.fitness.goals()
    bars, start = scored_bars(settings, partition)
    return Breeding(
        space=space_of(plan),
        evaluate=FoldFitness(bars, settings.backtest.market(), goals, start),
        weights=goals.weights,
        population=settings.search.population,
        generations=settings.search.epoch,
        proposers={} if mode == "only" else settings.search.weights,
    )


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
) -> Iterator[ModelAdviser | None]:  # fmt: skip
    """The adviser of a run; None if no model is asked."""
    if not panel:
        yield None
        return
    with adviser_of(
        panel, plan.experiment, plan.base, briefing_of(plan, partition), constraint_of(plan),
        journal.calls, _Minutes(journal, folder),
        lambda kind, detail: journal.event(kind, **detail), notify, is_interrupted,
    ) as adviser:  # fmt: skip
        yield adviser


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise EvolveError(f"llm.prompts: there is no folder {path}")
    return path


def _search(
    breeding: Breeding, ready: Plan, journal: Journal, watch: Observer,
    is_interrupted: Callable[[], bool], adviser: Adviser | None,
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
        adviser=adviser,
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
