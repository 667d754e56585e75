"""Which strategies a model is shown, which model is asked, and for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from evolve.llm.prompt.templates import Task
from evolve.search.individual import Individual
from evolve.search.progress import Progress
from evolve.search.proposer_stats import StatsByProposer, compute_shares

ARM_PREFIX = "llm"  # how the name of a model's arm begins
TOURNAMENT_SIZE = 3
FALLBACK_TASK = "different"  # what is asked for where nothing is there to build on
MAX_LINEAGE = 5  # generations of a lineage that are told


def arm_name(model: str, direction: str) -> str:
    """The arm of a model and a direction, as the ledger has it."""
    return f"{ARM_PREFIX}:{model}:{direction}"


def is_arm(name: str) -> bool:
    """Whether a proposer is a model asked for something."""
    return name.startswith(f"{ARM_PREFIX}:")


def split_arm(name: str) -> tuple[str, str]:
    """The model and the direction of an arm."""
    _, model, direction = name.split(":", 2)
    return model, direction


@dataclass(frozen=True)
class ArmChoice:
    """What a call is about.

    Attributes:
        model, direction: the arm.
        parents: hashes of the strategies shown.
        parent_score: the best of theirs that can be used; None if none can.
    """

    model: str = ""
    task: str = ""
    parents: tuple[str, ...] = ()
    parent_score: float | None = None

    @property
    def arm(self) -> str:
        """Its name in the ledger."""
        return arm_name(self.model, self.task)


def choose_parents(
    progress: Progress, count: int, mode: str, first: Sequence[Individual], rng: Random
) -> list[Individual]:
    """The strategies to show, the worst first.

    Alone, the model sees the best there are; beside genetic programming the best, and others
    drawn by tournament. Where nothing can be used it sees what the search began with.
    """
    everyone = [
        *progress.hall_of_fame,
        *[each for island in progress.islands for each in island.population],
    ]
    unique = {each.program.key: each for each in everyone}
    ranked = sorted(unique.values(), key=lambda each: each.fitness.wvalues, reverse=True)
    ranked = list({each.score: each for each in reversed(ranked)}.values())[::-1]  # not twins
    ranked = ranked or sorted(first, key=lambda each: each.fitness.wvalues, reverse=True)
    if mode == "only":
        return ranked[:count][::-1]
    chosen = ranked[: min(count, 1)]
    others = ranked[1:]
    while others and len(chosen) < count:
        place = min(rng.randrange(len(others)) for _ in range(TOURNAMENT_SIZE))
        chosen.append(others.pop(place))
    return sorted(chosen, key=lambda each: each.fitness.wvalues)


def choose_arm(
    models: Mapping[str, float],
    directions: Mapping[str, Task],
    parents: Sequence[Individual],
    ledger: StatsByProposer,
    rng: Random,
) -> ArmChoice:
    """A model and a direction, drawn by weight and by what each pair has earned.

    Args:
        models: weights by label.
        directions: those to choose from; one that needs more parents than there are is left out.
        parents: what will be shown.
        ledger: credit as of the boundary.
        rng: of the adviser.
    """
    possible = [each.name for each in directions.values() if each.parents <= len(parents)]
    possible = possible or [FALLBACK_TASK]
    pairs = {arm_name(model, name): (model, name) for model in models for name in possible}
    weights = {arm: models[model] for arm, (model, _) in pairs.items()}
    shared = compute_shares(weights, ledger)
    arm = rng.choices(list(shared), list(shared.values()))[0]
    scores = [each.score for each in parents if each.scores.is_feasible]
    hashes = tuple(each.program.hash for each in parents)
    return ArmChoice(*pairs[arm], hashes, max(scores, default=None))


@dataclass
class Lineage:
    """Who made each program, and from which.

    Attributes:
        first: the trials that the search began with.
    """

    first: tuple[Individual, ...] = ()
    made_by: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def record(self, progress: Progress) -> None:
        """Take in the trials of an epoch."""
        if progress.epoch == 0:
            self.first = progress.trials
        for each in progress.trials:
            self.made_by[each.program.hash] = (each.proposer, each.parents)

    def trace(self, individual: Individual) -> tuple[str, ...]:
        """The proposers that led to an individual, the newest first."""
        names: list[str] = []
        proposer, parents = individual.proposer, individual.parents
        while len(names) < MAX_LINEAGE:
            names.append(proposer.rpartition(":")[2])
            if not parents:
                break
            proposer, parents = self.made_by.get(parents[-1], ("seed", ()))
        return tuple(names)
