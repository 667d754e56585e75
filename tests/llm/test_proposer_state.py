"""The saved state of the models: a proposer that is restored from it goes on in the same way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from evolve.backtest.market import market
from evolve.errors import EvolveError
from evolve.fitness.goals import FitnessSpec
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.patience import Patience
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.limit import BYTES_PER_TOKEN, PromptLimit
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.templates import list_tasks
from evolve.llm.proposer import ModelProposer
from evolve.llm.schedule import Schedule
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.usage import CallBudget, CallLimits, Cost
from evolve.search.checkpoint import Checkpoint, describe_state
from evolve.search.progress import Budget, Progress
from evolve.search.trial_index import TrialIndex
from tests.llm.test_proposer import SUMMARY, Log, answer, strategy
from tests.samples import random_bars
from tests.search.toy import solve, toy_problem

EVALUATIONS, CALLS = 1000, 36
LOCAL = "http://localhost/v1"
PROBLEM = toy_problem(20, 2)
SETTINGS = LlmSettings(
    tasks=tuple(list_tasks()), evaluations=EVALUATIONS, wait_seconds=0.0, concurrency=2,
    learnings_tokens=200,
)  # fmt: skip
MODELS = {
    "m": Model("m", LOCAL, max_tokens=300, context_tokens=6000),
    "n": Model("n", LOCAL, max_tokens=300),
    "tiny": Model("tiny", LOCAL, max_tokens=100, context_tokens=600),  # too small for any prompt
}
PROMPTS = PromptBuilder(
    PROBLEM.space, FitnessSpec(), Profiler(random_bars(1, 300), market()), SETTINGS
)


def respond(call: Call, epoch: int) -> Exchange | None:
    """Return the answer to a call: of each kind in turn, and some of them late."""
    is_late = call.number % 6 == 2 or call.kind == "summarize"
    if is_late and epoch < call.epoch + 3:
        return None
    if call.kind == "summarize":
        return answer(call, SUMMARY)
    if call.number % 9 == 3:
        error = "the maximum context length is 5000 tokens" if call.number == 3 else "gone"
        return Exchange(call.kind, call.model, "gbnf", call.messages, error=error, status=400)
    if call.number % 5 == 2:
        return answer(call, "strategy s { buy when smaa(close, 3) > close }")
    if call.number % 11 == 6:
        return answer(call, "strategy s { buy when close > sma(close, 12) }")
    sent = sum(len(each["content"]) for each in call.messages)
    return replace(strategy(call), tokens_in=int(sent / 2.5))


@dataclass
class Calls:
    """Calls whose answers depend on their numbers and epochs."""

    submitted: list[Call] = field(default_factory=list)
    collected: list[tuple[int, int]] = field(default_factory=list)
    _in_flight: dict[int, Call] = field(default_factory=dict)

    def submit(self, call: Call) -> None:
        self.submitted.append(call)
        self._in_flight[call.number] = call

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        found = respond(self._in_flight[number], epoch)
        if found is None:
            return None
        self.collected.append((number, epoch))
        return (found,)

    def record_parse_result(self, model: str, is_readable: bool, request_format: str) -> None:
        """Do nothing."""


@dataclass
class Session:
    """A search with models, or the rest of one."""

    proposer: ModelProposer
    calls: Calls
    log: Log
    epochs: list[Progress] = field(default_factory=list)

    @property
    def states(self) -> list[str]:
        """State of the search with that of the models, as JSON at the end of each epoch."""
        return [json.dumps(state) for state in self.documents]

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [{**describe_state(each), "seconds": {}} for each in self.epochs]


def build_proposer(calls: Calls | None = None, log: Log | None = None) -> ModelProposer:
    composer = Composer(ModelSet(MODELS, SETTINGS), PROMPTS, 1)
    return ModelProposer(composer, calls or Calls(), CallBudget(CallLimits(CALLS)), log or Log())


def run_session(checkpoint: Checkpoint | None = None) -> Session:
    calls, log = Calls(), Log()
    proposer = build_proposer(calls, log)
    session = Session(proposer, calls, log)
    budget = Budget(EVALUATIONS)
    session.epochs = solve(PROBLEM, budget, 1, 2, external=proposer, resume_from=checkpoint)
    return session


def build_checkpoint(session: Session, number: int, state: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint of an epoch, whose state is read from JSON."""
    index = TrialIndex()
    new = [index.add_new(each.trials) for each in session.epochs[: number + 1]]
    trials = dict(enumerate((one for trials in new for one in trials), start=1))
    return Checkpoint(number, json.loads(json.dumps(state)), index, lambda numbers: trials)


@pytest.fixture(scope="module")
def whole() -> Session:
    return run_session()


def test_the_session_has_all_that_a_state_must_keep(whole: Session) -> None:
    assert {each.kind for each in whole.calls.submitted} == {"propose", "repair", "summarize"}
    last = whole.documents[-1]["proposer"]
    assert last["proposer"]["failed_calls"]
    assert last["proposer"]["learnings"]["sections"]["works"] == ["Averages."]
    assert last["composer"]["excluded"] == ["tiny"]
    assert last["composer"]["failures"]
    limits = last["composer"]["limits"].values()
    assert 5000 in [each["context_tokens"] for each in limits]
    assert any(each["bytes_per_token"] < BYTES_PER_TOKEN for each in limits)
    assert last["budget"]["spent"]["tokens_in"]
    assert {status for _, status, _ in whole.log.statuses} >= {"evaluated", "rejected"}


def assert_continues(whole: Session, number: int) -> None:
    """Check that a session that goes on from an epoch equals the rest of the whole one."""
    rest = run_session(build_checkpoint(whole, number, whole.documents[number]))
    assert rest.states == whole.states[number:]
    state = whole.documents[number]["proposer"]["proposer"]
    in_flight = {int(each) for each in state["in_flight"]}
    expected = [
        each for each in whole.calls.submitted
        if each.number in in_flight or each.number > state["last_number"]
    ]  # fmt: skip
    assert rest.calls.submitted == expected
    count = len(rest.calls.collected)
    assert rest.calls.collected == whole.calls.collected[len(whole.calls.collected) - count :]
    assert all(epoch > number for _, epoch in rest.calls.collected)
    count = len(rest.log.statuses)
    assert rest.log.statuses == whole.log.statuses[len(whole.log.statuses) - count :]
    assert rest.proposer.learnings == whole.proposer.learnings
    assert rest.proposer.budget.spent == whole.proposer.budget.spent


def list_in_flight(session: Session, kind: str) -> list[int]:
    """Return the epochs at whose end a call of a kind is in flight."""
    in_flight = [each["proposer"]["proposer"]["in_flight"] for each in session.documents]
    kinds = [{one["call"]["kind"] for one in each.values()} for each in in_flight]
    return [number for number, each in enumerate(kinds) if kind in each]


@pytest.mark.parametrize("kind", ["propose", "summarize"])
def test_a_restored_proposer_goes_on_with_equal_prompts(whole: Session, kind: str) -> None:
    """The first late call has an unreadable answer, which is returned for repair."""
    assert_continues(whole, list_in_flight(whole, kind)[0])


def test_a_restored_proposer_saves_an_equal_state(whole: Session) -> None:
    states = [each["proposer"] for each in json.loads(json.dumps(whole.documents))]
    assert any(each["patience"]["silent"] for each in states)
    for state in states:
        proposer = build_proposer()
        proposer.restore(state)
        assert proposer.save() == state


@pytest.mark.slow
def test_a_restored_proposer_goes_on_from_every_epoch(whole: Session) -> None:
    for number in range(len(whole.epochs) - 1):
        assert_continues(whole, number)


def test_the_end_of_a_run_changes_no_saved_state() -> None:
    ended, resumed = build_proposer(), build_proposer()
    assert ended.budget.reserve(1, Cost(1, 1000, 500, 0.25))
    saved = ended.save()
    ended.close()
    assert ended.budget.spent == ended.budget.assumed == Cost(1, 1000, 500, 0.25)
    resumed.restore(saved)
    assert resumed.budget.spent == Cost()
    assert resumed.budget.committed == Cost(1, 1000, 500, 0.25)


MUTABLE = (dict, list, set, bytearray, Random)
# Set at the beginning of each synchronization, and of each repeated `ask`.
TRANSIENT = {"_collected", "_deadline", "_is_last", "_is_repeating"}
STATES = {"state", "_state"}


def list_parts(proposer: ModelProposer) -> list[object]:
    """Return all objects that decide what a proposer does next."""
    composer, parts = proposer._composer, (proposer._schedule, proposer._patience, proposer.budget)
    return [proposer, composer, *composer.limits.values(), *parts]


def test_only_state_objects_change(whole: Session) -> None:
    """An attribute outside the state object would not be saved."""
    parts = list_parts(whole.proposer)
    kinds = {type(each) for each in parts}
    assert kinds == {ModelProposer, Composer, PromptLimit, Schedule, Patience, CallBudget}
    fresh_parts = list_parts(build_proposer())
    for used, unused in zip(parts, fresh_parts, strict=True):
        for name, value in vars(used).items():
            if name in STATES | TRANSIENT or name == "limits":
                continue
            is_mutable = isinstance(value, MUTABLE) and name != "_models"
            assert not is_mutable, f"{type(used).__name__}.{name} is mutable"
            if isinstance(value, bool | int | float | str | tuple | frozenset | None):
                assert value == vars(unused)[name], f"{type(used).__name__}.{name} changed"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda state: state.pop("budget"), "budget"),
        (lambda state: state["composer"].update(rng=["", None]), "composer.rng"),
        (lambda state: state["composer"].update(rng=3), "composer.rng"),
        (lambda state: state["proposer"].update(in_flight={"x": {}}), "proposer.in_flight"),
        (lambda state: state["schedule"].update(next_sync="soon"), "schedule.next_sync"),
    ],
)
def test_a_damaged_state_is_an_error(
    whole: Session, change: Callable[[dict[str, Any]], object], where: str
) -> None:
    state = json.loads(json.dumps(whole.epochs[2].proposer_state))
    change(state)
    with pytest.raises(EvolveError, match=f"saved state of the models is damaged: `{where}"):
        build_proposer().restore(state)
