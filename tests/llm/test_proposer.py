"""The proposer of models in a search on a toy problem, with answers from the test."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from evolve.backtest.market import market
from evolve.fitness.goals import FitnessSpec
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.prompt.limit import BYTES_PER_TOKEN
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.templates import list_tasks
from evolve.llm.proposer import ModelProposer
from evolve.llm.transport.calls import Call
from evolve.llm.transport.context import MARGIN_TOKENS, limit_answer
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.usage import CallBudget, CallLimits
from evolve.notices import NoticeList
from evolve.search.progress import Budget, Progress
from tests.samples import random_bars
from tests.search.toy import solve, toy_problem

SUMMARY = json.dumps(
    {"works": ["Averages."], "fails": [], "open_questions": [], "recommendations": ["Use rsi."]}
)
Say = Callable[[Call], Exchange | None]


def answer(call: Call, text: str) -> Exchange:
    return Exchange(call.kind, call.model, "text", call.messages, text, tokens_in=50, tokens_out=9)


def strategy(call: Call) -> Exchange:
    about = f'about "belief {call.number} about averages"'
    window = 10 + call.number
    return answer(call, f"strategy s {{ {about} buy when close > sma(close, {window}) }}")


@dataclass
class Answering:
    """Calls that a function of the call answers, at once or never."""

    say: Say
    calls: list[Call] = field(default_factory=list)
    parsed: list[bool] = field(default_factory=list)
    collected: list[tuple[int, int]] = field(default_factory=list)

    def submit(self, call: Call) -> None:
        self.calls.append(call)

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        response = self.say(self.calls[number - 1])
        if response is not None:
            self.collected.append((number, epoch))
        return (response,) if response is not None else None

    def record_parse_result(self, model: str, is_readable: bool, request_format: str) -> None:
        self.parsed.append(is_readable)


class Log(NoticeList):
    """Collects statuses and learnings."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[tuple[int, str, str]] = []
        self.learnings: list[str] = []

    def record_proposal(self, call: int, text: str, digest: str, status: str, why: str) -> None:
        self.statuses.append((call, status, why))

    def record_learnings(self, text: str) -> None:
        self.learnings.append(text)


@dataclass
class Run:
    proposer: ModelProposer
    answering: Answering
    log: Log
    models: ModelSet
    epochs: list[Progress]

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.answering.calls]


def run_with(
    say: Say,
    evaluations: int = 300,
    calls: int = 6,
    learnings: Learnings | None = None,
    with_operators: bool = True,
    context: int | None = None,
    **settings: object,
) -> Run:
    problem = toy_problem(20, 2)
    if not with_operators:
        problem = replace(problem, proposers={})
    given: dict[str, object] = {
        "mode": "mix" if with_operators else "only", "tasks": tuple(list_tasks()),
        "evaluations": evaluations, "wait_seconds": 0.0, **settings,
    }  # fmt: skip
    models = ModelSet(
        {"m": limit_answer(Model("m", "http://localhost/v1", context_tokens=context))},
        LlmSettings(**given),  # type: ignore[arg-type]
    )
    prompts = PromptBuilder(
        problem.space, FitnessSpec(), Profiler(random_bars(1, 300), market()), models.settings,
        PromptAssets(learnings=learnings or Learnings()),
    )  # fmt: skip
    answering, log = Answering(say), Log()
    proposer = ModelProposer(
        Composer(models, prompts, 1), answering, CallBudget(CallLimits(calls)), log
    )
    budget = Budget(evaluations, stale_epochs=None if with_operators else 4)
    epochs = solve(problem, budget, 1, 2, external=proposer)
    return Run(proposer, answering, log, models, epochs)


def test_calls_are_spread_over_the_evaluations() -> None:
    run = run_with(strategy)
    assert run.kinds == ["propose"] * 6
    evaluated_at = {each.epoch: each.evaluated for each in run.epochs}
    counts = [evaluated_at[epoch] for _, epoch in run.answering.collected]
    gaps = [later - earlier for earlier, later in pairwise([0, *counts])]
    assert len(counts) == 6
    assert all(30 <= gap <= 60 for gap in gaps), gaps
    assert run.epochs[-1].evaluated == 300


def test_beliefs_are_recorded_beside_results() -> None:
    run = run_with(strategy)
    assert [each.about for each in run.proposer.learnings.records] == [
        f"belief {number} about averages" for number in range(1, 7)
    ]
    assert run.log.learnings[-1].count("→ appraisal_ratio -") == 6
    assert {status for _, status, _ in run.log.statuses} == {"evaluated"}


def test_an_unusable_answer_is_returned_once_and_its_repair_is_collected_at_the_same_time() -> None:
    def say(call: Call) -> Exchange:
        return answer(call, "strategy s { buy when smaa(close, 3) > close }")

    run = run_with(say, calls=5)
    assert run.kinds == ["propose", "repair", "propose", "repair", "propose"]
    epochs = dict(run.answering.collected)
    assert epochs[1] == epochs[2] < epochs[3]
    assert run.answering.parsed == [False] * 5
    assert [each.messages[-1]["role"] for each in run.answering.calls] == ["user"] * 5
    assert "did you mean `sma`" in run.answering.calls[1].messages[-1]["content"]
    assert "did you mean `sma`" in run.answering.calls[2].messages[-1]["content"]
    assert {status for _, status, _ in run.log.statuses} == {"rejected"}
    assert run_with(say, calls=5, repair=False).kinds == ["propose"] * 5


@pytest.mark.parametrize("text", [SUMMARY, f'<think>{{"works": ["A draft."]}}</think>\n{SUMMARY}'])
def test_long_learnings_are_summarized_by_the_model(text: str) -> None:
    def say(call: Call) -> Exchange:
        return answer(call, text) if call.kind == "summarize" else strategy(call)

    run = run_with(say, evaluations=800, calls=16, learnings_tokens=200)
    assert "summarize" in run.kinds
    index = run.kinds.index("summarize")
    shown = run.answering.calls[index].messages[0]["content"]
    assert "belief 1 about averages" in shown
    learned = run.proposer.learnings
    assert learned.sections["works"] == ("Averages.",)
    assert learned.records
    later = run.answering.calls[-1].messages[1]["content"]
    assert '## Works\n\n- "Averages."' in later
    assert "belief 1 about averages" not in later


@pytest.mark.parametrize("text", ["I cannot.", "", "{}", '{"works": 3}', "[" * 100_000])
def test_learnings_are_ranked_if_their_summary_is_unusable(text: str) -> None:
    def say(call: Call) -> Exchange:
        return answer(call, text) if call.kind == "summarize" else strategy(call)

    run = run_with(say, evaluations=800, calls=16, learnings_tokens=200)
    assert run.kinds.count("summarize") >= 1
    assert not any(run.proposer.learnings.sections.values())
    assert len(run.proposer.learnings.records) < 14


def test_a_missing_answer_is_reported_once_and_calls_become_rare() -> None:
    def dead(call: Call) -> Exchange:
        return Exchange(call.kind, call.model, "text", call.messages, error="gone", status=503)

    run = run_with(dead, calls=30)
    assert len(run.log.texts) == 1
    assert "no answer from m: gone" in run.log.texts[0]
    assert 3 <= len(run.answering.calls) <= 12
    gaps = [later.epoch - earlier.epoch for earlier, later in pairwise(run.answering.calls)]
    assert gaps == sorted(gaps)
    assert run.proposer.budget.spent.calls == 0
    assert run.epochs[-1].evaluated == 300


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_silent_model_changes_no_trial(is_refused: bool) -> None:
    def silent(call: Call) -> Exchange | None:
        failed = Exchange(call.kind, call.model, "text", call.messages, error="no", status=503)
        return failed if is_refused else None

    run = run_with(silent, evaluations=1000, calls=20)
    alone = solve(toy_problem(20, 2), Budget(1000), 1, 2)
    assert sorted(trials(run.epochs)) == sorted(trials(alone))
    assert run.epochs[-1].best is not None and alone[-1].best is not None
    assert run.epochs[-1].best.program.hash == alone[-1].best.program.hash
    assert len(run.epochs) <= len(alone) + 1, "the first synchronization divides an epoch"
    assert run.proposer.budget.spent.calls == 0


def trials(epochs: Sequence[Progress]) -> list[str]:
    return [trial.program.hash for each in epochs for trial in each.trials]


def test_further_calls_wait_for_a_late_answer() -> None:
    looks = {1: 2}

    def late(call: Call) -> Exchange | None:
        looks[call.number] = looks.get(call.number, 1) - 1
        return None if looks[call.number] > 0 else strategy(call)

    run = run_with(late, evaluations=1600, calls=4)
    assert [number for number, _ in run.answering.collected] == [1, 2, 3, 4]
    assert run.answering.collected[0][1] > run.answering.calls[0].epoch + 2
    assert run.answering.calls[1].epoch >= run.answering.collected[0][1]


def test_models_alone_stop_when_stale_or_when_the_budget_is_spent() -> None:
    def same(call: Call) -> Exchange:
        return answer(call, "strategy s { buy when close > sma(close, 30) }")

    run = run_with(same, with_operators=False, calls=50)
    assert run.epochs[-1].stop_reason == "no improvement in 4 epochs"
    assert len(run.answering.calls) == 5
    assert [status for _, status, _ in run.log.statuses] == ["evaluated"] + ["duplicate"] * 4
    spent = run_with(strategy, with_operators=False, calls=2)
    assert spent.epochs[-1].stop_reason == "no proposals left"


def test_a_context_that_is_too_small_is_reported_and_the_run_continues_without_the_model() -> None:
    run = run_with(strategy, context=800)
    assert run.answering.calls == []
    assert len(run.log.texts) == 1
    assert re.match(
        r"the context of m is too small: 800 tokens leave \d+ for a prompt, but the smallest "
        r"needs about [\d,]+\n  = raise .*`OLLAMA_CONTEXT_LENGTH`.* `context_tokens` .*\n"
        r"  = the run continues without the model$",
        run.log.texts[0],
    )
    assert run.epochs[-1].evaluated == 300
    alone = run_with(strategy, context=800, with_operators=False)
    assert alone.epochs[-1].stop_reason == "no proposals left"


@pytest.mark.slow
@pytest.mark.parametrize("context", [2048, 4096, 8192])
def test_every_prompt_of_a_run_leaves_room_for_its_answer(context: int) -> None:
    def say(call: Call) -> Exchange:
        if call.kind == "summarize":
            return answer(call, SUMMARY)
        long = answer(call, "strategy s { buy when smaa(close, 3) > close }" + " " * 3000 + "x")
        return long if call.number % 4 == 1 else strategy(call)

    run = run_with(say, evaluations=1600, calls=40, context=context, learnings_tokens=200)
    model = run.models.models["m"]
    assert set(run.kinds) == {"propose", "repair", "summarize"}
    for call in run.answering.calls:
        size = sum(len(each["content"].encode()) for each in call.messages)
        assert size / BYTES_PER_TOKEN + model.max_tokens + MARGIN_TOKENS <= context


def test_an_error_shortens_the_next_prompt() -> None:
    context, answer = 1770, 295  # a sixth of it

    def say(call: Call) -> Exchange:
        if call.number == 2:
            error = f"the maximum context length is {context} tokens"
            return Exchange(call.kind, call.model, "gbnf", call.messages, error=error, status=400)
        return strategy(call)

    run = run_with(say, calls=6)
    sizes = [sum(len(m["content"].encode()) for m in c.messages) for c in run.answering.calls]
    room = (context - answer - MARGIN_TOKENS) * BYTES_PER_TOKEN
    assert sizes[1] > room >= max(sizes[2:])
    limits = [each.max_tokens for each in run.answering.calls]
    assert limits == [2000] * 2 + [answer] * (len(limits) - 2)
    assert len(limits) >= 5
    assert run.log.texts[0].startswith("context of m: 1,770 tokens, because its server rejected")


def test_the_same_answers_give_the_same_calls_and_the_same_run() -> None:
    first, second = run_with(strategy), run_with(strategy)
    assert [each.digest for each in first.answering.calls] == [
        each.digest for each in second.answering.calls
    ]
    assert trials(first.epochs) == trials(second.epochs)


def test_concurrent_calls_have_different_prompts() -> None:
    run = run_with(strategy, calls=6, concurrency=3)
    assert [each.epoch for each in run.answering.calls[:3]] == [0, 0, 0]
    assert len({each.digest for each in run.answering.calls}) == 6
