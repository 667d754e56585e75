"""Extraction of strategies from answers with prose, fences, reasoning or a truncated end.

The functions only split text; the parser decides whether a part is a strategy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dsl.analysis.catalog import Catalog
from dsl.generate.json_schema import format_tree
from dsl.syntax.vocabulary import STATEMENTS
from evolve.llm.answer.thinking import split_thinking
from evolve.llm.transport.reply import clip_text

MAX_STRATEGIES = 10
MAX_STRATEGY_CHARACTERS = 20_000  # longer strategies are truncated
MAX_CUTS = 6  # attempts to close a truncated strategy

_HEAD = re.compile(r"\bstrategy\s+[A-Za-z_][\w-]*\s*\{")
_DEFINE = re.compile(r"^[ \t]*define\b.*?(?=^[ \t]*(?:define|strategy|```)\b|^```|\Z)", re.M | re.S)
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.S)
_STATEMENT = re.compile(rf"\s(?:{'|'.join(STATEMENTS)})\s")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\-_])"
)
_LAST_WORD = re.compile(r"\s\S*$")
_SKIPPED = re.compile(r'"[^"\n]*"|#[^\n]*')


@dataclass(frozen=True)
class Region:
    """A part of an answer that may contain strategies.

    Attributes:
        text: the part.
        is_thinking: whether it is thinking, whose last strategy is the likeliest.
    """

    text: str
    is_thinking: bool = False


def list_regions(text: str, reasoning: str = "") -> list[Region]:
    """List the regions of an answer that may contain strategies, the most likely first.

    They are the text after the last thinking, the text before it, and the thinking itself. A
    region is parsed only if those before it contain no program.

    Args:
        text: the text of the answer.
        reasoning: the reasoning, if the server returns it separately.
    """
    own, separate = split_thinking(_clean(text)), split_thinking(_clean(reasoning))
    # Some servers return all text as reasoning. What follows a marker in it is the answer.
    is_answer = separate.has_markers
    regions = [
        Region(own.answer),
        Region(own.before),
        *(Region(each, not is_answer) for each in (separate.answer, separate.before)),
        Region(separate.thinking, is_thinking=True),
        Region(own.thinking, is_thinking=True),
    ]
    return [each for each in regions if each.text.strip()]


def extract_strategies(
    region: str, known: Catalog | None = None, is_last_first: bool = False
) -> list[list[str]]:
    """Extract the strategies of a region, each as a list of candidate texts in order.

    A JSON tree is converted to text. A strategy in the last fenced block comes first. A
    truncated strategy has candidates with a closing brace and without its last statements.

    Args:
        region: a region of an answer.
        known: the catalog of operators, for a JSON tree.
        is_last_first: whether the last strategy of the region comes first, as in thinking.

    Raises:
        ValueError: if a JSON document is not a syntax tree.
    """
    tree = _convert_json(region, known)
    if tree is not None:
        return [[tree]]
    fences = [each.group(1) for each in _FENCE.finditer(region)]
    defines = "".join(f"{each.group(0).strip()}\n" for each in _DEFINE.finditer(region))
    defines = defines if len(defines) <= MAX_STRATEGY_CHARACTERS else ""
    candidates: dict[str, list[str]] = {}
    for part in [*([] if is_last_first else fences[-1:]), region]:
        blocks = _split_blocks(part)
        for block, is_whole in reversed(list(blocks)) if is_last_first else blocks:
            if block in candidates:
                continue
            texts = [block] if is_whole else list(_close_block(block))
            if defines:
                texts = [f"{defines}{each}" for each in texts] + texts
            candidates[block] = texts
            if len(candidates) == MAX_STRATEGIES:
                return list(candidates.values())
    return list(candidates.values())


def likeliest_text(region: str) -> str:
    """Return the last fenced block of a region, else the region."""
    fences = [each.group(1) for each in _FENCE.finditer(region)]
    return (fences[-1] if fences else region).strip()


def _clean(text: str) -> str:
    """Return the beginning and the end of a text that is too long.

    Lone surrogates, escape sequences and control characters, which could manipulate a terminal,
    are removed.
    """
    text = _ESCAPE_SEQUENCE.sub("", text.encode("utf-8", "replace").decode())
    return clip_text(_CONTROL.sub(" ", text))


def _convert_json(region: str, known: Catalog | None) -> str | None:
    """Convert a JSON document to a strategy; return None if the region contains none."""
    inner = region[region.find("{") : region.rfind("}") + 1]
    for text in (region.strip(), likeliest_text(region), inner):
        try:
            document = json.loads(text) if text.startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if not isinstance(document, dict):
            continue
        strategy = document.get("strategy")
        if isinstance(strategy, str):
            return strategy
        if strategy is not None or not _HEAD.search(region):
            return format_tree(document, known)
    return None


def _split_blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each `strategy name { … }`, and whether it is complete or too long to be closed."""
    position = 0
    while head := _HEAD.search(text, position):
        end = _find_block_end(text, head.end())
        if end is None:
            following = _HEAD.search(text, head.end())
            position = following.start() if following else len(text)
            block, is_whole = text[head.start() : position].strip(), False
        else:
            block, is_whole = text[head.start() : end], True
            position = end
        yield block[:MAX_STRATEGY_CHARACTERS], is_whole or len(block) > MAX_STRATEGY_CHARACTERS


def _find_block_end(text: str, start: int) -> int | None:
    """Return the index after the closing brace; None if another brace opens before it."""
    index = start
    while index < len(text):
        skipped = _SKIPPED.match(text, index)
        if skipped:
            index = skipped.end()
        elif text[index] == "}":
            return index + 1
        elif text[index] == "{":
            return None
        else:
            index += 1
    return None


def _close_block(block: str) -> Iterator[str]:
    """Yield a truncated strategy unchanged, then closed after ever fewer statements."""
    bare = block.split("```")[0].rstrip()
    yield bare
    yield f"{bare} }}"
    yield f"{_LAST_WORD.sub('', bare)} }}"
    starts = [each.start() for each in _STATEMENT.finditer(bare)]
    for start in starts[: -MAX_CUTS - 1 : -1]:
        yield f"{bare[:start]} }}"
