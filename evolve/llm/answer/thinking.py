"""Separation of an answer from the thinking in it, in the markers of all families of models."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The tags of DeepSeek, Qwen, Seed and most others, with a prefix such as `seed:` or attributes.
_TAG = r"(?:\w{1,20}[:_])?(?:think|thinking|thoughts?|reason|reasoning|reflection|scratchpad)"
# One row for each dress: the patterns of the marker before and of the marker after the thinking.
MARKERS = (
    (rf"(?i:<{_TAG}(?:\s[^<>]{{0,100}})?>)", rf"(?i:</{_TAG}>)"),
    (r"\[THINK\]", r"\[/THINK\]"),  # Mistral
    (r"◁think▷", r"◁/think▷"),  # Kimi
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Cohere
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    (r"<\|channel>thought", r"<channel\|>"),  # Gemma 4
    (r"(?i:here is my thought process:)", r"(?i:here is my response:)"),  # Granite 3.2
    # The harmony format of OpenAI's open models: the channel `final` has the answer.
    (
        r"<\|channel\|>\s*(?:analysis|commentary)",
        r"<\|channel\|>\s*final(?:[^<]{0,40}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>)?",
    ),
    # The same after a server has removed its special tokens.
    (r"\A\s*(?:analysis|commentary)(?=[A-Z\n])", r"assistantfinal"),
)
_BELIEF = r'(?P<belief>\babout"?\s*:?\s*"[^"\n]*")'  # its text is no marker
_MARKER = re.compile(
    "|".join(
        (
            _BELIEF,
            *(f"(?P<end{i}>{end})|(?P<start{i}>{start})" for i, (start, end) in enumerate(MARKERS)),
        )
    )
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
        if marker.lastgroup == "belief":
            continue
        is_end = (marker.lastgroup or "").startswith("end")
        (inside if is_open or is_end else outside).append(text[position : marker.start()])
        position, is_open = marker.end(), not is_end
    (inside if is_open else outside).append(text[position:])
    outside = [each for each in outside if each.strip()]
    return SplitText(
        "".join(outside[-1:]), "\n".join(outside[:-1]), "\n".join(inside), position > 0
    )
