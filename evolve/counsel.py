"""What a model is asked outside a run: the messages it would get, and a strategy in one's words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from dsl.bars import Bars
from dsl.format import format_program
from dsl.program import Program
from evolve.backtest.market import Market
from evolve.data import load
from evolve.errors import EvolveError
from evolve.fitness.goals import Goals
from evolve.llm.client import Client, noted
from evolve.llm.composer import Composer
from evolve.llm.desk import Desk
from evolve.llm.exchange import Exchange, Kind
from evolve.llm.model import Model, environment
from evolve.llm.portrait import Gallery
from evolve.llm.prompting import Briefing
from evolve.llm.reading import Reading, read_answer
from evolve.llm.server import Message
from evolve.llm.shapes import Constraint
from evolve.panel import (
    Panel,
    clients_of,
    constraint_from,
    models_of,
    named,
    panel_of,
    terms_of,
)
from evolve.plan import (
    Plan,
    breeding_of,
    briefing_of,
    constraint_of,
    partition_of,
    whole_space,
)
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
