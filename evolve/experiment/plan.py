"""Plan of an experiment: its files and data are read, and its parts are built from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from dsl.analysis.catalog import Catalog
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.diagnostics import did_you_mean
from dsl.generate.grammar import constraint_grammar
from dsl.generate.rules import Grammar
from evolve.backtest.market import Market
from evolve.backtest.volume import VOLUME, list_without_volume
from evolve.config import Experiment, load_experiment
from evolve.data import DataRequest, Dataset, DataSplit, load, split_bars
from evolve.errors import EvolveError
from evolve.experiment.input_files import InputFiles
from evolve.experiment.start_strategies import StartStrategies, check_fixed, read_start
from evolve.experiment.strategy_files import read_operators
from evolve.files import read_text
from evolve.fitness.fitness import FoldFitness
from evolve.llm.model_set import LlmSettings
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.learnings import Learnings, read_learnings
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.templates import PromptError, list_tasks
from evolve.llm.transport.address import mask_user_info
from evolve.notices import NoticeLog
from evolve.parallel import count_worthwhile_processes
from evolve.search.prior import PRIORS
from evolve.search.problem import SearchProblem
from evolve.search.space import DIRECTIONS, Space, build_space, select_operators
from evolve.store.files import format_command

FULL_SPACE_NODES = 100  # maximum size of a strategy of the grammar without an experiment
GRAMMAR_NODE_FACTOR = 3  # few sentences of a grammar are nearly as long as its longest


@dataclass(frozen=True, eq=False)
class LoadedData:
    """Data of an experiment.

    Attributes:
        dataset: the bars and their origin.
        split: train and validation, without the sealed holdout.
        market: fills and costs.
    """

    dataset: Dataset
    split: DataSplit
    market: Market


@dataclass(frozen=True)
class Plan:
    """Experiment with the contents of its files.

    Attributes:
        experiment: the settings.
        base: the folder of the YAML file.
        start: the strategies that the search starts from, and its fixed rules.
        operators: the operators that strategies may use.
        assets: the templates, tasks and learnings of its prompts.
        extra: further programs that the search starts from.
        overrides: the settings `a.b=value` that the command line replaced.
        command: the command line that runs it, without passwords; empty for a plan without a file.
        environment_folder: the folder whose `.env` it reads; `base` if None.
    """

    experiment: Experiment
    base: Path
    start: StartStrategies
    operators: Catalog
    assets: PromptAssets
    extra: tuple[Program, ...] = ()
    overrides: tuple[str, ...] = ()
    command: str = ""
    environment_folder: Path | None = None

    @property
    def files(self) -> InputFiles:
        """Files that the experiment names."""
        return InputFiles.of(self.experiment, self.base, self.overrides)

    @cached_property
    def start_from(self) -> tuple[Program, ...]:
        """Strategies that the search starts from, with its fixed rules."""
        return self.start.programs

    @cached_property
    def space(self) -> Space:
        """Space of the programs that the search may write."""
        language = self.experiment.language
        operators = None if language.operators == "all" else language.operators
        return build_space(
            operators, language.directions, language.max_nodes, self.operators, self.start.fixed,
            replace(PRIORS[language.prior], tied=language.tied),
        )  # fmt: skip

    def load(self, notices: NoticeLog) -> LoadedData:
        """Load and split the data.

        Raises:
            EvolveError: if the data cannot be loaded or has too few bars.
        """
        return self.split(self.load_dataset(notices))

    def load_dataset(self, notices: NoticeLog) -> Dataset:
        """Load the data.

        Raises:
            EvolveError: if they cannot be loaded.
        """
        data = self.experiment.data
        request = DataRequest(data.source, data.start, data.end, data.fallback, self.base)
        return load(request, notices)

    def split(self, dataset: Dataset) -> LoadedData:
        """Split a dataset; a fallback may have a different split."""
        parts = self.experiment.split
        if dataset.fallback_used and parts.fallback is not None:
            parts = parts.fallback
        split = split_bars(dataset.bars, parts.sizes())
        bars = replace(dataset.bars, closes_only=split.seen.closes_only)
        dataset = replace(dataset, bars=bars, stop_gains=split.stop_gains)
        return LoadedData(dataset, split, self.experiment.backtest.market())


def read_plan(path: str | Path, overrides: Sequence[str] = ()) -> Plan:
    """Read an experiment and the files that it names, but no data.

    Raises:
        EvolveError, LanguageError: with all errors of a file.
    """
    path = Path(path)
    experiment = load_experiment(path, overrides)
    files = InputFiles.of(experiment, path.parent, overrides)
    included = [files.locate("language.include", name) for name in experiment.language.include]
    operators = read_operators(included, f"{path}: language.include")
    start = read_start(experiment.start_from, files, operators, str(path))
    check_fixed(start.fixed, experiment.language, str(path))
    assets = _read_assets(experiment, files)
    if experiment.language.operators != "all":
        select_operators(operators, experiment.language.operators)
    replaced = [word for each in overrides for word in ("--set", each)]
    return Plan(
        experiment, path.parent, start, operators, assets, overrides=files.overrides,
        command=mask_user_info(format_command("run", path, *replaced)),
    )  # fmt: skip


def build_problem(plan: Plan, data: LoadedData, mode: str = "mix") -> SearchProblem:
    """Build the search problem of an experiment.

    Args:
        plan: the experiment.
        data: its data.
        mode: `mix`, or `only` if models are the only proposers.
    """
    settings = plan.experiment
    bars, _ = _select_scored_bars(settings, data.split)
    return SearchProblem(
        space=restrict_space(plan, bars),
        evaluate=build_fitness(plan, data),
        weights=settings.fitness.goals().weights,
        population=settings.search.population,
        generations_per_epoch=settings.search.generations_per_epoch,
        proposers={} if mode == "only" else settings.search.weights,
        islands=settings.search.islands,
        seed=settings.seed,
        options=settings.search.options(),
        start_from=(*plan.start_from, *plan.extra),
    )


def build_fitness(plan: Plan, data: LoadedData) -> FoldFitness:
    """Build the fitness of an experiment."""
    settings = plan.experiment
    bars, start = _select_scored_bars(settings, data.split)
    return FoldFitness(
        bars, data.market, settings.fitness.goals(), start, settings.workers.memory_mb
    )


def build_prompts(plan: Plan, data: LoadedData, settings: LlmSettings) -> PromptBuilder:
    """Build the prompt builder of an experiment."""
    bars, start = _select_scored_bars(plan.experiment, data.split)
    profiler = Profiler(bars, data.market, start)
    space = restrict_space(plan, bars)
    return PromptBuilder(space, plan.experiment.fitness.goals(), profiler, settings, plan.assets)


def restrict_space(plan: Plan, bars: Bars) -> Space:
    """Return the space of an experiment, without operators of volume if no symbol has volume."""
    has_volume = len(list_without_volume(bars)) < len(bars.symbols)
    return plan.space if has_volume else plan.space.without_series(VOLUME)


def build_grammar(plan: Plan | None) -> Grammar:
    """Build the constraint grammar of an experiment, or of the full language.

    The grammar admits more nodes than the experiment does. A strategy above the experiment's limit
    is rejected after it is parsed.

    Args:
        plan: the experiment; None for the full language.

    Raises:
        EvolveError: if no strategy is small enough.
    """
    space = full_space() if plan is None else plan.space
    max_nodes = FULL_SPACE_NODES if plan is None else GRAMMAR_NODE_FACTOR * space.max_nodes
    try:
        return constraint_grammar(space.productions, space.directions, max_nodes)
    except ValueError as error:
        raise EvolveError(f"language: {error}", "raise `language.max_nodes`") from None


@cache
def full_space() -> Space:
    """Return the space of the full language."""
    return build_space(None, DIRECTIONS, FULL_SPACE_NODES)


def count_processes(settings: Experiment) -> int:
    """Return the number of processes of a search, at most one per island."""
    wanted, islands = settings.workers.processes, settings.search.islands
    if wanted == "auto":
        return count_worthwhile_processes(islands, settings.budget.evaluations)
    return min(wanted, islands)


def _select_scored_bars(settings: Experiment, split: DataSplit) -> tuple[Bars, int]:
    """Return the bars that the search scores on, and the index of the first scored bar."""
    if settings.fitness.scored_on == "validation":
        return split.seen, split.validation_start
    return split.train, 0


def _read_assets(settings: Experiment, files: InputFiles) -> PromptAssets:
    """Read the templates, tasks and learnings of an experiment's prompts.

    Raises:
        EvolveError: for a missing folder or file, or an unknown task.
    """
    llm = settings.llm
    folder = None if llm.prompts is None else files.locate("llm.prompts", llm.prompts)
    if folder is not None and not folder.is_dir():
        raise EvolveError(f"llm.prompts: no such folder: {folder}")
    if folder is not None:
        files.list_templates("llm.prompts", folder)
    try:
        known = list_tasks(folder)
    except PromptError as error:
        raise EvolveError(f"llm.prompts: {error.message}") from None
    chosen = tuple(known) if llm.tasks == "all" else tuple(llm.tasks)
    for name in chosen:
        if name not in known:
            hint = did_you_mean(name, known) or f"expected one of: {', '.join(known)}"
            raise EvolveError(f"llm.tasks: unknown task `{name}`", hint)
    learnings = Learnings()
    if llm.learnings is not None:
        learnings = read_learnings(
            read_text(files.locate("llm.learnings", llm.learnings), "llm.learnings")
        )
    return PromptAssets(folder, chosen, learnings)
