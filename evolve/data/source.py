"""What a data source is, and the spec that names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from dsl.errors import did_you_mean
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from dsl.bars import Bars

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Spec:
    """A data spec taken apart: `synthetic:walk?seed=1` has source, name and options.

    `base` is the folder that relative paths start from.
    """

    text: str
    source: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    base: Path = Path()

    def file(self, kind: str) -> Path:
        """The file it names, from where the spec is written; EvolveError if there is none."""
        try:
            path = self.base / Path(self.name).expanduser()
            if path.is_file():
                return path
            what = "is a folder" if path.is_dir() else "does not exist"
        except (OSError, RuntimeError, ValueError):
            what = "is not a path"
        raise EvolveError(f"{self.name} {what}", f"give the path of a {kind} file")

    def number(self, option: str, default: float) -> float:
        """An option as a number; raises EvolveError if it is not one."""
        text = self.options.get(option)
        if text is None:
            return float(default)
        try:
            return float(text)
        except ValueError:
            message = f"{self.text}: `{option}` is `{text}`, not a number"
            raise EvolveError(message, f"write {option}={default:g}") from None

    def only(self, *known: str) -> None:
        """Refuse options that the source does not have."""
        for option in self.options:
            if option not in known:
                listed = ", ".join(known) or "none"
                hint = did_you_mean(option, known) or f"its options are: {listed}"
                raise EvolveError(f"{self.text}: `{self.source}` has no option `{option}`", hint)


@dataclass(frozen=True)
class Fetched:
    """What a source gave: bars, and the day they were taken from it if they can change."""

    bars: Bars
    as_of: str = ""


class UnreachableError(EvolveError):
    """A source that could not be reached, as opposed to one that gave bad data."""


@dataclass(frozen=True)
class Source:
    """A place that prices come from. One module in `evolve/data/sources` declares each.

    Attributes:
        name: what stands before the colon of a spec.
        about: one line.
        example: a spec of it.
        fetch: spec, and where to say things -> bars. Raises EvolveError; UnreachableError when a
            fallback may stand in.
    """

    name: str
    about: str
    example: str
    fetch: Callable[[Spec, Notify], Fetched]


def parse_spec(text: str, sources: Mapping[str, Source], base: Path = Path()) -> Spec:
    """A spec from its text; a path that ends in .csv or .parquet needs no source.

    Raises:
        EvolveError: for an unknown source or an unreadable option.
    """
    source, colon, rest = text.partition(":")
    if not colon or source not in sources:
        path, _, query = text.partition("?")
        for ending, implied in ((".csv", "csv"), (".csv.gz", "csv"), (".parquet", "parquet")):
            if path.lower().endswith(ending):
                options = dict(parse_qsl(query, keep_blank_values=True))
                return Spec(text, implied, path, options, base)
        hint = did_you_mean(source, sources) if colon else ""
        examples = ", ".join(each.example for each in sources.values())
        raise EvolveError(f"`{text}` is not a data source", hint or f"write one of: {examples}")
    name, _, query = rest.partition("?")
    if not name:
        raise EvolveError(f"`{text}` names nothing", f"write for example {sources[source].example}")
    options = dict(parse_qsl(query, keep_blank_values=True))
    return Spec(text, source, name, options, base)
