"""What a data source is, and the spec that names one."""

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
    """A data spec taken apart: `synthetic:walk?seed=1` has source, name and options.

    Attributes:
        base: the folder that relative paths start from.
        refresh: whether what was kept of it is fetched anew.
    """

    text: str
    source: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    base: Path = Path()
    refresh: bool = False

    def files(self, kind: str, endings: Sequence[str]) -> list[Path]:
        """The files it names: one, all of a folder, or those that fit a pattern with `*`.

        Raises:
            EvolveError: if there is none.
        """
        try:
            path = self.base / Path(self.name).expanduser()
            if path.is_file():
                return [path]
            if path.is_dir():
                found = [each for each in sorted(path.iterdir()) if _has_extension(each, endings)]
                hint = f"it needs files that end in {' or '.join(endings)}"
                what = f"holds no {kind} file"
            elif "*" in self.name:
                fitting = sorted(glob(str(path)))  # noqa: PTH207 (folders may hold a * too)
                found = [each for each in map(Path, fitting) if each.is_file()]
                what, hint = "fits no file", f"give the path of a {kind} file"
            else:
                found, what, hint = [], "does not exist", f"give the path of a {kind} file"
        except (OSError, RuntimeError, ValueError, NotImplementedError):
            found, what, hint = [], "is not a path", f"give the path of a {kind} file"
        if not found:
            raise EvolveError(f"{self.name} {what}", hint)
        return found

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
    """What a source gave.

    Attributes:
        bars: of one or more symbols.
        as_of: the day they were taken from it, if they can change.
        are_stocks: whether they are shares of companies; None if it does not say.
    """

    bars: Bars
    as_of: str = ""
    are_stocks: bool | None = None


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
        endings: of the files it reads, which need no `source:` before them.
    """

    name: str
    about: str
    example: str
    fetch: Callable[[Spec, NoticeLog], Fetched]
    extensions: tuple[str, ...] = ()


def parse_spec(text: str, sources: Mapping[str, Source], base: Path = Path()) -> Spec:
    """A spec from its text; a path to files of known endings needs no source.

    Raises:
        EvolveError: for an unknown source or an unreadable option.
    """
    source, colon, rest = text.partition(":")
    if colon and source in sources:
        if not rest.partition("?")[0]:
            example = sources[source].example
            raise EvolveError(f"`{text}` names nothing", f"write for example {example}")
        return _build_spec(text, source, rest, base)
    path = text.partition("?")[0]
    for name, each in sources.items():
        if match_extension(Path(path), each.extensions) or _contains(
            base / Path(path), each.extensions
        ):
            return _build_spec(text, name, text, base)
    hint = did_you_mean(source, sources) if colon else ""
    examples = ", ".join(each.example for each in sources.values())
    raise EvolveError(f"`{text}` is not a data source", hint or f"write one of: {examples}")


def match_extension(path: Path, endings: Sequence[str]) -> str:
    """The one of some endings that a file's name has; empty if it has none."""
    name = path.name.lower()
    return max((each for each in endings if name.endswith(each)), key=len, default="")


def _has_extension(path: Path, endings: Sequence[str]) -> bool:
    """Whether a folder's file is one of prices; hidden ones are not."""
    return bool(match_extension(path, endings)) and not path.name.startswith(".")


def _contains(folder: Path, endings: Sequence[str]) -> bool:
    """Whether a path is that of a folder with files of such endings."""
    try:
        folder = folder.expanduser()
        return folder.is_dir() and any(_has_extension(each, endings) for each in folder.iterdir())
    except (OSError, RuntimeError, ValueError):
        return False


def _build_spec(text: str, source: str, rest: str, base: Path) -> Spec:
    name, _, query = rest.partition("?")
    pairs = [part.partition("=") for part in query.split("&") if part]
    options = {key.strip(): value.strip() for key, _, value in pairs}
    return Spec(text, source, name, options, base)
