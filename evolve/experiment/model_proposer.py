"""The models of a run as a proposer: their calls, their budget and their prompts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol

from evolve.experiment.models import UNCONSTRAINED, build_constraint, open_models
from evolve.experiment.plan import LoadedData, Plan, build_grammar, build_prompts
from evolve.experiment.recorded_models import EVENT
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.proposal_log import ProposalLog
from evolve.llm.proposer import ModelProposer
from evolve.llm.transport.calls import Calls, LiveCalls, RecordedCall, RecordedCalls
from evolve.llm.transport.resumed_calls import ResumedCallLog, ResumedCalls
from evolve.llm.transport.usage import CallBudget, CallLimits, Cost
from evolve.stop import Stop
from evolve.store.calls import read_recording


class CallRecorder(ResumedCallLog, ProposalLog, Protocol):
    """Recorder of all that models do in a run."""

    def event(self, kind: str, **detail: Any) -> None:
        """Record an event."""

    def report_cost(self, spent: Cost) -> None:
        """Report the cost of all calls so far."""

    def read_calls(self) -> dict[int, RecordedCall]:
        """Return the calls that are recorded already, by number; some if the run goes on."""


@contextmanager
def open_proposer(
    models: ModelSet, plan: Plan, data: LoadedData, recorder: CallRecorder, stop: Stop
) -> Iterator[ModelProposer | None]:
    """Yield the proposer of a run, backed by servers or a recording; None without models.

    Calls that the journal of the run has answers for are not sent again.

    Args:
        models: the models and their settings.
        plan: the experiment.
        data: its data.
        recorder: has the journal of the run.
        stop: ends every wait for a model once it is set.
    """
    if not models:
        yield None
        return
    prompts = build_prompts(plan, data, models.settings)
    limits = plan.experiment.budget
    budget = CallBudget(
        CallLimits(limits.llm_calls, limits.llm_tokens, limits.llm_usd), recorder.report_cost
    )
    with _open_calls(models, plan, prompts, recorder, stop, budget) as (named, calls):
        if not models.is_resumed:
            recorder.event(EVENT, **named.record())
        composer = Composer(named, prompts, plan.experiment.seed)
        with closing(ModelProposer(composer, calls, budget, recorder)) as proposer:
            yield proposer


@contextmanager
def _open_calls(
    models: ModelSet,
    plan: Plan,
    prompts: PromptBuilder,
    recorder: CallRecorder,
    stop: Stop,
    budget: CallBudget,
) -> Iterator[tuple[ModelSet, Calls]]:
    """Yield the models with the names that their servers use, and the calls to them."""
    if models.recording is not None:
        recorded = read_recording(models.recording)
        yield models, RecordedCalls(recorded, str(models.recording.parent), recorder)
        return
    with open_models(models, recorder, plan.assets.folder) as opened:
        constraint = UNCONSTRAINED
        if models.settings.constraint != "text":
            constraint = build_constraint(prompts, build_grammar(plan))
        live = LiveCalls(opened.loop, opened.clients, constraint, recorder, stop)
        yield opened.models, ResumedCalls(recorder.read_calls(), live, recorder, budget)
