"""What `evolve doctor` looks at: the installation, its folder, and the models there are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from dsl.cache_dir import home
from dsl.evaluate.jit import is_compiled
from evolve.backtest.market import market
from evolve.data import load
from evolve.experiment.models import clients_of, constraint_from, models_of, named
from evolve.experiment.plan import Plan, constraint_of, whole_space
from evolve.experiment.result import versions
from evolve.fitness.goals import Goals
from evolve.llm.answer.parse import read_answer
from evolve.llm.prompt.builder import Briefing
from evolve.llm.prompt.profile import Gallery
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import Desk
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import environment
from evolve.llm.transport.reply import CHARACTERS_PER_TOKEN, ModelError

SAMPLE = "sample:sp500"
WISH = "buy short dips in a rising market"
TIMEOUT_SECONDS = 120.0
LEAST_READ = 0.6  # of the tokens that a prompt has about, or it was cut
ROOMY_TOKENS = 8192


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    is_well: bool
    text: str


def examine(plan: Plan | None = None) -> Iterator[Finding]:
    """Look at everything a run needs, one finding after the other.

    Args:
        plan: whose models to ask; the environment's if None.
    """
    yield Finding("versions", True, ", ".join(f"{k} {v}" for k, v in versions().items()))
    yield _examine_home()
    state = "compiled" if is_compiled() else "not compiled yet: the first run does it, once"
    yield Finding("kernels", True, state)
    bars = load(SAMPLE).bars
    yield Finding("sample", True, f"{SAMPLE}: {len(bars):,} bars")
    variables = environment(plan.base if plan else None)
    models = models_of(plan.experiment if plan else None, variables)
    if not models:
        text = "none: set OPENAI_BASE_URL or OPENAI_API_KEY to add one; everything works without"
        yield Finding("model", True, text)
        return
    briefing = Briefing(whole_space(), Goals(), Gallery(bars, market()), strategies=1)
    with closing(Desk(1)) as desk:
        asked = named(desk, models, variables)
        for client in clients_of(desk, asked, briefing, variables, TIMEOUT_SECONDS).values():
            yield from _examine_model(desk, client, briefing, plan)


def _examine_home() -> Finding:
    place = home()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        hint = "set EVOLVE_HOME to a folder that can be written"
        return Finding("folder", False, f"{place}: {error.strerror or error}; {hint}")
    kept = sum(len(files) for _, _, files in os.walk(place))
    return Finding("folder", True, f"{place}, {kept} files")


def _examine_model(
    desk: Desk, client: Client, briefing: Briefing, plan: Plan | None
) -> Iterator[Finding]:
    model = client.model
    try:
        names = desk.begin(client.server.models).result()
    except ModelError as error:
        yield Finding("model", False, f"{model.name}: {error}")
        return
    known = "" if model.name in names else f", which lists {', '.join(names[:5]) or 'nothing'}"
    yield Finding("model", True, f"{model.name} at {model.base_url}{known}")
    constraint = constraint_from(briefing, constraint_of(plan))
    probes = desk.begin(lambda: client.find_shape(constraint)).result()
    if client.shape is None:
        yield Finding("constraint", False, probes[-1].error if probes else "it says nothing")
        return
    shape = client.shape
    text = f"{shape.level} ({shape.name}: {shape.servers})"
    yield Finding("constraint", True, f"{text}, found in {len(probes)} short questions")
    chat = desk.begin(lambda: client.exchange("probe", briefing.chat())).result()
    yield _speed(chat[-1])
    messages = briefing.wish(WISH)
    answer = desk.begin(lambda: client.exchange("ask", messages, constraint)).result()
    yield _judged(answer[-1], briefing)
    yield from _cut_short(answer[-1])


def _cut_short(answer: Exchange) -> Iterator[Finding]:
    """A finding if the server seems to have read a part of what it was sent."""
    sent = sum(len(each["content"]) for each in answer.messages) // CHARACTERS_PER_TOKEN
    if not answer.error and answer.tokens_in < LEAST_READ * sent:
        text = (
            f"it read {answer.tokens_in:,} of some {sent:,} tokens: give the server a context of "
            f"{ROOMY_TOKENS:,} or more, or fewer `language.operators`"
        )
        yield Finding("context", False, text)


def _speed(answer: Exchange) -> Finding:
    """How quickly the model writes."""
    if answer.error:
        return Finding("speed", False, answer.error)
    rate = answer.tokens_out / answer.seconds if answer.seconds else 0.0
    return Finding("speed", True, f"{rate:,.0f} tokens a second, of {answer.tokens_out} written")


def _judged(answer: Exchange, briefing: Briefing) -> Finding:
    if answer.error:
        return Finding("answer", False, answer.error)
    reading = read_answer(answer.text, answer.reasoning, briefing.space)
    took = f"{answer.tokens_in:,} tokens in, {answer.tokens_out:,} out in {answer.seconds:.1f} s"
    if reading.programs:
        return Finding("answer", True, f"a strategy; {took}")
    why = reading.rejected[0].why.split("\n")[0] if reading.rejected else "nothing"
    return Finding("answer", False, f"no strategy ({why}); {took}")
