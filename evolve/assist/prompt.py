"""The first prompt that a run would send, without a run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from evolve.errors import EvolveError
from evolve.experiment.models import load_model_set
from evolve.experiment.plan import Plan, build_problem, build_prompts
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.composer import Composer
from evolve.llm.transport.client import add_note
from evolve.llm.transport.model import Model
from evolve.llm.transport.server import Message
from evolve.notices import NoticeList
from evolve.search.progress import Budget
from evolve.search.search import search

PLACEHOLDER_MODEL = "model"  # asked where no model is configured


def first_messages(plan: Plan, task: str | None = None) -> list[Message]:
    """Return exactly what a model is sent first in a run of an experiment.

    If `llm.constraint` leaves the request format to the server, these are the messages for a
    server without a JSON schema; one with it also gets `prompts/json.md`.

    Args:
        plan: the experiment.
        task: what the model is asked to do; drawn as in the run if None.

    Raises:
        EvolveError: if the data cannot be loaded, or the task is unknown.
    """
    if task is not None and task not in plan.assets.tasks:
        listed = ", ".join(plan.assets.tasks)
        raise EvolveError(f"there is no direction `{task}`", f"there are: {listed}")
    if task is not None:
        plan = replace(plan, assets=replace(plan.assets, tasks=(task,)))
    data = plan.load(NoticeList())
    models = _load_models(plan)
    problem = build_problem(plan, data, models.settings.mode)
    start = next(search(problem, Budget(1)))
    prompts = build_prompts(plan, data, models.settings)
    composer = Composer(models, prompts, plan.experiment.seed)
    composer.record_progress(start)
    messages, choice = composer.compose(start, plan.assets.learnings)
    if task is not None and choice.task != task:
        needed = prompts.tasks[task].parents
        raise EvolveError(
            f"`{task}` needs {needed} strategies to build on, and the run begins with fewer",
            "add some to `start_from`",
        )
    is_tree = models.settings.constraint == "json_schema"
    return list(add_note(messages, prompts.fixed_text("json.md") if is_tree else ""))


def _load_models(plan: Plan) -> ModelSet:
    """Return the models of an experiment; a placeholder if it has none."""
    llm = plan.experiment.llm
    models = ModelSet(settings=llm.settings(plan.assets.tasks, plan.experiment.budget))
    with suppress(EvolveError):  # a prompt can be shown although no model can be asked
        models = load_model_set(plan) or models
    if not models:
        models = replace(models, models={PLACEHOLDER_MODEL: Model(PLACEHOLDER_MODEL)})
    return models
