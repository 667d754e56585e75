"""The messages a model is sent: what it must know, and nothing that it must not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import Any

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import FIELDS
from dsl.printing.decompile import compact_text, format_program
from dsl.syntax.parser import keywords
from dsl.terms.canonical import MAX_WINDOW_BARS
from evolve.fitness.goals import Goals
from evolve.fitness.objectives import OBJECTIVES, REQUIREMENTS
from evolve.llm.answer.parse import Rejected
from evolve.llm.prompt.guide import guide_values
from evolve.llm.prompt.profile import Gallery
from evolve.llm.prompt.templates import DIRECTIONS, FOLDER, Direction, directions, render
from evolve.llm.transport.server import Message
from evolve.search.grow import grow_rules
from evolve.search.individual import Individual
from evolve.search.space import Space

DIGITS = 3
SOME_MARKET = "market"
_NAME, _WORD = re.compile(r"[A-Za-z_]\w*"), re.compile(r"[A-Za-z0-9]+")
LONGEST_FAILURE = 200
LEAST_EXAMPLES = 2


@dataclass(frozen=True)
class Failure:
    """A proposal that came to nothing, and why."""

    text: str
    why: str


@dataclass(frozen=True, eq=False)
class Briefing:
    """What an experiment tells a model, whatever the state of its search.

    Attributes:
        space: what may be written.
        goals: what is judged.
        gallery: the window that strategies are judged in; no other is ever told of.
        folder: a user's own templates; None for those that ship.
        strategies: most that are asked for in one answer.
        calls: most in the run; None where there is no run.
    """

    space: Space
    goals: Goals
    gallery: Gallery
    folder: Path | None = None
    strategies: int = 3
    calls: int | None = None

    @cached_property
    def directions(self) -> Mapping[str, Direction]:
        """What may be asked for, by name."""
        return directions(self.folder)

    @cached_property
    def system(self) -> str:
        """The instructions and the language: the same for every call, so that servers keep it."""
        measure = OBJECTIVES[self.goals.maximize[0]]
        operators = [
            each for each in self.space.operators if not each.series or each.series in FIELDS
        ]
        return self._rendered(
            "program.md",
            measure=measure.name,
            measure_about=measure.about,
            spread_penalty=self.goals.spread_penalty,
            minimize=self.goals.minimize,
            max_nodes=self.space.max_nodes,
            most_strategies=self.strategies,
            max_window_bars=MAX_WINDOW_BARS,
            **guide_values(operators, self.space.directions),
        )

    def task(
        self,
        direction: str,
        parents: Sequence[Mapping[str, Any]],
        base: int,
        failures: Sequence[Failure],
        learnings: str,
        examples: Sequence[str],
    ) -> list[Message]:
        """The messages that ask for strategies.

        Args:
            direction: its name.
            parents: as `parent` describes them, the worst first.
            base: which of them the direction is about.
            failures: what came to nothing lately.
            learnings: what was learned.
            examples: strategies that show the form.
        """
        chosen = {"parents": parents, "base": parents[base] if parents else None}
        market, bars = self.gallery.market, self.gallery.bars
        closes_only = bars.closes_only == bars.symbols
        text = self._rendered(
            "task.md",
            **chosen,
            direction=self._rendered(f"{DIRECTIONS}/{direction}.md", **chosen),
            failures=failures,
            learnings=learnings,
            examples=examples,
            calls=self.calls,
            bars=len(bars) - self.gallery.start,
            bars_per_year=bars.bars_per_year,
            folds=self.goals.folds,
            require=[
                REQUIREMENTS[name].phrase.format(by)
                for name, by in self.goals.require.items()
                if by > 0
            ],
            symbols=len(bars.symbols),
            fill=market.filled_at(closes_only),
            closes_only=closes_only,
            commission_bps=market.commission * 1e4,
            slippage_bps=market.slippage * 1e4,
        )
        return self._messages(text)

    def wish(self, text: str) -> list[Message]:
        """The messages that ask for a strategy in a person's words."""
        return self._messages(self._rendered("ask.md", wish=text))

    def repair(self, answer: str, rejected: Sequence[Rejected]) -> list[Message]:
        """What follows an answer that could not be used: it, and the parser's own words."""
        return [
            {"role": "assistant", "content": answer},
            {"role": "user", "content": self._rendered("repair.md", rejected=rejected)},
        ]

    def chat(self) -> list[Message]:
        """A short question, to see how quickly a model writes."""
        return [{"role": "user", "content": self._rendered("chat.md")}]

    def merger(self, record: str, most: int, longest: int) -> list[Message]:
        """The messages that ask for what was learned in short."""
        text = self._rendered("compact.md", record=record, most=most, longest=longest)
        return [{"role": "user", "content": text}]

    def word(self, template: str) -> str:
        """A template without values."""
        return self._rendered(template)

    def parent(self, individual: Individual, name: str, lineage: Sequence[str]) -> dict[str, Any]:
        """An individual as the templates may use it.

        A person's own name and words for it are left out: they may tell the market.
        """
        program = individual.program
        told = replace(program, name=name)
        if individual.proposer == "seed":
            told = replace(told, about="")
        names = (*self.goals.maximize, *self.goals.minimize)
        folds = tuple(round(each, DIGITS) for each in getattr(individual.scores, "folds", ()))
        portrait = self.gallery.portrait(program)
        return {
            **vars(portrait),
            "name": name,
            "source": self._without_symbols(format_program(told).strip()),
            "scores": dict(zip(names, _rounded(individual.scores.values), strict=True)),
            "folds": folds,
            "worst_fold": folds.index(min(folds)) + 1 if folds else 1,
            "obstacle": getattr(individual.scores, "obstacle", ""),
            "lineage": tuple(lineage),
        }

    def _without_symbols(self, source: str) -> str:
        """A source in which no name that a person chose tells the market.

        What the language itself says stays as it is, whatever a symbol is called.
        """
        parts = {part.lower() for each in self.gallery.bars.symbols for part in _WORD.findall(each)}

        def told(found: re.Match[str]) -> str:
            name = found.group()
            if name in keywords() or self.space.find.find(name) is not None:
                return name
            return "_".join(
                SOME_MARKET if part.lower() in parts else part for part in name.split("_")
            )

        return _NAME.sub(told, source)

    def examples(self, count: int, rng: Random) -> list[str]:
        """Strategies that show the form, drawn anew each time, all of the experiment's language."""
        fitting = [text for program, text in _examples() if not self.space.objection(program)]
        while len(fitting) < LEAST_EXAMPLES:
            grown = Program(f"example_{len(fitting) + 1}", grow_rules(self.space, rng))
            if not self.space.objection(grown):
                fitting.append(format_program(grown).strip())
        return rng.sample(fitting, min(count, len(fitting)))

    def _messages(self, text: str) -> list[Message]:
        return [{"role": "system", "content": self.system}, {"role": "user", "content": text}]

    def _rendered(self, template: str, **values: Any) -> str:
        return render(template, self.folder, **values)


def failure_of(text: str, why: str) -> Failure:
    """A failure on one line each, cut to what is worth telling."""
    return Failure(
        " ".join(text.split())[:LONGEST_FAILURE], " ".join(why.split())[:LONGEST_FAILURE]
    )


def failed(program: Program, why: str) -> Failure:
    """A failure of a program that could be read."""
    return failure_of(compact_text(program), why)


@cache
def _examples() -> tuple[tuple[Program, str], ...]:
    """The strategies of `examples.evo`, each with its text."""
    path = FOLDER / "examples.evo"
    texts = [each.strip() for each in path.read_text("utf-8").split("\n\n")]
    return tuple((check(text, path.name), text) for text in texts)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(each, DIGITS) if each % 1 else int(each) for each in values]
