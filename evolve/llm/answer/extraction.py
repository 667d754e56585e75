"""The strategies in an answer: prose, fences, thinking and broken ends are stepped over.

Every function here only cuts text into pieces; whether a piece means anything is for the parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from dsl.analysis.catalog import Catalog
from dsl.generate.json_schema import format_tree
from dsl.syntax.vocabulary import STATEMENTS

MAX_CHARACTERS = 200_000  # of an answer that are looked at
MAX_STRATEGIES = 10
MAX_STRATEGY_CHARACTERS = 20_000  # characters; what is longer is shown to the parser cut off
MAX_CUTS = 6  # of a strategy without an end
THOUGHT_BEGINS, THOUGHT_ENDS = "<think>", "</think>"

_HEAD = re.compile(r"\bstrategy\s+[A-Za-z_][\w-]*\s*\{")
_DEFINE = re.compile(r"^[ \t]*define\b.*?(?=^[ \t]*(?:define|strategy|```)\b|^```|\Z)", re.M | re.S)
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.S)
_STATEMENT = re.compile(rf"\s(?:{'|'.join(STATEMENTS)})\s")
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_LAST_WORD = re.compile(r"\s\S*$")
_SKIPPED = re.compile(r'"[^"\n]*"|#[^\n]*')


def list_regions(text: str, reasoning: str = "") -> list[str]:
    """Where strategies may stand in an answer, the likeliest place first.

    What follows the last `</think>`, then what the server calls reasoning, then the thinking
    itself: a place is looked at only if those before it hold nothing.
    """
    text = _truncate(text)
    thought, ends, said = text.rpartition(THOUGHT_ENDS)
    if not ends:
        said, _, thought = text.partition(THOUGHT_BEGINS)
    return [each for each in (said, _truncate(reasoning), thought) if each.strip()]


def extract_strategies(place: str, known: Catalog | None = None) -> list[list[str]]:
    """The texts of strategies in a place, each as the ways to read it, the plainest first.

    A JSON tree counts as the strategy it says. One in the last fenced block comes first. A
    strategy that breaks off is tried with an end, and with its last statements left out.

    Raises:
        ValueError: for a JSON document that is meant as a tree and is none.
    """
    tree = _strategy_from_json(place, known)
    if tree is not None:
        return [[tree]]
    fences = [each.group(1) for each in _FENCE.finditer(place)]
    defines = "".join(f"{each.group(0).strip()}\n" for each in _DEFINE.finditer(place))
    defines = defines if len(defines) <= MAX_STRATEGY_CHARACTERS else ""
    found: dict[str, list[str]] = {}
    for part in [*fences[-1:], place]:
        for block, is_whole in _blocks(part):
            if block in found:
                continue
            readings = [block] if is_whole else list(_close_block(block))
            if defines:
                readings = [f"{defines}{each}" for each in readings] + readings
            found[block] = readings
            if len(found) == MAX_STRATEGIES:
                return list(found.values())
    return list(found.values())


def likeliest_text(place: str) -> str:
    """What to show the parser where no strategy stands: the last fenced block, else all of it."""
    fences = [each.group(1) for each in _FENCE.finditer(place)]
    return (fences[-1] if fences else place).strip()


def _truncate(text: str) -> str:
    """A text's beginning and end, where it is too long to be looked at whole.

    What is no Unicode, and what would move a terminal's cursor or turn its text round, is out.
    """
    text = _UNSHOWABLE.sub(" ", text.encode("utf-8", "replace").decode())
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]}\n{text[-half:]}"


def _strategy_from_json(place: str, known: Catalog | None) -> str | None:
    """The strategy that a JSON document says; None if there is no such document."""
    inner = place[place.find("{") : place.rfind("}") + 1]
    for text in (place.strip(), likeliest_text(place), inner):
        try:
            document = json.loads(text) if text.startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if not isinstance(document, dict):
            continue
        said = document.get("strategy")
        if isinstance(said, str):
            return said
        if said is not None or not _HEAD.search(place):
            return format_tree(document, known)
    return None


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Each `strategy name { … }` and whether it is to be read as it stands: it has its end, or
    is too long to be a strategy."""
    place = 0
    while found := _HEAD.search(text, place):
        end = _end_of_block(text, found.end())
        if end is None:
            following = _HEAD.search(text, found.end())
            stop = following.start() if following else len(text)
            block, is_whole = text[found.start() : stop].strip(), False
            place = stop
        else:
            block, is_whole = text[found.start() : end], True
            place = end
        yield block[:MAX_STRATEGY_CHARACTERS], is_whole or len(block) > MAX_STRATEGY_CHARACTERS


def _end_of_block(text: str, start: int) -> int | None:
    """Where the brace that was open at `start` closes; None if a new strategy begins before."""
    place = start
    while place < len(text):
        skipped = _SKIPPED.match(text, place)
        if skipped:
            place = skipped.end()
        elif text[place] == "}":
            return place + 1
        elif text[place] == "{":
            return None
        else:
            place += 1
    return None


def _close_block(block: str) -> Iterator[str]:
    """A strategy that breaks off: as it stands, then ended where it can be."""
    bare = block.split("```")[0].rstrip()
    yield bare
    yield f"{bare} }}"
    yield f"{_LAST_WORD.sub('', bare)} }}"
    starts = [each.start() for each in _STATEMENT.finditer(bare)]
    for start in starts[: -MAX_CUTS - 1 : -1]:
        yield f"{bare[:start]} }}"
