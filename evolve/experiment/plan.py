"""An experiment made ready: its paths resolved, its files read, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from dsl.analysis.catalog import Catalog
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.diagnostics import did_you_mean
from dsl.generate.grammar import constraint_grammar
from dsl.generate.rules import Grammar
from dsl.names import unique_name
from evolve.config import Experiment, load_experiment
from evolve.data import Dataset, Partition, part
from evolve.errors import EvolveError
from evolve.experiment.strategy_files import read_operators, read_strategies
from evolve.files import read_text
from evolve.fitness.fitness import FoldFitness
from evolve.llm.prompt.builder import Briefing
from evolve.llm.prompt.learnings import Learnings, read_learnings
from evolve.llm.prompt.profile import Gallery
from evolve.llm.prompt.templates import PromptError, directions
from evolve.parallel import processes_worth
from evolve.search.island import Breeding
from evolve.search.space import DIRECTIONS, Space, build_space
from evolve.store import RunFolder

WHOLE_NODES = 100  # of the constraint grammar that belongs to no experiment
INPUTS = "inputs"  # where a run keeps the strategies and operators it was given
ROOM = 3  # times the limit on nodes: the worst sentence of a grammar is far from the usual one


@dataclass(frozen=True)
class Words:
    """What an experiment says to its models beside its settings.

    Attributes:
        folder: a user's own templates; None for those that ship.
        directions: names of what may be asked for.
        learnings: of earlier runs.
    """

    folder: Path | None = None
    directions: tuple[str, ...] = ()
    learnings: Learnings = field(default_factory=Learnings)


def words_of(settings: Experiment, base: Path) -> Words:
    """What an experiment says to its models.

    Args:
        settings: the experiment.
        base: the folder of its YAML.

    Raises:
        EvolveError: for a folder or a file that there is not, or an unknown direction.
    """
    llm = settings.llm
    folder = None if llm.prompts is None else resolved(llm.prompts, base)
    if folder is not None and not folder.is_dir():
        raise EvolveError(f"llm.prompts: there is no folder {folder}")
    try:
        known = directions(folder)
    except PromptError as error:
        raise EvolveError(f"llm.prompts: {error}") from None
    chosen = tuple(known) if llm.directions == "all" else tuple(llm.directions)
    for name in chosen:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise EvolveError(f"llm.directions: there is no direction `{name}`", hint)
    learnings = Learnings()
    if llm.learnings is not None:
        path = resolved(llm.learnings, base)
        learnings = read_learnings(read_text(path, "llm.learnings"))
    return Words(folder, chosen, learnings)


@dataclass(frozen=True)
class Plan:
    """An experiment with its paths resolved, ready to run.

    Attributes:
        base: the folder of its YAML.
        seeds: the strategies it starts from; further: programs that are scored with them.
        operators: those it may use; words: what it says to its models.
    """

    experiment: Experiment
    base: Path
    seeds: tuple[Program, ...]
    operators: Catalog
    words: Words
    further: tuple[Program, ...] = ()

    @cached_property
    def space(self) -> Space:
        """What the search may write."""
        language = self.experiment.language
        operators = None if language.operators == "all" else language.operators
        return build_space(operators, language.directions, language.max_nodes, self.operators)


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
    words = words_of(experiment, path.parent)
    return Plan(experiment, path.parent, tuple(seeds), operators, words)


def partition_of(plan: Plan, dataset: Dataset) -> Partition:
    """The bars parted as the experiment says; the fallback's may be parted otherwise."""
    parts = plan.experiment.split
    if dataset.fallback_used and parts.fallback is not None:
        parts = parts.fallback
    return part(dataset.bars, parts.split())


@cache
def whole_space() -> Space:
    """The whole language, where no experiment restricts it."""
    return build_space(None, DIRECTIONS, WHOLE_NODES)


def constraint_of(plan: Plan | None) -> Grammar:
    """The constraint grammar of an experiment, or of the whole language.

    An experiment's has room for more nodes than it allows: its worst sentence keeps to that, and
    what is larger than the limit is refused when it is read.
    """
    space = whole_space() if plan is None else plan.space
    room = WHOLE_NODES if plan is None else ROOM * space.max_nodes
    try:
        return constraint_grammar(space.productions, space.directions, room)
    except ValueError as error:
        raise EvolveError(f"language: {error}", "raise `language.max_nodes`") from None


def briefing_of(plan: Plan, partition: Partition) -> Briefing:
    """What the models of an experiment are told."""
    settings = plan.experiment
    bars, start = scored_bars(settings, partition)
    gallery = Gallery(bars, settings.backtest.market(), start)
    return Briefing(
        plan.space, settings.fitness.goals(), gallery, plan.words.folder, settings.llm.strategies,
        settings.budget.llm_calls,
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
        space=plan.space,
        evaluate=FoldFitness(
            bars, settings.backtest.market(), goals, start, settings.workers.memory_mb
        ),
        weights=goals.weights,
        population=settings.search.population,
        generations=settings.search.epoch,
        proposers={} if mode == "only" else settings.search.weights,
    )


def processes_of(settings: Experiment) -> int:
    """How many processes breed: as many as are asked for or worth it, at most one an island."""
    wanted, islands = settings.workers.processes, settings.search.islands
    if wanted == "auto":
        return processes_worth(islands, settings.budget.evaluations)
    return min(wanted, islands)


def with_inputs(plan: Plan, folder: RunFolder) -> Experiment:
    """The experiment with the files it names kept in the run folder, and named there."""
    settings, language = plan.experiment, plan.experiment.language

    copies: dict[Path, str] = {}

    def kept(names: Sequence[str]) -> list[str]:
        for path in (plan.base / name for name in names):
            if path not in copies:
                stem, taken = f"{INPUTS}/{path.stem}", set(copies.values())
                copies[path] = unique_name(stem, taken.__contains__, suffix=path.suffix)
                folder.write_text(copies[path], read_text(path))
        return [copies[plan.base / name] for name in names]

    places = {
        name: str(resolved(path, plan.base).resolve())
        for name in ("prompts", "learnings", "replay")
        if (path := getattr(settings.llm, name)) is not None
    }
    return settings.model_copy(
        update={
            "start_from": kept(settings.start_from),
            "language": language.model_copy(update={"include": kept(language.include)}),
            "llm": settings.llm.model_copy(update=places),
        }
    )


def resolved(name: str, folder: Path) -> Path:
    """A path of an experiment: from its own folder, else from the current one."""
    path = Path(name).expanduser()
    return folder / path if (folder / path).exists() or not path.exists() else path
