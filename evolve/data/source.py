"""Data sources, and the specs that name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import did_you_mean
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from dsl.bars import Bars
    from evolve.notices import NoticeLog


@dataclass(frozen=True)
class Spec:
    """Parts of a data spec, such as `synthetic:walk?seed=1`.

    Attributes:
        text: the whole spec.
        source: the name of the source: `synthetic`.
        name: the symbol, path or market: `walk`.
        options: the options by name: `{"seed": "1"}`.
        base: the folder of relative paths.
        refresh: whether to fetch cached prices again.
    """

    text: str
    source: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    base: Path = Path()
    refresh: bool = False

    def list_files(self, kind: str, extensions: Sequence[str]) -> list[Path]:
        """Return the files of the spec: one, those of a folder, or those that match a `*` pattern.

        Args:
            kind: the file format, for messages.
            extensions: the extensions of that format, which select files of a folder.

        Raises:
            EvolveError: if no file matches.
        """
        hint = f"give the path of a {kind} file"
        try:
            path = self.base / Path(self.name).expanduser()
            if path.exists() and not path.is_dir():
                return [path]  # a pipe or a device is refused when it is opened
            if path.is_dir():
                files = [each for each in sorted(path.iterdir()) if _is_data_file(each, extensions)]
                problem = f"no {kind} files in"
                hint = f"expected files that end in {' or '.join(extensions)}"
            elif "*" in self.name:
                matches = sorted(glob(str(path)))  # noqa: PTH207 (a folder may contain a *, too)
                files = [each for each in map(Path, matches) if each.is_file()]
                problem = "no files match"
            else:
                files, problem = [], "no such file:"
        except (OSError, RuntimeError, ValueError, NotImplementedError):
            files, problem = [], "invalid path:"
        if not files:
            raise EvolveError(f"{problem} {self.name}", hint)
        return files

    def parse_number(self, option: str, default: float) -> float:
        """Return an option as a number, or the default if it is not set.

        Raises:
            EvolveError: if the option is not a number.
        """
        text = self.options.get(option)
        if text is None:
            return float(default)
        try:
            return float(text)
        except ValueError:
            message = f"{self.text}: expected a number for `{option}`, found `{text}`"
            raise EvolveError(message, f"write {option}={default:g}") from None

    def check_options(self, *known: str) -> None:
        """Raise EvolveError for an option that is not known."""
        for option in self.options:
            if option not in known:
                expected = f"expected one of: {', '.join(known)}" if known else "remove it"
                hint = did_you_mean(option, known) or expected
                raise EvolveError(f"{self.text}: unknown option `{option}`", hint)


@dataclass(frozen=True)
class FetchedBars:
    """Bars from a source.

    Attributes:
        bars: one or more symbols.
        as_of: the day of the fetch, in ISO format; empty if the bars never change.
        are_stocks: whether the symbols are shares of companies; None if unknown.
    """

    bars: Bars
    as_of: str = ""
    are_stocks: bool | None = None


class UnreachableError(EvolveError):
    """Error of a source that cannot be reached; a fallback may replace it."""


@dataclass(frozen=True)
class Source:
    """A source of prices. Each module of `evolve/data/sources` declares one.

    Attributes:
        name: the part of a spec before the colon.
        about: one line.
        example: an example of a spec.
        fetch: returns the bars of a spec, and reports notices. It raises UnreachableError if a
            fallback may replace the source, and EvolveError otherwise.
        extensions: the extensions of files that need no `source:` before the path.
        has_market_symbols: whether the name of a symbol identifies its prices, on any day.
    """

    name: str
    about: str
    example: str
    fetch: Callable[[Spec, NoticeLog], FetchedBars]
    extensions: tuple[str, ...] = ()
    has_market_symbols: bool = False


def parse_spec(text: str, sources: Mapping[str, Source], base: Path = Path()) -> Spec:
    """Parse a spec; a path to files with a known extension needs no source.

    Args:
        text: the spec.
        sources: the sources by name.
        base: the folder of relative paths.

    Raises:
        EvolveError: for an unknown source or a missing name.
    """
    source, colon, rest = text.partition(":")
    if colon and source in sources:
        if not rest.partition("?")[0]:
            example = sources[source].example
            raise EvolveError(f"missing name after `{source}:`", f"write for example {example}")
        return _build_spec(text, source, rest, base)
    path = text.partition("?")[0]
    for name, each in sources.items():
        if match_extension(Path(path), each.extensions) or _contains_data(
            base / Path(path), each.extensions
        ):
            return _build_spec(text, name, text, base)
    hint = did_you_mean(source, sources) if colon else ""
    examples = ", ".join(each.example for each in sources.values())
    raise EvolveError(f"unknown data source `{text}`", hint or f"expected one of: {examples}")


def match_extension(path: Path, extensions: Sequence[str]) -> str:
    """Return the longest extension that a file name has; empty if it has none of them."""
    name = path.name.lower()
    return max((each for each in extensions if name.endswith(each)), key=len, default="")


def _is_data_file(path: Path, extensions: Sequence[str]) -> bool:
    """Return whether a file of a folder has a known extension and is not hidden."""
    return bool(match_extension(path, extensions)) and not path.name.startswith(".")


def _contains_data(folder: Path, extensions: Sequence[str]) -> bool:
    """Return whether a path is a folder that contains data files."""
    try:
        folder = folder.expanduser()
        return folder.is_dir() and any(_is_data_file(each, extensions) for each in folder.iterdir())
    except (OSError, RuntimeError, ValueError):
        return False


def _build_spec(text: str, source: str, rest: str, base: Path) -> Spec:
    name, _, query = rest.partition("?")
    pairs = [part.partition("=") for part in query.split("&") if part]
    options = {key.strip(): value.strip() for key, _, value in pairs}
    return Spec(text, source, name, options, base)
