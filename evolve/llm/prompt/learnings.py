"""Learnings: beliefs of models beside measured results, short enough for a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evolve.llm.prompt.quotation import clean_model_text, quote_model_text
from evolve.llm.prompt.templates import render
from evolve.llm.transport.reply import CHARACTERS_PER_TOKEN
from evolve.search.external import Outcome

_BULLET = re.compile(r"^[-*]\s+")
SECTIONS = ("works", "fails", "open_questions", "recommendations")
EARLIER_SECTION = "measured_before"  # records of an earlier run, after `learnings.md` is read
MAX_SENTENCES, MAX_SENTENCE_CHARACTERS = 6, 240
MAX_BELIEF_CHARACTERS = 240
NO_BELIEF = "(no belief given)"
MAX_RANKED_RECORDS = 8  # half of them the best, half the worst


@dataclass(frozen=True)
class Learning:
    """A belief of a model and the measured result of its strategy.

    Attributes:
        about: the belief, as the model wrote it.
        task: the task of the call.
        measure: the name of the first objective.
        score: the value of the first objective.
        parent_score: the score of the best parent; None without a feasible parent.
        infeasible_reason: the reason why the strategy is infeasible; empty if it is feasible.
    """

    about: str
    task: str
    measure: str
    score: float
    parent_score: float | None = None
    infeasible_reason: str = ""

    @property
    def gain(self) -> float:
        """Improvement over the best parent, or over zero without one."""
        return self.score - (self.parent_score or 0.0)

    def show(self) -> Learning:
        """Return a copy for a template: the belief in quotes, the scores rounded."""
        about = quote_model_text(self.about, MAX_BELIEF_CHARACTERS) if self.about else NO_BELIEF
        parent_score = None if self.parent_score is None else round(self.parent_score, 3)
        return replace(self, about=about, score=round(self.score, 3), parent_score=parent_score)


@dataclass(frozen=True)
class Learnings:
    """Merged sentences by section, and the records since the last merge.

    Attributes:
        sections: the merged sentences.
        records: the records that are not merged, the oldest first.
    """

    sections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    records: tuple[Learning, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.records) or any(self.sections.values())

    def text(self, folder: Path | None = None) -> str:
        """Render the learnings as in a prompt and in `learnings.md`, with all beliefs in quotes."""
        sections = {
            name: [quote_model_text(each, MAX_SENTENCE_CHARACTERS) for each in sentences]
            for name, sentences in self.sections.items()
        }
        return render(
            "learnings.md",
            folder,
            sections=sections,
            records=[each.show() for each in self.records],
        )

    def tokens(self, folder: Path | None = None) -> int:
        """Estimate the length of the rendered learnings in tokens."""
        return len(self.text(folder)) // CHARACTERS_PER_TOKEN

    def excerpt(self, max_tokens: int, folder: Path | None = None) -> str:
        """Render the learnings within a limit: shorten them first, then cut whole lines."""
        if not self:
            return ""
        is_long = self.tokens(folder) > max_tokens
        text = (self.shorten() if is_long else self).text(folder)
        limit = max_tokens * CHARACTERS_PER_TOKEN
        return text if len(text) <= limit else text[:limit].rpartition("\n")[0]

    def add_records(self, records: Sequence[Learning]) -> Learnings:
        """Return a copy with further records."""
        return replace(self, records=(*self.records, *records))

    def replace_merged(self, sections: Mapping[str, Sequence[str]], count: int) -> Learnings:
        """Return a copy in which a summary replaces the sections and the first `count` records."""
        merged = {name: tuple(sections.get(name, ())) for name in SECTIONS}
        return Learnings(merged, self.records[count:])

    def shorten(self) -> Learnings:
        """Return a copy with only the best and the worst records, and with bounded sections."""
        order = sorted(
            self.records, key=lambda each: (bool(each.infeasible_reason), -each.gain, each.about)
        )
        half = MAX_RANKED_RECORDS // 2
        selected = order if len(order) <= MAX_RANKED_RECORDS else [*order[:half], *order[-half:]]
        return Learnings(_bound(self.sections), tuple(selected))


def build_learning(outcome: Outcome, task: str, measure: str) -> Learning:
    """Return the learning of a proposal that was evaluated.

    Args:
        outcome: its outcome.
        task: the task of its call.
        measure: the name of the first objective.
    """
    assert outcome.individual is not None
    proposal, individual = outcome.proposal, outcome.individual
    return Learning(
        shorten_belief(proposal.program.about), task, measure, individual.score,
        proposal.parent_score, individual.scores.infeasible_reason,
    )  # fmt: skip


def read_learnings(text: str) -> Learnings:
    """Parse the `learnings.md` of an earlier run, or the notes of a user: each line is an item."""
    sections = {name: list[str]() for name in (*SECTIONS, EARLIER_SECTION)}
    heading = EARLIER_SECTION
    for line in text.splitlines():
        if line.startswith("#"):
            name = re.sub(r"[^a-z]+", "_", line.lower()).strip("_")
            heading = name if name in sections else EARLIER_SECTION
        elif line.strip():
            sections[heading].append(_remove_quotes(_BULLET.sub("", line.strip(), count=1)))
    return Learnings(_bound(sections))


def read_summary(text: str) -> dict[str, tuple[str, ...]]:
    """Parse a summary that a model wrote; shorten it to its limits.

    Raises:
        ValueError: if it is not a summary.
    """
    start, end = text.find("{"), text.rfind("}")
    document = json.loads(text[start : end + 1]) if 0 <= start < end else None
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    lists = {name: document.get(name) for name in SECTIONS}
    sections = {
        name: [each for each in items if isinstance(each, str) and each.strip()]
        for name, items in lists.items()
        if isinstance(items, list)
    }
    if not any(sections.values()):
        raise ValueError("expected a sentence in a section")
    return _bound(sections)


def build_summary_schema() -> dict[str, object]:
    """Return the JSON schema of a summary."""
    sentences = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": dict.fromkeys(SECTIONS, sentences),
        "required": list(SECTIONS),
        "additionalProperties": False,
    }


def shorten_belief(about: str) -> str:
    """Return a belief on one line, shortened to its limit."""
    return clean_model_text(about, MAX_BELIEF_CHARACTERS)


def _remove_quotes(item: str) -> str:
    """Return the sentence of a rendered item."""
    is_quoted = len(item) > 1 and item[0] == item[-1] == '"'
    return item[1:-1] if is_quoted else item


def _bound(sections: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Shorten each section to its last sentences, and each sentence to its limit."""
    bounded = {}
    for name, items in sections.items():
        sentences = [clean_model_text(each, MAX_SENTENCE_CHARACTERS) for each in items]
        bounded[name] = tuple(list(filter(None, sentences))[-MAX_SENTENCES:])
    return bounded
