"""What `evolve doctor` looks at: the installation, its folder, and the models there are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from dsl.cache_dir import cache_dir
from dsl.evaluate.jit import is_compiled
from evolve.backtest.market import market
from evolve.data import load
from evolve.experiment.models import build_constraint, configured_models, open_models
from evolve.experiment.plan import Plan, build_grammar, full_space
from evolve.experiment.result import versions
from evolve.fitness.goals import FitnessSpec
from evolve.llm.answer.parse import parse_answer
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.profile import Profiler
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import environment
from evolve.llm.transport.reply import CHARACTERS_PER_TOKEN, ModelError
from evolve.llm.transport.request_formats import Constraint
from evolve.notices import NoticeList

SAMPLE = "sample:sp500"
REQUEST = "buy short dips in a rising market"
SETTINGS = LlmSettings(strategies=1, timeout_seconds=120.0)
MIN_SHARE_READ = 0.6  # of the tokens that a prompt has about, or it was cut
SUGGESTED_CONTEXT_TOKENS = 8192


@dataclass(frozen=True)
class CheckResult:
    """One thing that was looked at."""

    name: str
    is_ok: bool
    text: str


def examine(plan: Plan | None = None) -> Iterator[CheckResult]:
    """Look at everything a run needs, one finding after the other.

    Args:
        plan: whose models to ask; the environment's if None.
    """
    yield CheckResult("versions", True, ", ".join(f"{k} {v}" for k, v in versions().items()))
    yield _check_cache_dir()
    state = "compiled" if is_compiled() else "not compiled yet: the first run does it, once"
    yield CheckResult("kernels", True, state)
    bars = load(SAMPLE).bars
    yield CheckResult("sample", True, f"{SAMPLE}: {len(bars):,} bars")
    variables = environment(plan.base if plan else None)
    models = configured_models(plan.experiment if plan else None, variables)
    if not models:
        text = "none: set OPENAI_BASE_URL or OPENAI_API_KEY to add one; everything works without"
        yield CheckResult("model", True, text)
        return
    prompts = PromptBuilder(full_space(), FitnessSpec(), Profiler(bars, market()), SETTINGS)
    constraint = build_constraint(prompts, build_grammar(plan))
    with open_models(ModelSet(models, SETTINGS, variables=variables), NoticeList()) as opened:
        for client in opened.clients.values():
            yield from _check_model(opened.loop, client, prompts, constraint)


def _check_cache_dir() -> CheckResult:
    place = cache_dir()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        hint = "set EVOLVE_HOME to a folder that can be written"
        return CheckResult("folder", False, f"{place}: {error.strerror or error}; {hint}")
    kept = sum(len(files) for _, _, files in os.walk(place))
    return CheckResult("folder", True, f"{place}, {kept} files")


def _check_model(
    loop: LoopThread, client: Client, prompts: PromptBuilder, constraint: Constraint
) -> Iterator[CheckResult]:
    model = client.model
    try:
        names = loop.submit(client.server.models).result()
    except ModelError as error:
        yield CheckResult("model", False, f"{model.name}: {error}")
        return
    known = "" if model.name in names else f", which lists {', '.join(names[:5]) or 'nothing'}"
    yield CheckResult("model", True, f"{model.name} at {model.base_url}{known}")
    probes = loop.submit(lambda: client.probe(constraint)).result()
    if client.request_format is None:
        yield CheckResult("constraint", False, probes[-1].error if probes else "it says nothing")
        return
    shape = client.request_format
    text = f"{shape.strictness} ({shape.name}: {shape.servers})"
    yield CheckResult("constraint", True, f"{text}, found in {len(probes)} short questions")
    chat = loop.submit(lambda: client.exchange("probe", prompts.chat())).result()
    yield _check_speed(chat[-1])
    messages = prompts.ask(REQUEST)
    answer = loop.submit(lambda: client.exchange("ask", messages, constraint)).result()
    yield _check_answer(answer[-1], prompts)
    yield from _check_context(answer[-1])


def _check_context(answer: Exchange) -> Iterator[CheckResult]:
    """A finding if the server seems to have read a part of what it was sent."""
    sent = sum(len(each["content"]) for each in answer.messages) // CHARACTERS_PER_TOKEN
    if not answer.error and answer.tokens_in < MIN_SHARE_READ * sent:
        text = (
            f"it read {answer.tokens_in:,} of some {sent:,} tokens: give the server a context of "
            f"{SUGGESTED_CONTEXT_TOKENS:,} or more, or fewer `language.operators`"
        )
        yield CheckResult("context", False, text)


def _check_speed(answer: Exchange) -> CheckResult:
    """How quickly the model writes."""
    if answer.error:
        return CheckResult("speed", False, answer.error)
    rate = answer.tokens_out / answer.seconds if answer.seconds else 0.0
    return CheckResult(
        "speed", True, f"{rate:,.0f} tokens a second, of {answer.tokens_out} written"
    )


def _check_answer(answer: Exchange, prompts: PromptBuilder) -> CheckResult:
    if answer.error:
        return CheckResult("answer", False, answer.error)
    reading = parse_answer(answer.text, answer.reasoning, prompts.space)
    took = f"{answer.tokens_in:,} tokens in, {answer.tokens_out:,} out in {answer.seconds:.1f} s"
    if reading.programs:
        return CheckResult("answer", True, f"a strategy; {took}")
    why = reading.rejected[0].reason.split("\n")[0] if reading.rejected else "nothing"
    return CheckResult("answer", False, f"no strategy ({why}); {took}")
