"""Strategies from a description in natural language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.printing.decompile import format_program
from evolve.backtest.market import Market
from evolve.errors import EvolveError
from evolve.experiment.models import OpenModels, build_constraint, configured_models, open_models
from evolve.experiment.plan import build_grammar, full_space
from evolve.fitness.goals import FitnessSpec
from evolve.llm.answer.parse import ParsedAnswer, parse_answer
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.profile import Profiler
from evolve.llm.transport.environment import read_environment
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.request_body import Message
from evolve.llm.transport.request_formats import Constraint
from evolve.notices import NoticeLog

SETTINGS = LlmSettings(strategies=1)


@dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Attributes:
        programs: the usable strategies.
        exchanges: all exchanges with the model.
        reason: the reasons why the other strategies are unusable.
    """

    programs: tuple[Program, ...]
    exchanges: tuple[Exchange, ...]
    reason: str = ""


def ask(request: str, bars: Bars, market: Market, log: NoticeLog) -> Answer:
    """Request a strategy from the model that the environment configures.

    If the answer is unusable, it is returned to the model once with the errors in it.

    Args:
        request: a description of the strategy.
        bars: the bars of the prompts.
        market: fills and costs.
        log: is notified of a downgrade to a less strict format.

    Raises:
        EvolveError: if no model is configured, its context is too small, or the call fails.
    """
    environment = read_environment()
    models = configured_models(None, environment)
    if not models:
        raise EvolveError(
            "no model is configured",
            "set OPENAI_BASE_URL to the address of a server, such as http://localhost:11434/v1, "
            "or OPENAI_API_KEY",
        )
    prompts = PromptBuilder(full_space(), FitnessSpec(), Profiler(bars, market), SETTINGS)
    constraint = build_constraint(prompts, build_grammar(None))
    with open_models(ModelSet(models, SETTINGS, environment=environment), log) as opened:
        composer = Composer(opened.models, prompts, 0)
        label, parts = next(iter(opened.clients)), prompts.ask(request)
        messages = composer.compose_request(label, parts)
        exchanges = _exchange(opened, "ask", messages, constraint)
        parsed = _parse(exchanges, prompts)
        answer = exchanges[-1].text
        repair = None
        if not parsed.programs:
            repair = composer.compose_repair(label, parts, answer, parsed.rejected)
        if repair is not None:
            repaired = _exchange(opened, "repair", repair, constraint)
            parsed = _parse(repaired, prompts)
            exchanges += repaired
        reason = "\n\n".join(each.reason for each in parsed.rejected)
        return Answer(parsed.programs, exchanges, reason)


def format_answer(answer: Answer) -> str:
    """Format the strategies of an answer as the text of a file."""
    return "\n".join(format_program(each) for each in answer.programs)


def _exchange(
    opened: OpenModels, kind: Kind, messages: list[Message], constraint: Constraint
) -> tuple[Exchange, ...]:
    work = partial(opened.first.exchange, kind, messages, constraint)
    exchanges = opened.loop.submit(work).result()
    if exchanges[-1].error:
        raise EvolveError(exchanges[-1].error)
    return exchanges


def _parse(exchanges: tuple[Exchange, ...], prompts: PromptBuilder) -> ParsedAnswer:
    last = exchanges[-1]
    return parse_answer(last.text, last.reasoning, prompts.space, last.finish)
