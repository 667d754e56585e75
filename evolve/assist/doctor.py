"""Checks of the installation, its folder and the configured models."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dsl.cache_dir import cache_dir
from dsl.evaluate.jit import find_cache_problem, is_compiled
from evolve.assist.check_result import CheckResult
from evolve.assist.context_check import check_context
from evolve.backtest.market import market
from evolve.data import load
from evolve.experiment.models import (
    build_constraint,
    configured_models,
    describe_keys,
    open_models,
)
from evolve.experiment.plan import Plan, build_grammar, full_space
from evolve.experiment.result import versions
from evolve.fitness.goals import FitnessSpec
from evolve.llm.answer.parse import parse_answer
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer, PromptTooLongError
from evolve.llm.prompt.profile import Profiler
from evolve.llm.transport.client import Client
from evolve.llm.transport.environment import read_environment
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.reply import ModelError, OtherFormatError
from evolve.llm.transport.request_formats import Constraint
from evolve.notices import NoticeList

SAMPLE = "sample:sp500"
REQUEST = "buy short dips in a rising market"


def examine(plan: Plan | None = None) -> Iterator[CheckResult]:
    """Check everything that a run needs; yield the results one by one.

    Args:
        plan: the experiment whose models are checked; None for the model of the environment.
    """
    yield CheckResult("versions", True, ", ".join(f"{k} {v}" for k, v in versions().items()))
    yield _check_cache_dir()
    problem = find_cache_problem()
    state = "compiled" if is_compiled() else "not compiled yet: the first run compiles them once"
    yield CheckResult("kernels", not problem, problem or state)
    bars = load(SAMPLE).bars
    yield CheckResult("sample", True, f"{SAMPLE}: {len(bars):,} bars")
    environment = read_environment(plan.base if plan else None)
    models = configured_models(plan, environment)
    if not models:
        text = "none: set OPENAI_BASE_URL or OPENAI_API_KEY to add one; it is optional"
        yield CheckResult("model", True, text)
        return
    prompts = _build_prompts(plan, Profiler(bars, market()))
    constraint = build_constraint(prompts, build_grammar(plan))
    chosen = ModelSet(models, prompts.settings, environment=environment)
    for text in describe_keys(chosen):
        yield CheckResult("key", True, text.removeprefix("key "))
    with open_models(chosen, NoticeList(), prompts.assets.folder) as opened:
        composer = Composer(opened.models, prompts, 0)
        for label, client in opened.clients.items():
            yield from _check_model(opened.loop, client, label, composer, constraint)


def _build_prompts(plan: Plan | None, profiler: Profiler) -> PromptBuilder:
    """Build the prompts of an experiment on other bars, or of the full language."""
    if plan is None:
        return PromptBuilder(full_space(), FitnessSpec(), profiler, LlmSettings(strategies=1))
    experiment = plan.experiment
    settings = experiment.llm.settings(plan.assets.tasks, experiment.budget)
    return PromptBuilder(plan.space, experiment.fitness.goals(), profiler, settings, plan.assets)


def _check_cache_dir() -> CheckResult:
    folder = Path()
    try:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        hint = "set EVOLVE_HOME to a writable folder"
        reason = f"{folder}: {error.strerror}; {hint}" if error.strerror else str(error)
        return CheckResult("folder", False, reason)
    count = sum(len(files) for _, _, files in os.walk(folder))
    return CheckResult("folder", True, f"{folder}, {count} files")


def _check_model(
    loop: LoopThread, client: Client, label: str, composer: Composer, constraint: Constraint
) -> Iterator[CheckResult]:
    model, prompts = client.model, composer.prompts
    try:
        names = loop.submit(client.server.models).result()
    except ModelError as error:
        yield CheckResult("model", False, f"{model.name}: {error}")
        if not isinstance(error, OtherFormatError):
            return  # without a list of models, a server may still answer
    else:
        listed = "" if model.name in names else f", which lists {', '.join(names[:5]) or 'nothing'}"
        yield CheckResult("model", True, f"{model.name} at {model.base_url}{listed}")
    probes = loop.submit(lambda: client.probe(constraint)).result()
    if client.request_format is None:
        yield CheckResult("constraint", False, probes[-1].error if probes else "no response")
        return
    detected = client.request_format
    text = f"{detected.strictness} ({detected.name}: {detected.servers})"
    yield CheckResult("constraint", True, f"{text}, detected with {len(probes)} probes")
    chat = loop.submit(lambda: client.exchange("probe", prompts.chat())).result()
    yield _check_speed(chat[-1])
    yield from check_context(loop, client, label, composer)
    try:
        messages = composer.compose_request(label, prompts.ask(REQUEST))
    except PromptTooLongError as error:
        yield CheckResult("answer", False, error.message)
        return
    answer = loop.submit(lambda: client.exchange("ask", messages, constraint)).result()
    yield _check_answer(answer[-1], prompts)


def _check_speed(answer: Exchange) -> CheckResult:
    """Return the speed of a model."""
    if answer.error:
        return CheckResult("speed", False, answer.error)
    rate = answer.tokens_out / answer.seconds if answer.seconds else 0.0
    return CheckResult(
        "speed", True, f"{rate:,.0f} tokens per second over {answer.tokens_out} tokens"
    )


def _check_answer(answer: Exchange, prompts: PromptBuilder) -> CheckResult:
    if answer.error:
        return CheckResult("answer", False, answer.error)
    parsed = parse_answer(answer.text, answer.reasoning, prompts.space, answer.finish)
    usage = f"{answer.tokens_in:,} tokens in, {answer.tokens_out:,} out in {answer.seconds:.1f} s"
    if parsed.programs:
        return CheckResult("answer", True, f"a strategy; {usage}")
    reason = parsed.rejected[-1].reason.split("\n")[0] if parsed.rejected else "empty"
    return CheckResult("answer", False, f"no strategy ({reason}); {usage}")
