"""What was learned: beliefs beside what was measured, kept short enough to be told again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evolve.llm.prompt.templates import render
from evolve.llm.transport.reply import CHARACTERS_PER_TOKEN

_BULLET = re.compile(r"^[-*]\s+")
SECTIONS = ("works", "fails", "open_questions", "recommendations")
EARLIER_SECTION = "measured_before"  # where what is not merged stands when it is read again
MAX_SENTENCES, MAX_SENTENCE_CHARACTERS = 6, 240
MAX_BELIEF_CHARACTERS = 240
MAX_RANKED_RECORDS = 8  # records that a ranking keeps: the best and the worst


@dataclass(frozen=True)
class Learning:
    """A belief and its measured outcome, which the tool writes and not the model.

    Attributes:
        about: the belief, in its author's words.
        direction: what was asked for.
        measure: the first objective's name; score: its value.
        parent_score: of the best parent; None without parents.
        obstacle: why the strategy cannot be used; empty if it can.
    """

    about: str
    task: str
    measure: str
    score: float
    parent_score: float | None = None
    infeasible_reason: str = ""

    @property
    def gain(self) -> float:
        """How far it went beyond its best parent."""
        return self.score - (self.parent_score or 0.0)


@dataclass(frozen=True)
class Learnings:
    """Merged sentences by section, and the records since they were merged."""

    sections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    records: tuple[Learning, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.records) or any(self.sections.values())

    def text(self, folder: Path | None = None) -> str:
        """What is told, and kept as `learnings.md`."""
        shown = [
            replace(each, about=each.about or "(nothing was said)", score=round(each.score, 3),
                    parent_score=None if each.parent_score is None else round(each.parent_score, 3))
            for each in self.records
        ]  # fmt: skip
        return render("learnings.md", folder, sections=dict(self.sections), records=shown)

    def tokens(self, folder: Path | None = None) -> int:
        """About how many tokens it takes to tell."""
        return len(self.text(folder)) // CHARACTERS_PER_TOKEN

    def excerpt(self, most_tokens: int, folder: Path | None = None) -> str:
        """What a model is told: ranked, and cut at the end of a line, where it is too long."""
        if not self:
            return ""
        is_long = self.tokens(folder) > most_tokens
        text = (self.shortened() if is_long else self).text(folder)
        most = most_tokens * CHARACTERS_PER_TOKEN
        return text if len(text) <= most else text[:most].rpartition("\n")[0]

    def with_records(self, more: Sequence[Learning]) -> Learnings:
        """With further records."""
        return replace(self, records=(*self.records, *more))

    def with_summary(self, sections: Mapping[str, Sequence[str]], told: int) -> Learnings:
        """With a merger of the first `told` records, and of the sections so far, in their place."""
        merged = {name: tuple(sections.get(name, ())) for name in SECTIONS}
        return Learnings(merged, self.records[told:])

    def shortened(self) -> Learnings:
        """With the best and the worst records alone, and what is merged cut to its bounds."""
        order = sorted(
            self.records, key=lambda each: (bool(each.infeasible_reason), -each.gain, each.about)
        )
        half = MAX_RANKED_RECORDS // 2
        kept = order if len(order) <= MAX_RANKED_RECORDS else [*order[:half], *order[-half:]]
        return Learnings(_bounded(self.sections), tuple(kept))


def read_learnings(text: str) -> Learnings:
    """What a `learnings.md` of an earlier run, or a person's own notes, say: its list items."""
    found = {name: list[str]() for name in (*SECTIONS, EARLIER_SECTION)}
    heading = EARLIER_SECTION
    for line in text.splitlines():
        if line.startswith("#"):
            name = re.sub(r"[^a-z]+", "_", line.lower()).strip("_")
            heading = name if name in found else EARLIER_SECTION
        elif line.strip():
            found[heading].append(_BULLET.sub("", line.strip(), count=1))
    return Learnings(_bounded(found))


def read_summary(text: str) -> dict[str, tuple[str, ...]]:
    """A model's merger, within its bounds.

    Raises:
        ValueError: if it is none.
    """
    start, end = text.find("{"), text.rfind("}")
    document = json.loads(text[start : end + 1]) if 0 <= start < end else None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    lists = {name: document.get(name) for name in SECTIONS}
    found = {
        name: [each for each in said if isinstance(each, str) and each.strip()]
        for name, said in lists.items()
        if isinstance(said, list)
    }
    if not any(found.values()):
        raise ValueError("no sentence in any section")
    return _bounded(found)


def summary_schema() -> dict[str, object]:
    """The JSON schema of a merger."""
    sentences = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": dict.fromkeys(SECTIONS, sentences),
        "required": list(SECTIONS),
        "additionalProperties": False,
    }


def shorten_belief(about: str) -> str:
    """A belief on one line, within its bound."""
    return " ".join(about.split())[:MAX_BELIEF_CHARACTERS]


def _bounded(sections: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, said in sections.items():
        sentences = [" ".join(each.split())[:MAX_SENTENCE_CHARACTERS].strip() for each in said]
        found[name] = tuple(list(filter(None, sentences))[-MAX_SENTENCES:])
    return found
