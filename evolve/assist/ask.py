"""What a model is asked outside a run: the messages it would get, and a strategy in one's words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.printing.decompile import format_program
from evolve.backtest.market import Market
from evolve.errors import EvolveError
from evolve.experiment.models import (
    clients_of,
    constraint_from,
    models_of,
    named,
)
from evolve.experiment.plan import (
    constraint_of,
    whole_space,
)
from evolve.fitness.goals import Goals
from evolve.llm.answer.parse import Reading, read_answer
from evolve.llm.prompt.builder import Briefing
from evolve.llm.prompt.profile import Gallery
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import Desk
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.model import environment
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Message


@dataclass(frozen=True)
class Answer:
    """What a model made of a wish.

    Attributes:
        programs: the usable strategies; none if the model wrote none.
        exchanges: what it took.
        why: why there is none.
    """

    programs: tuple[Program, ...]
    exchanges: tuple[Exchange, ...]
    why: str = ""


def ask(wish: str, bars: Bars, market: Market, notify: Callable[[str], None]) -> Answer:
    """A strategy from a person's words, by the model that the environment names.

    One answer that cannot be used is sent back with the parser's words.

    Raises:
        EvolveError: if there is no model, or it does not answer.
    """
    variables = environment()
    models = models_of(None, variables)
    if not models:
        raise EvolveError(
            "there is no model to ask",
            "set OPENAI_BASE_URL to a server's address, such as http://localhost:11434/v1, "
            "or OPENAI_API_KEY",
        )
    space = whole_space()
    briefing = Briefing(space, Goals(), Gallery(bars, market), strategies=1)
    constraint = constraint_from(briefing, constraint_of(None))
    with closing(Desk(1)) as desk:
        clients = clients_of(
            desk, named(desk, models, variables), briefing, variables, notify=notify
        )
        client = next(iter(clients.values()))
        messages = briefing.wish(wish)
        made, reading = _read(desk, client, "ask", messages, constraint, briefing)
        if not reading.programs:
            messages = [*messages, *briefing.repair(made[-1].text, reading.rejected)]
            more, reading = _read(desk, client, "repair", messages, constraint, briefing)
            made += more
        why = "\n\n".join(each.why for each in reading.rejected)
        return Answer(reading.programs, made, why)


def _read(
    desk: Desk, client: Client, kind: Kind, messages: list[Message], constraint: Constraint,
    briefing: Briefing,
) -> tuple[tuple[Exchange, ...], Reading]:  # fmt: skip
    exchanges = desk.begin(lambda: client.exchange(kind, messages, constraint)).result()
    last = exchanges[-1]
    if last.error:
        raise EvolveError(last.error)
    return exchanges, read_answer(last.text, last.reasoning, briefing.space)


def text_of(answer: Answer) -> str:
    """The strategies of an answer, as a file."""
    return "\n".join(format_program(each) for each in answer.programs)
