"""An answer as programs: everything enters by the same door as a file, `parse` then `check`."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.analysis.check import Report, inspect
from dsl.analysis.program import Program
from evolve.llm.answer.extraction import extract_strategies, likeliest_text, list_regions
from evolve.search.space import Space

NAME = "answer"  # what an answer goes by in messages
MAX_SHOWN_ERRORS = 3  # findings of one strategy that are told
MAX_SHOWN_CHARACTERS = 1500  # characters of an answer without a strategy that the parser is shown

# Findings that a person may overrule; what is bred must be free of them.
REJECTED_WARNINGS = ("W401", "W402", "W403", "W404", "W408", "W410")


@dataclass(frozen=True)
class Rejected:
    """A text that is no usable strategy, and why, in the parser's words.

    `is_program` tells one that can be computed, but is unsound or not the space's.
    """

    text: str
    reason: str
    is_program: bool = False


@dataclass(frozen=True)
class ParsedAnswer:
    """What an answer holds: the usable strategies, and what else was meant as one."""

    programs: tuple[Program, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def is_readable(self) -> bool:
        """Whether it holds a program, wanted or not."""
        return bool(self.programs) or any(each.is_program for each in self.rejected)


def parse_answer(text: str, reasoning: str, space: Space) -> ParsedAnswer:
    """Every usable strategy of an answer, and why the others are not.

    Args:
        text: what was said.
        reasoning: what was thought, where the server keeps that apart.
        space: what may be written.
    """
    rejected: list[Rejected] = []
    places = list_regions(text, reasoning)
    for place in places:
        programs: dict[bytes, Program] = {}
        try:
            found = extract_strategies(place, space.catalog)
        except ValueError as error:
            shown = likeliest_text(place)[:MAX_SHOWN_CHARACTERS]
            rejected.append(Rejected(shown, f"error[tree]: this is no syntax tree: {error}"))
            continue
        for readings in found:
            usable, refused = _parse_readings(readings, space)
            programs.update((each.key, each) for each in usable)
            if not usable:
                rejected.append(refused)
        if programs:
            return ParsedAnswer(tuple(programs.values()), tuple(rejected))
    if not rejected:
        shown = likeliest_text(places[0])[:MAX_SHOWN_CHARACTERS] if places else ""
        rejected.append(Rejected(shown, _error_text(inspect(shown, NAME, space.catalog))))
    return ParsedAnswer((), tuple(rejected))


def _parse_readings(readings: list[str], space: Space) -> tuple[list[Program], Rejected]:
    """The programs of the first reading that gives any; else what is wrong with the plainest."""
    refused: list[Rejected] = []
    for text in readings:
        report = inspect(text, NAME, space.catalog)
        objections = [_rejection_reason(each, report, space) for each in report.programs]
        usable = [
            program
            for program, objection in zip(report.programs, objections, strict=True)
            if not objection
        ]
        if usable and not report.errors:
            return usable, Rejected("", "")
        is_program = bool(report.programs) and not report.errors
        why = "\n".join(filter(None, objections)) or _error_text(report)
        refused.append(Rejected(text, why, is_program))
    return [], next((each for each in refused if each.is_program), refused[0])


def _rejection_reason(program: Program, report: Report, space: Space) -> str:
    """Why a program that can be computed is not taken; empty if it is."""
    unsound = [each for each in report.warnings if each.code in REJECTED_WARNINGS]
    if unsound:
        return "\n\n".join(each.render() for each in unsound[:MAX_SHOWN_ERRORS])
    return space.rejection_reason(program)


def _error_text(report: Report) -> str:
    if not report.errors:
        return "error[E107]: there is no strategy here"
    return "\n\n".join(each.render() for each in report.errors[:MAX_SHOWN_ERRORS])
