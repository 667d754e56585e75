"""An experiment ready to run: paths resolved, files read, data loaded, parts built."""

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
from dsl.names import unique_name
from evolve.backtest.market import Market
from evolve.config import Experiment, load_experiment
from evolve.data import DataRequest, Dataset, DataSplit, load, split_bars
from evolve.errors import EvolveError
from evolve.experiment.strategy_files import read_operators, read_strategies
from evolve.files import read_text
from evolve.fitness.fitness import FoldFitness
from evolve.llm.model_set import LlmSettings
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.learnings import Learnings, read_learnings
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.templates import PromptError, list_tasks
from evolve.notices import NoticeLog
from evolve.parallel import count_worthwhile_processes
from evolve.search.problem import SearchProblem
from evolve.search.space import DIRECTIONS, Space, build_space
from evolve.store import RunFolder

FULL_SPACE_NODES = 100  # of the grammar that belongs to no experiment
INPUTS_FOLDER = "inputs"  # copies of a run's strategies and operators, in its folder
GRAMMAR_NODE_FACTOR = 3  # the longest sentence of a grammar is far longer than the usual one


@dataclass(frozen=True, eq=False)
class LoadedData:
    """The data of an experiment.

    Attributes:
        dataset: the bars and their origin.
        split: train and validation; the holdout is sealed.
        market: fills and costs.
    """

    dataset: Dataset
    split: DataSplit
    market: Market


@dataclass(frozen=True)
class Plan:
    """An experiment with its files read.

    Attributes:
        base: the folder of its YAML.
        start_from: the strategies that the search starts from.
        operators: the operators that strategies may use.
        assets: what its prompts are rendered from.
        extra: further programs that are scored at the start.
    """

    experiment: Experiment
    base: Path
    start_from: tuple[Program, ...]
    operators: Catalog
    assets: PromptAssets
    extra: tuple[Program, ...] = ()

    @cached_property
    def space(self) -> Space:
        """The programs that the search may write."""
        language = self.experiment.language
        operators = None if language.operators == "all" else language.operators
        return build_space(operators, language.directions, language.max_nodes, self.operators)

    def load(self, notices: NoticeLog) -> LoadedData:
        """Load and split the data.

        Raises:
            EvolveError: if it cannot be loaded or is too short.
        """
        data = self.experiment.data
        request = DataRequest(data.source, data.start, data.end, data.fallback, self.base)
        return self.split(load(request, notices))

    def split(self, dataset: Dataset) -> LoadedData:
        """Split a dataset; a fallback's may have a split of its own."""
        parts = self.experiment.split
        if dataset.fallback_used and parts.fallback is not None:
            parts = parts.fallback
        split = split_bars(dataset.bars, parts.sizes())
        bars = replace(dataset.bars, closes_only=split.seen.closes_only)
        dataset = replace(dataset, bars=bars, stop_gains=split.stop_gains)
        return LoadedData(dataset, split, self.experiment.backtest.market())


def read_plan(path: str | Path, overrides: Sequence[str] = ()) -> Plan:
    """Read an experiment and the files that it names.

    Raises:
        EvolveError, LanguageError: with everything that is wrong in a file.
    """
    path = Path(path)
    experiment = load_experiment(path, overrides)
    included = [path.parent / name for name in experiment.language.include]
    operators = read_operators(included, f"{path}: language.include")
    start_from = [
        program
        for name in experiment.start_from
        for program in read_strategies(path.parent / name, f"{path}: start_from", operators)
    ]
    assets = _read_assets(experiment, path.parent)
    return Plan(experiment, path.parent, tuple(start_from), operators, assets)


def build_problem(plan: Plan, data: LoadedData, mode: str = "mix") -> SearchProblem:
    """Return the search problem of an experiment; without proposers if models propose alone."""
    settings, spec = plan.experiment, plan.experiment.fitness.goals()
    bars, start = _select_scored_bars(settings, data.split)
    return SearchProblem(
        space=plan.space,
        evaluate=FoldFitness(bars, data.market, spec, start, settings.workers.memory_mb),
        weights=spec.weights,
        population=settings.search.population,
        generations_per_epoch=settings.search.generations_per_epoch,
        proposers={} if mode == "only" else settings.search.weights,
        islands=settings.search.islands,
        seed=settings.seed,
        start_from=(*plan.start_from, *plan.extra),
    )


def build_prompts(plan: Plan, data: LoadedData, settings: LlmSettings) -> PromptBuilder:
    """Return the builder of an experiment's prompts."""
    bars, start = _select_scored_bars(plan.experiment, data.split)
    profiler = Profiler(bars, data.market, start)
    return PromptBuilder(
        plan.space, plan.experiment.fitness.goals(), profiler, settings, plan.assets
    )


def build_grammar(plan: Plan | None) -> Grammar:
    """Return the constraint grammar of an experiment, or of the full language.

    An experiment's grammar has room for more nodes than it allows: its longest sentence stays
    within them, and a strategy above the limit is rejected when it is parsed.

    Raises:
        EvolveError: if no strategy fits.
    """
    space = full_space() if plan is None else plan.space
    max_nodes = FULL_SPACE_NODES if plan is None else GRAMMAR_NODE_FACTOR * space.max_nodes
    try:
        return constraint_grammar(space.productions, space.directions, max_nodes)
    except ValueError as error:
        raise EvolveError(f"language: {error}", "raise `language.max_nodes`") from None


@cache
def full_space() -> Space:
    """Return the space of the full language, which no experiment restricts."""
    return build_space(None, DIRECTIONS, FULL_SPACE_NODES)


def count_processes(settings: Experiment) -> int:
    """Return the number of worker processes: as set or as worthwhile, at most one per island."""
    wanted, islands = settings.workers.processes, settings.search.islands
    if wanted == "auto":
        return count_worthwhile_processes(islands, settings.budget.evaluations)
    return min(wanted, islands)


def copy_inputs(plan: Plan, folder: RunFolder) -> Experiment:
    """Copy the files that an experiment names into a run folder; return it with their new names."""
    settings, language = plan.experiment, plan.experiment.language
    copies: dict[Path, str] = {}

    def copy(names: Sequence[str]) -> list[str]:
        for path in (plan.base / name for name in names):
            if path not in copies:
                stem, taken = f"{INPUTS_FOLDER}/{path.stem}", set(copies.values())
                copies[path] = unique_name(stem, taken.__contains__, suffix=path.suffix)
                folder.write_text(copies[path], read_text(path))
        return [copies[plan.base / name] for name in names]

    paths = {
        name: str(resolve_path(path, plan.base).resolve())
        for name in ("prompts", "learnings", "replay")
        if (path := getattr(settings.llm, name)) is not None
    }
    return settings.model_copy(
        update={
            "start_from": copy(settings.start_from),
            "language": language.model_copy(update={"include": copy(language.include)}),
            "llm": settings.llm.model_copy(update=paths),
        }
    )


def resolve_path(name: str, folder: Path) -> Path:
    """Resolve a path of an experiment against its folder, else against the current one."""
    path = Path(name).expanduser()
    return folder / path if (folder / path).exists() or not path.exists() else path


def _select_scored_bars(settings: Experiment, split: DataSplit) -> tuple[Bars, int]:
    """Return the bars that the search scores on, and the index of the first that counts."""
    if settings.fitness.scored_on == "validation":
        return split.seen, split.validation_start
    return split.train, 0


def _read_assets(settings: Experiment, base: Path) -> PromptAssets:
    """Read what the prompts of an experiment are rendered from.

    Raises:
        EvolveError: for a missing folder or file, or an unknown task.
    """
    llm = settings.llm
    folder = None if llm.prompts is None else resolve_path(llm.prompts, base)
    if folder is not None and not folder.is_dir():
        raise EvolveError(f"llm.prompts: there is no folder {folder}")
    try:
        known = list_tasks(folder)
    except PromptError as error:
        raise EvolveError(f"llm.prompts: {error.message}") from None
    chosen = tuple(known) if llm.tasks == "all" else tuple(llm.tasks)
    for name in chosen:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise EvolveError(f"llm.tasks: there is no direction `{name}`", hint)
    learnings = Learnings()
    if llm.learnings is not None:
        learnings = read_learnings(read_text(resolve_path(llm.learnings, base), "llm.learnings"))
    return PromptAssets(folder, chosen, learnings)
