"""Grid of runs: settings `a.b=1,2` or `a.b=1..5`, and all combinations of their values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from evolve.config.overrides import split_override
from evolve.errors import EvolveError
from evolve.llm.transport.address import mask_user_info

MAX_POINTS = 10_000
BRACKETS = {"(": ")", "[": "]", "{": "}"}
QUOTES = "'\""
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?\s*")


@dataclass(frozen=True)
class Axis:
    """Setting of a grid, with its values.

    Attributes:
        setting: its name, such as `search.population`.
        values: the texts of its values; one for a setting that all runs share.
    """

    setting: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """Grid of runs.

    Attributes:
        axes: its settings, of which the last one changes fastest.
    """

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return math.prod(len(each.values) for each in self.axes)

    @property
    def varied(self) -> tuple[Axis, ...]:
        """Settings with more than one value."""
        return tuple(each for each in self.axes if len(each.values) > 1)

    def iterate_points(self) -> Iterator[tuple[str, ...]]:
        """Yield the overrides `a.b=value` of each run, in order."""
        names = [each.setting for each in self.axes]
        for values in product(*[each.values for each in self.axes]):
            yield tuple(f"{name}={value}" for name, value in zip(names, values, strict=True))


def parse_grid(settings: Sequence[str]) -> Grid:
    """Parse the settings of a grid.

    A value is a list `1,2,5`, a range of whole numbers `1..5` or, with its step, `0..100..25`, or
    one value. A comma within brackets or quotes belongs to a value.

    Args:
        settings: the settings `a.b=values`, in the order of the grid.

    Raises:
        EvolveError: if a setting or its values are invalid, or if the grid has too many runs.
    """
    counts, axes = 1, list[Axis]()
    for text in settings:
        path, values = split_override(text)
        name = ".".join(path)
        if name in (each.setting for each in axes):
            raise EvolveError(f"--set: duplicate `{name}`", "give its values in one --set")
        parsed = list(_parse_values(values, f"--set {mask_user_info(text)}"))
        counts *= sum(map(len, parsed))
        _check_count(counts)
        axes.append(Axis(name, _list_unique(parsed, name)))
    return Grid(tuple(axes))


def _parse_values(text: str, where: str) -> Iterator[range | tuple[str]]:
    """Yield the elements of a list: ranges, and single values."""
    elements = _split(text, where)
    for element in elements:
        if not element.strip() and len(elements) > 1:
            raise EvolveError(f"{where}: empty value", "write `null`, or remove the comma")
        match = _RANGE.fullmatch(element)
        yield _parse_range(match, where) if match else (element.strip(),)


def _parse_range(match: re.Match[str], where: str) -> range:
    first, last, step = match.group(1), match.group(2), match.group(3) or "1"
    shown = match.group().strip()
    if any("." in each for each in (first, last, step)):
        message = f"{where}: expected whole numbers in a range, found `{shown}`"
        raise EvolveError(message, "list the values, such as 0.1,0.2")
    if int(step) < 1:
        message = f"{where}: expected a step of at least 1, found `{step}`"
        raise EvolveError(message, f"such as {first}..{last}..1")
    _check_count((int(last) - int(first)) // int(step) + 1)
    found = range(int(first), int(last) + 1, int(step))
    if not found:
        raise EvolveError(f"{where}: empty range `{shown}`", f"write {last}..{first}")
    return found


def _check_count(count: int) -> None:
    if count > MAX_POINTS:
        message = f"expected at most {MAX_POINTS:,} runs, found {count:,} or more"
        raise EvolveError(message, "give fewer values, or several sweeps")


def _split(text: str, where: str) -> list[str]:
    """Split a text at its commas outside of brackets and quotes."""
    parts, start, quote = list[str](), 0, ""
    closing: list[str] = []
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in QUOTES and (closing or not text[start:index].strip()):
            quote = character
        elif character in BRACKETS:
            closing.append(BRACKETS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif character == "," and not closing:
            parts.append(text[start:index])
            start = index + 1
    if quote or closing:
        missing = quote or closing[-1]
        raise EvolveError(
            f"{where}: expected a closing `{missing}`", "close it, or quote the value"
        )
    return [*parts, text[start:]]


def _list_unique(parsed: Sequence[range | tuple[str]], name: str) -> tuple[str, ...]:
    values = [str(each) for element in parsed for each in element]
    if len(set(values)) < len(values):
        twice = next(each for each in values if values.count(each) > 1)
        raise EvolveError(f"--set {name}: duplicate value `{twice}`", "give each value once")
    return tuple(values)
