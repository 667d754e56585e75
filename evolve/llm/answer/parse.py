"""Parsing of answers: a strategy of a model is parsed and checked like a file."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from pathlib import Path

from dsl.analysis.check import Report, inspect
from dsl.analysis.program import Program
from dsl.budget import Budget
from dsl.diagnostics import Diagnostic
from dsl.printing.decompile import format_program
from evolve.llm.answer.extraction import Region, extract_strategies, likeliest_text, list_regions
from evolve.llm.transport.reply import CUT
from evolve.search.fixed_rules import fix_program
from evolve.search.space import Space

NAME = "answer"  # the file name in error messages
MAX_SHOWN_ERRORS = 3  # per strategy
MAX_SHOWN_CHARACTERS = 1500  # of an answer without a strategy
# Work for one answer, whose strategies may each be read in several ways
MAX_PARSED_CHARACTERS, MAX_EXPANDED_NODES, MAX_PROOF_STEPS = 300_000, 100_000, 100_000
CUT_REASON = (
    "error[cut]: the answer was cut at the limit `max_tokens`\n"
    "  = answer more briefly, or raise `max_tokens` of the model"
)

# A user may ignore these warnings; a proposal with one is rejected.
REJECTED_WARNINGS = ("W401", "W402", "W403", "W404", "W408", "W410")


@dataclass(frozen=True)
class Rejected:
    """A text that is not a usable strategy.

    Attributes:
        text: the text.
        reason: the errors in it, or the reason why it is rejected.
        is_program: whether it is a valid program, but unsound or outside the space.
    """

    text: str
    reason: str
    is_program: bool = False


@dataclass(frozen=True)
class ParsedAnswer:
    """The strategies of an answer.

    Attributes:
        programs: the usable strategies.
        rejected: the other strategies.
    """

    programs: tuple[Program, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def is_readable(self) -> bool:
        """Whether it contains a valid program, usable or not."""
        return bool(self.programs) or any(each.is_program for each in self.rejected)


def parse_answer(text: str, reasoning: str, space: Space, finish: str = "") -> ParsedAnswer:
    """Parse the strategies of an answer; an internal error rejects the part that causes it.

    Args:
        text: the text of the answer.
        reasoning: the reasoning, if the server returns it separately.
        space: the allowed programs.
        finish: the finish reason; a rejection names the limit that cut the answer.
    """
    parsed = _parse_regions(text, reasoning, space)
    if finish != CUT or parsed.programs:
        return parsed
    *before, last = parsed.rejected
    return ParsedAnswer((), (*before, replace(last, reason=f"{CUT_REASON}\n\n{last.reason}")))


def _parse_regions(text: str, reasoning: str, space: Space) -> ParsedAnswer:
    """Parse the regions of an answer, up to the first that contains a usable strategy."""
    rejected: list[Rejected] = []
    budget = Budget(MAX_PARSED_CHARACTERS, MAX_EXPANDED_NODES, MAX_PROOF_STEPS)
    regions = list_regions(text, reasoning)
    for region in regions:
        programs: dict[bytes, Program] = {}
        strategies = _extract(region, space, rejected)
        for candidates in strategies:
            usable, failure = _guard(candidates, space, budget)
            programs.update((each.key, each) for each in usable)
            if not usable:
                rejected.append(failure)
            elif region.is_thinking:
                break  # the drafts before it were given up
        if programs:
            return ParsedAnswer(tuple(programs.values()), tuple(rejected))
    if not rejected:
        shown = likeliest_text(regions[0].text)[:MAX_SHOWN_CHARACTERS] if regions else ""
        rejected.append(_guard([shown], space, budget)[1])
    return ParsedAnswer((), tuple(rejected))


def _extract(region: Region, space: Space, rejected: list[Rejected]) -> list[list[str]]:
    """Extract the strategies of a region; add a rejection if that fails."""
    try:
        return extract_strategies(region.text, space.catalog, region.is_thinking)
    except ValueError as error:
        reason = f"error[tree]: expected a syntax tree: {error}"
    except Exception as error:
        reason = _describe_fault(error)
    rejected.append(Rejected(likeliest_text(region.text)[:MAX_SHOWN_CHARACTERS], reason))
    return []


def _guard(candidates: list[str], space: Space, budget: Budget) -> tuple[list[Program], Rejected]:
    """Parse the candidates of a strategy; an error of the parser itself is a rejection.

    An answer is text from outside, and none may end a run. The journal records the error with
    the text that causes it.
    """
    try:
        return _parse_first(candidates, space, budget)
    except Exception as error:
        return [], Rejected(candidates[0], _describe_fault(error))


def _describe_fault(error: Exception) -> str:
    """Return the type, the message and the place of an unexpected exception."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"internal error: {type(error).__name__}: {error} "
        f"({Path(frame.filename).name}:{frame.lineno})"
    )


def _parse_first(
    candidates: list[str], space: Space, budget: Budget
) -> tuple[list[Program], Rejected]:
    """Return the programs of the first usable text; otherwise the reason to reject one text."""
    rejected_texts: list[Rejected] = []
    for text in candidates:
        report = inspect(text, NAME, space.catalog, budget)
        programs = [fix_program(each, space.fixed) for each in report.programs]
        reasons = [_find_rejection_reason(each, report, space) for each in programs]
        usable = [program for program, reason in zip(programs, reasons, strict=True) if not reason]
        if usable and not report.errors:
            return usable, Rejected("", "")
        is_program = bool(report.programs) and not report.errors
        reason = "\n".join(filter(None, reasons)) or _render_errors(report)
        rejected_texts.append(Rejected(text, reason, is_program))
    return [], next((each for each in rejected_texts if each.is_program), rejected_texts[0])


def _find_rejection_reason(program: Program, report: Report, space: Space) -> str:
    """Return the reason to reject a valid program; empty if it is usable.

    A warning about a fixed rule rejects no program, since its author accepted it.
    """
    accepted = _list_fixed_warnings(space)
    unsound = [
        each
        for each in report.warnings
        if each.code in REJECTED_WARNINGS and _identify(each) not in accepted
    ]
    if unsound:
        return "\n\n".join(each.render() for each in unsound[:MAX_SHOWN_ERRORS])
    return space.rejection_reason(program)


def _list_fixed_warnings(space: Space) -> set[tuple[str, str]]:
    """Return the warnings about the fixed rules alone, in the text that models see."""
    if not any(space.fixed):
        return set()
    text = format_program(Program("fixed", space.fixed))
    return {_identify(each) for each in inspect(text, NAME, space.catalog).warnings}


def _identify(warning: Diagnostic) -> tuple[str, str]:
    """Return the code of a warning and the text that it is about."""
    span = warning.span
    return warning.code, warning.source.text[span.start : span.end]


def _render_errors(report: Report) -> str:
    if not report.errors:
        return "error[E107]: expected a strategy"
    return "\n\n".join(each.render() for each in report.errors[:MAX_SHOWN_ERRORS])
