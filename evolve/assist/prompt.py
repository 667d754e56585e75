"""The first prompt of a run, without the run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from evolve.errors import EvolveError
from evolve.experiment.models import load_model_set
from evolve.experiment.plan import Plan, build_problem, build_prompts
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.composer import Composer
from evolve.llm.transport.client import add_note
from evolve.llm.transport.context import limit_answer
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_body import Message
from evolve.notices import NoticeList
from evolve.search.progress import Budget
from evolve.search.search import search

PLACEHOLDER_MODEL, LOCAL = "model", "http://localhost/v1"  # if no model is configured


@dataclass(frozen=True)
class FirstPrompt:
    """The first prompt of a run.

    Attributes:
        messages: the prompt.
        tokens: its estimated length.
        limit_tokens: the maximum length.
        left_out: the omitted parts as text; empty if there are none.
    """

    messages: tuple[Message, ...]
    tokens: int
    limit_tokens: int
    left_out: str


def first_prompt(
    plan: Plan, task: str | None = None, context_tokens: int | None = None
) -> FirstPrompt:
    """Return the first prompt of a run of an experiment.

    A server with the request format of a JSON schema also gets `prompts/json.md`; it is included
    if `llm.constraint` is `json_schema`.

    Args:
        plan: the experiment.
        task: the name of the task; drawn as in the run if None.
        context_tokens: the context of the models; that of the experiment if None.

    Raises:
        EvolveError: if the data cannot be loaded, if the task is unknown or needs more parents,
            or if the context is too small for the smallest prompt.
    """
    if task is not None and task not in plan.assets.tasks:
        names = ", ".join(plan.assets.tasks)
        raise EvolveError(f"unknown task `{task}`", f"expected one of: {names}")
    if task is not None:
        plan = replace(plan, assets=replace(plan.assets, tasks=(task,)))
    data = plan.load(NoticeList())
    models = _load_models(plan, context_tokens)
    problem = build_problem(plan, data, models.settings.mode)
    start = next(search(problem, Budget(1)))
    prompts = build_prompts(plan, data, models.settings)
    composer = Composer(models, prompts, plan.experiment.seed)
    prompt = composer.compose(start, plan.assets.learnings)
    if task is not None and prompt.choice.task != task:
        needed = prompts.tasks[task].parents
        raise EvolveError(
            f"task `{task}` needs {needed} parents, but the run starts with fewer",
            "add strategies to `start_from`",
        )
    is_tree = models.settings.constraint == "json_schema"
    messages = add_note(prompt.messages, prompts.fixed_text("json.md") if is_tree else "")
    limit = composer.limits[prompt.choice.model]
    return FirstPrompt(messages, limit.estimate(messages), limit.tokens, prompt.left_out)


def _load_models(plan: Plan, context_tokens: int | None) -> ModelSet:
    """Return the models of an experiment; a placeholder if it has none."""
    llm = plan.experiment.llm
    models = ModelSet(settings=llm.settings(plan.assets.tasks, plan.experiment.budget))
    with suppress(EvolveError):  # a prompt can be shown without a usable model
        models = load_model_set(plan) or models
    chosen = models.models or {PLACEHOLDER_MODEL: Model(PLACEHOLDER_MODEL, LOCAL)}
    known = {
        label: limit_answer(replace(each, context_tokens=context_tokens or each.context_tokens))
        for label, each in chosen.items()
    }
    return replace(models, models=known)
