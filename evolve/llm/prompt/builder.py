"""The messages a model is sent: what it must know, and nothing that it must not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from random import Random
from typing import Any

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import FIELDS
from dsl.printing.decompile import compact_text, format_program
from dsl.syntax.parser import keywords
from dsl.terms.canonical import MAX_WINDOW_BARS
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import OBJECTIVES, REQUIREMENTS
from evolve.llm.answer.parse import Rejected
from evolve.llm.model_set import LlmSettings
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.prompt.guide import guide_values
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.templates import FOLDER, TASKS_FOLDER, Task, list_tasks, render
from evolve.llm.transport.server import Message
from evolve.search.grow import grow_rules
from evolve.search.individual import Individual
from evolve.search.space import Space

DIGITS = 3
NEUTRAL_NAME = "market"
_NAME, _WORD = re.compile(r"[A-Za-z_]\w*"), re.compile(r"[A-Za-z0-9]+")
MAX_FAILURE_CHARACTERS = 200
MIN_EXAMPLES = 2


@dataclass(frozen=True)
class Failure:
    """A proposal that came to nothing, and why."""

    text: str
    reason: str


@dataclass(frozen=True, eq=False)
class PromptBuilder:
    """What an experiment tells a model, whatever the state of its search.

    Attributes:
        space: what may be written.
        goals: what is judged.
        gallery: the window that strategies are judged in; no other is ever told of.
        settings: how models take part.
        assets: the templates that the prompts are rendered from.
    """

    space: Space
    goals: FitnessSpec
    profiler: Profiler
    settings: LlmSettings = field(default_factory=LlmSettings)
    assets: PromptAssets = field(default_factory=PromptAssets)

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        """What may be asked for, by name."""
        return list_tasks(self.assets.folder)

    @cached_property
    def system(self) -> str:
        """The instructions and the language: the same for every call, so that servers keep it."""
        measure = OBJECTIVES[self.goals.maximize[0]]
        operators = [
            each for each in self.space.operators if not each.series or each.series in FIELDS
        ]
        return self._render(
            "system.md",
            measure=measure.name,
            measure_about=measure.about,
            spread_penalty=self.goals.spread_penalty,
            minimize=self.goals.minimize,
            max_nodes=self.space.max_nodes,
            most_strategies=self.settings.strategies,
            max_window_bars=MAX_WINDOW_BARS,
            **guide_values(operators, self.space.directions),
        )

    def request_strategies(
        self,
        task: str,
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
        market, bars = self.profiler.market, self.profiler.bars
        closes_only = bars.closes_only == bars.symbols
        text = self._render(
            "task.md",
            **chosen,
            task=self._render(f"{TASKS_FOLDER}/{task}.md", **chosen),
            failures=failures,
            learnings=learnings,
            examples=examples,
            calls=self.settings.max_calls,
            bars=len(bars) - self.profiler.start,
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

    def ask(self, text: str) -> list[Message]:
        """The messages that ask for a strategy in a person's words."""
        return self._messages(self._render("ask.md", request=text))

    def repair(self, answer: str, rejected: Sequence[Rejected]) -> list[Message]:
        """What follows an answer that could not be used: it, and the parser's own words."""
        return [
            {"role": "assistant", "content": answer},
            {"role": "user", "content": self._render("repair.md", rejected=rejected)},
        ]

    def chat(self) -> list[Message]:
        """A short question, to see how quickly a model writes."""
        return [{"role": "user", "content": self._render("chat.md")}]

    def merge_learnings(self, record: str, most: int, longest: int) -> list[Message]:
        """The messages that ask for what was learned in short."""
        text = self._render("summarize.md", record=record, most=most, longest=longest)
        return [{"role": "user", "content": text}]

    def fixed_text(self, template: str) -> str:
        """A template without values."""
        return self._render(template)

    def describe_parent(
        self, individual: Individual, name: str, lineage: Sequence[str]
    ) -> dict[str, Any]:
        """An individual as the templates may use it.

        A person's own name and words for it are left out: they may tell the market.
        """
        program = individual.program
        told = replace(program, name=name)
        if individual.proposer == "seed":
            told = replace(told, about="")
        names = (*self.goals.maximize, *self.goals.minimize)
        folds = tuple(round(each, DIGITS) for each in individual.scores.folds)
        portrait = self.profiler.profile(program)
        return {
            **vars(portrait),
            "name": name,
            "source": self._without_symbols(format_program(told).strip()),
            "scores": dict(zip(names, _round_all(individual.scores.values), strict=True)),
            "folds": folds,
            "worst_fold": folds.index(min(folds)) + 1 if folds else 1,
            "infeasible_reason": individual.scores.infeasible_reason,
            "lineage": tuple(lineage),
        }

    def _without_symbols(self, source: str) -> str:
        """A source in which no name that a person chose tells the market.

        What the language itself says stays as it is, whatever a symbol is called.
        """
        parts = {
            part.lower() for each in self.profiler.bars.symbols for part in _WORD.findall(each)
        }

        def told(found: re.Match[str]) -> str:
            name = found.group()
            if name in keywords() or self.space.catalog.find(name) is not None:
                return name
            return "_".join(
                NEUTRAL_NAME if part.lower() in parts else part for part in name.split("_")
            )

        return _NAME.sub(told, source)

    def examples(self, count: int, rng: Random) -> list[str]:
        """Strategies that show the form, drawn anew each time, all of the experiment's language."""
        fitting = [
            text for program, text in _examples() if not self.space.rejection_reason(program)
        ]
        while len(fitting) < MIN_EXAMPLES:
            grown = Program(f"example_{len(fitting) + 1}", grow_rules(self.space, rng))
            if not self.space.rejection_reason(grown):
                fitting.append(format_program(grown).strip())
        return rng.sample(fitting, min(count, len(fitting)))

    def _messages(self, text: str) -> list[Message]:
        return [{"role": "system", "content": self.system}, {"role": "user", "content": text}]

    def _render(self, template: str, **values: Any) -> str:
        return render(template, self.assets.folder, **values)


def build_failure(text: str, reason: str) -> Failure:
    """A failure on one line each, cut to what is worth telling."""
    return Failure(
        " ".join(text.split())[:MAX_FAILURE_CHARACTERS],
        " ".join(reason.split())[:MAX_FAILURE_CHARACTERS],
    )


def program_failure(program: Program, reason: str) -> Failure:
    """A failure of a program that could be read."""
    return build_failure(compact_text(program), reason)


@cache
def _examples() -> tuple[tuple[Program, str], ...]:
    """The strategies of `examples.evo`, each with its text."""
    path = FOLDER / "examples.evo"
    texts = [each.strip() for each in path.read_text("utf-8").split("\n\n")]
    return tuple((check(text, path.name), text) for text in texts)


def _round_all(values: Sequence[float]) -> list[float]:
    return [round(each, DIGITS) if each % 1 else int(each) for each in values]
