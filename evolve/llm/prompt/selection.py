"""Selection of parents, model and task of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from evolve.llm.prompt.templates import Task
from evolve.search.credit import compute_shares
from evolve.search.individual import Individual
from evolve.search.progress import Progress
from evolve.search.proposer_stats import StatsByProposer

ARM_PREFIX = "llm"
TOURNAMENT_SIZE = 3
FALLBACK_TASK = "different"  # it needs no parent
MAX_LINEAGE = 5  # ancestors in a prompt
MAX_FAMOUS = 5  # members of the hall of fame that may be parents; its other members score less


def arm_name(model: str, task: str) -> str:
    """Return the name of an arm, which identifies it as a proposer."""
    return f"{ARM_PREFIX}:{model}:{task}"


def is_arm(name: str) -> bool:
    """Return whether the name of a proposer is that of an arm."""
    return name.startswith(f"{ARM_PREFIX}:")


def split_arm(name: str) -> tuple[str, str]:
    """Return the model and the task of an arm."""
    _, model, task = name.split(":", 2)
    return model, task


@dataclass(frozen=True)
class ArmChoice:
    """The arm and the parents of a call.

    Attributes:
        model, task: the arm.
        parents: hashes of the parents.
        parent_score: the best score of a feasible parent; None if none is feasible.
    """

    model: str = ""
    task: str = ""
    parents: tuple[str, ...] = ()
    parent_score: float | None = None

    @property
    def arm(self) -> str:
        """Name of the arm."""
        return arm_name(self.model, self.task)


def choose_parents(progress: Progress, count: int, mode: str, rng: Random) -> list[Individual]:
    """Choose the parents of a prompt, the worst first.

    In the mode `only` they are the best individuals. In the mode `mix` they are the best one
    and others, selected by tournament. Without a feasible individual they are the first trials.

    Args:
        progress: the state of the search.
        count: the maximum number of parents.
        mode: `mix` or `only`.
        rng: the generator of the composer.
    """
    everyone = [
        *progress.hall_of_fame[:MAX_FAMOUS],
        *[each for island in progress.islands for each in island.population],
    ]
    unique = {each.program.key: each for each in everyone}
    ranked = sorted(unique.values(), key=lambda each: each.fitness.wvalues, reverse=True)
    # Of individuals with equal scores, only the best is shown.
    ranked = list({each.score: each for each in reversed(ranked)}.values())[::-1]
    ranked = ranked or sorted(progress.first, key=lambda each: each.fitness.wvalues, reverse=True)
    if mode == "only":
        return ranked[:count][::-1]
    chosen = ranked[: min(count, 1)]
    others = ranked[1:]
    while others and len(chosen) < count:
        index = min(rng.randrange(len(others)) for _ in range(TOURNAMENT_SIZE))
        chosen.append(others.pop(index))
    return sorted(chosen, key=lambda each: each.fitness.wvalues)


def trace_lineage(progress: Progress, individual: Individual) -> tuple[str, ...]:
    """Return the operators and tasks of an individual and its ancestors, the newest first."""
    proposers = progress.index.trace(individual, MAX_LINEAGE)
    return tuple(each.rpartition(":")[2] for each in proposers)


def choose_arm(
    models: Mapping[str, float],
    tasks: Mapping[str, Task],
    parents: Sequence[Individual],
    stats: StatsByProposer,
    rng: Random,
) -> ArmChoice:
    """Draw a model and a task, by the weight of the model and the statistics of the arm.

    Args:
        models: weights by label.
        tasks: the tasks by name; tasks that need more parents are excluded.
        parents: the parents of the prompt.
        stats: the statistics of all proposers.
        rng: the generator of the composer.
    """
    possible = [each.name for each in tasks.values() if each.parents <= len(parents)]
    possible = possible or [FALLBACK_TASK]
    pairs = {arm_name(model, name): (model, name) for model in models for name in possible}
    weights = {arm: models[model] for arm, (model, _) in pairs.items()}
    shares = compute_shares(weights, stats)
    arm = rng.choices(list(shares), list(shares.values()))[0]
    return build_choice(*pairs[arm], parents)


def build_choice(model: str, task: str, parents: Sequence[Individual]) -> ArmChoice:
    """Return the choice of an arm with the parents that a prompt shows."""
    scores = [each.score for each in parents if each.scores.is_feasible]
    hashes = tuple(each.program.hash for each in parents)
    return ArmChoice(model, task, hashes, max(scores, default=None))
