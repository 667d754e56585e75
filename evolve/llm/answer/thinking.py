"""Separation of an answer from the thinking in it, in the markers of all families of models."""

from __future__ import annotations

import re
from dataclasses import dataclass

# One row for each dress: the patterns of the marker before and of the marker after the thinking.
MARKERS = (
    (r"(?i:<think>)", r"(?i:</think>)"),  # DeepSeek, Qwen and most others
    (r"(?i:<thinking>)", r"(?i:</thinking>)"),
    (r"(?i:<thought>)", r"(?i:</thought>)"),
    (r"(?i:<reasoning>)", r"(?i:</reasoning>)"),
    (r"\[THINK\]", r"\[/THINK\]"),  # Mistral
    (r"<seed:think>", r"</seed:think>"),  # ByteDance Seed
    (r"◁think▷", r"◁/think▷"),  # Kimi
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Cohere
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    # The harmony format of OpenAI's open models: the channel `final` has the answer.
    (
        r"<\|channel\|>\s*(?:analysis|commentary)",
        r"<\|channel\|>\s*final(?:[^<]{0,40}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>)?",
    ),
    # The same after a server has removed its special tokens.
    (r"\A\s*(?:analysis|commentary)(?=[A-Z\n])", r"assistantfinal"),
)
_MARKER = re.compile(
    "|".join(f"(?P<end{i}>{end})|(?P<start{i}>{start})" for i, (start, end) in enumerate(MARKERS))
)


@dataclass(frozen=True)
class SplitText:
    """A text, divided by its markers.

    Attributes:
        answer: the text after the last thinking.
        before: the other text outside thinking.
        thinking: the text inside thinking.
        has_markers: whether it has any marker.
    """

    answer: str
    before: str
    thinking: str
    has_markers: bool


def split_thinking(text: str) -> SplitText:
    """Divide a text into thinking and answer.

    The text before an end marker is thinking, even without a start marker: some servers remove it.
    Without an end marker, all text after the start marker is thinking.
    """
    outside: list[str] = []
    inside: list[str] = []
    position, is_open = 0, False
    for marker in _MARKER.finditer(text):
        is_end = (marker.lastgroup or "").startswith("end")
        (inside if is_open or is_end else outside).append(text[position : marker.start()])
        position, is_open = marker.end(), not is_end
    (inside if is_open else outside).append(text[position:])
    outside = [each for each in outside if each.strip()]
    return SplitText(
        "".join(outside[-1:]), "\n".join(outside[:-1]), "\n".join(inside), position > 0
    )
