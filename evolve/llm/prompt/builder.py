"""Messages to models, without information about validation and holdout."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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
from evolve.llm.prompt.guide import GUIDES, Guide, build_guide_values
from evolve.llm.prompt.learnings import shorten_belief
from evolve.llm.prompt.parts import Failure, PromptParts
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.quotation import disarm_answer, quote_model_lines, quote_model_text
from evolve.llm.prompt.templates import FOLDER, TASKS_FOLDER, Task, list_tasks, render
from evolve.llm.transport.request_body import Message
from evolve.search.fixed_rules import fix_program, put_fixed
from evolve.search.grow import grow_rules
from evolve.search.individual import SEED, Individual
from evolve.search.space import Space

DIGITS = 3
NEUTRAL_NAME = "market"
_NAME, _WORD = re.compile(r"[A-Za-z_]\w*"), re.compile(r"[A-Za-z0-9]+")
MAX_FAILURE_CHARACTERS = 200
MIN_EXAMPLES, MAX_EXAMPLE_DRAWS = 2, 1000


@dataclass(frozen=True, eq=False)
class PromptBuilder:
    """Builder of the messages of an experiment.

    Attributes:
        space: the programs that a model may write.
        goals: objectives and requirements.
        profiler: profiles parents over the scored window; messages describe no other window.
        settings: the settings of the models.
        assets: user-defined templates, tasks and learnings.
    """

    space: Space
    goals: FitnessSpec
    profiler: Profiler
    settings: LlmSettings = field(default_factory=LlmSettings)
    assets: PromptAssets = field(default_factory=PromptAssets)

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        """Tasks by name."""
        return list_tasks(self.assets.folder)

    @property
    def guide(self) -> Guide:
        """Form of the guide if the context suffices; a constraint makes descriptions needless."""
        return "full" if self.settings.constraint == "text" else "compact"

    @cached_property
    def systems(self) -> Mapping[Guide, str]:
        """System message by its guide; constant so that servers can cache it."""
        measure = OBJECTIVES[self.goals.maximize[0]]
        operators = [
            each for each in self.space.operators if not each.series or each.series in FIELDS
        ]
        values = {
            "measure": measure.name,
            "measure_about": measure.about,
            "spread_penalty": self.goals.spread_penalty,
            "minimize": self.goals.minimize,
            "max_nodes": self.space.max_nodes,
            "fixed": self._format_fixed(),
            "max_strategies": self.settings.strategies,
            "max_window_bars": MAX_WINDOW_BARS,
            **build_guide_values(operators, self.space.directions),
        }
        return {guide: self._render("system.md", guide=guide, **values) for guide in GUIDES}

    def request_strategies(self, parts: PromptParts) -> list[Message]:
        """Return the messages that request strategies, from their parts."""
        if parts.request:
            text = self._render("ask.md", request=parts.request)
        else:
            text = self._render_task(parts)
        return [
            {"role": "system", "content": self.systems[parts.guide]},
            {"role": "user", "content": text},
        ]

    def ask(self, request: str) -> PromptParts:
        """Return the parts of a prompt that requests a strategy, described by a user."""
        return PromptParts(request=request, guide=self.guide)

    def needle(
        self, word: str, tokens: int, estimate: Callable[[Sequence[Message]], int]
    ) -> list[Message]:
        """Return a long prompt with a word at its beginning, which asks for it at its end.

        A server that truncates the prompt drops the word.

        Args:
            word: the word.
            tokens: the maximum length of the prompt.
            estimate: estimates the length of messages in tokens.
        """
        lines = self.systems["full"].splitlines() * 2
        while True:
            text = self._render("needle.md", word=word, filler="\n".join(lines))
            messages = [{"role": "user", "content": text}]
            if not lines or estimate(messages) <= tokens:
                return messages
            lines = lines[: len(lines) * 9 // 10]

    def repair(self, answer: str, rejected: Sequence[Rejected]) -> list[Message]:
        """Return the messages that follow an unusable answer: the answer and the errors in it."""
        quoted = [replace(each, reason=quote_model_lines(each.reason)) for each in rejected]
        return [
            {"role": "assistant", "content": disarm_answer(answer)},
            {"role": "user", "content": self._render("repair.md", rejected=quoted)},
        ]

    def chat(self) -> list[Message]:
        """Return a short prompt, to measure the speed of a model."""
        return [{"role": "user", "content": self._render("chat.md")}]

    def merge_learnings(
        self, learnings: str, max_sentences: int, max_characters: int
    ) -> list[Message]:
        """Return the messages that request a summary of the learnings.

        Args:
            learnings: the rendered learnings.
            max_sentences: the limit for each section.
            max_characters: the limit for each sentence.
        """
        text = self._render(
            "summarize.md",
            learnings=learnings,
            max_sentences=max_sentences,
            max_characters=max_characters,
        )
        return [{"role": "user", "content": text}]

    def fixed_text(self, template: str) -> str:
        """Render a template that uses no values."""
        return self._render(template)

    def describe_parent(
        self, individual: Individual, name: str, lineage: Sequence[str]
    ) -> dict[str, Any]:
        """Return the description of an individual for the templates.

        The user's name and description of a strategy are omitted: they may reveal the market.

        Args:
            individual: the individual.
            name: its name in the prompt.
            lineage: the proposers of the individual and its ancestors, the newest first.
        """
        about = "" if individual.proposer == SEED else shorten_belief(individual.program.about)
        program = individual.program.change(name=name, about=about)
        names = (*self.goals.maximize, *self.goals.minimize)
        folds = tuple(round(each, DIGITS) for each in individual.scores.folds)
        profile = self.profiler.profile(individual.program)
        return {
            **vars(profile),
            "name": name,
            "source": self._mask_symbols(format_program(program).strip()),
            "scores": dict(zip(names, _round_all(individual.scores.values), strict=True)),
            "folds": folds,
            "worst_fold": folds.index(min(folds)) + 1 if folds else 1,
            "infeasible_reason": individual.scores.infeasible_reason,
            "lineage": tuple(lineage),
        }

    def _format_fixed(self) -> str:
        """Return the fixed rules as a strategy without the others; empty if none is fixed."""
        fixed = self.space.fixed
        if not any(fixed):
            return ""
        return self._mask_symbols(format_program(Program("name", fixed)).strip())

    def _mask_symbols(self, source: str) -> str:
        """Replace parts of user-defined names that match a symbol, because they reveal the market.

        Keywords and operators are unchanged, even if a symbol has the same name.
        """
        parts = {
            part.lower() for each in self.profiler.bars.symbols for part in _WORD.findall(each)
        }

        def mask(match: re.Match[str]) -> str:
            name = match.group()
            if name in keywords() or self.space.catalog.find(name) is not None:
                return name
            return "_".join(
                NEUTRAL_NAME if part.lower() in parts else part for part in name.split("_")
            )

        return _NAME.sub(mask, source)

    def examples(self, count: int, rng: Random) -> list[str]:
        """Draw example strategies that are in the space of the experiment."""
        examples = [
            self._mask_symbols(format_program(program).strip()) if any(self.space.fixed) else text
            for each, text in _load_examples()
            if not self.space.rejection_reason(program := fix_program(each, self.space.fixed))
        ]
        for _ in range(MAX_EXAMPLE_DRAWS):
            if len(examples) >= MIN_EXAMPLES:
                break
            rules = put_fixed(grow_rules(self.space, rng), self.space.fixed)
            grown = Program(f"example_{len(examples) + 1}", rules)
            if not self.space.rejection_reason(grown):
                examples.append(self._mask_symbols(format_program(grown).strip()))
        return rng.sample(examples, min(count, len(examples)))

    def _render_task(self, parts: PromptParts) -> str:
        """Render the user message of a task."""
        base = next((each for each in parts.parents if each["name"] == parts.base), None)
        chosen = {"parents": parts.parents, "base": base}
        market, bars = self.profiler.market, self.profiler.bars
        closes_only = bars.closes_only == bars.symbols
        return self._render(
            "task.md",
            **chosen,
            task=self._render(f"{TASKS_FOLDER}/{parts.task}.md", **chosen),
            failures=parts.failures,
            learnings=parts.learnings.excerpt(parts.learnings_tokens, self.assets.folder),
            examples=parts.examples,
            calls=self.settings.max_calls,
            bars=len(bars) - self.profiler.start,
            bars_per_year=bars.bars_per_year,
            folds=self.goals.folds,
            require=[
                REQUIREMENTS[name].phrase.format(minimum)
                for name, minimum in self.goals.require.items()
                if minimum > 0
            ],
            symbols=len(bars.symbols),
            fill=market.filled_at(closes_only),
            closes_only=closes_only,
            commission_bps=market.commission * 1e4,
            slippage_bps=market.slippage * 1e4,
        )

    def _render(self, template: str, **values: Any) -> str:
        return render(template, self.assets.folder, **values)


def build_failure(text: str, reason: str) -> Failure:
    """Return a failure with its text and reason shortened to one line each, in quotes."""
    return Failure(
        quote_model_text(text, MAX_FAILURE_CHARACTERS),
        quote_model_text(reason, MAX_FAILURE_CHARACTERS),
    )


def build_program_failure(program: Program, reason: str) -> Failure:
    """Return a failure of a program."""
    return build_failure(compact_text(program.change(about="")), reason)


@cache
def _load_examples() -> tuple[tuple[Program, str], ...]:
    """Load the strategies of `examples.evo` with their texts."""
    path = FOLDER / "examples.evo"
    texts = [each.strip() for each in path.read_text("utf-8").split("\n\n")]
    return tuple((check(text, path.name), text) for text in texts)


def _round_all(values: Sequence[float]) -> list[float]:
    return [round(each, DIGITS) if each % 1 else int(each) for each in values]
