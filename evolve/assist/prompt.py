"""The first prompt that a run would send, without a run."""

from __future__ import annotations

from dataclasses import replace

from evolve.data import load
from evolve.errors import EvolveError
from evolve.experiment.models import (
    Panel,
    panel_of,
    terms_of,
)
from evolve.experiment.plan import (
    Plan,
    breeding_of,
    briefing_of,
    partition_of,
)
from evolve.llm.prompt.composer import Composer
from evolve.llm.transport.client import noted
from evolve.llm.transport.model import Model
from evolve.llm.transport.server import Message
from evolve.search.progress import Budget
from evolve.search.search import search

NOBODY = "model"  # who is asked where the environment names nobody


def first_messages(plan: Plan, direction: str | None = None) -> list[Message]:
    """Exactly what a model is sent first in a run of an experiment.

    Where `llm.constraint` leaves it to the server, as one that is not held by a JSON schema gets
    it: that level adds `prompts/json.md`.

    Args:
        plan: the experiment.
        direction: what it is asked for; drawn as in the run if None.

    Raises:
        EvolveError: if the data cannot be had, or there is no such direction.
    """
    settings, words = plan.experiment, plan.words
    if direction is not None and direction not in words.directions:
        listed = ", ".join(words.directions)
        raise EvolveError(f"there is no direction `{direction}`", f"there are: {listed}")
    if direction is not None:
        words = replace(words, directions=(direction,))
    data = settings.data
    dataset = load(data.source, data.start, data.end, data.fallback, base=plan.base)
    partition = partition_of(plan, dataset)
    try:
        panel = panel_of(settings, plan.base)
    except EvolveError:  # nobody to ask is no reason not to show it
        panel = Panel(mode="only" if settings.llm.mode == "only" else "mix")
    if not panel:
        panel = replace(panel, models={NOBODY: Model(NOBODY)})
    breeding = breeding_of(plan, partition, panel.mode)
    islands = settings.search.islands
    seeded = next(search(breeding, Budget(1), settings.seed, islands, plan.seeds))
    briefing = briefing_of(plan, partition)
    composer = Composer(terms_of(panel, settings, words), briefing, settings.seed)
    composer.note(seeded)
    messages, choice = composer.compose(seeded, words.learnings)
    if direction is not None and choice.direction != direction:
        needed = briefing.directions[direction].parents
        raise EvolveError(
            f"`{direction}` needs {needed} strategies to build on, and the run begins with fewer",
            "add some to `start_from`",
        )
    is_tree = settings.llm.constraint == "json_schema"
    return list(noted(messages, briefing.word("json.md") if is_tree else ""))
