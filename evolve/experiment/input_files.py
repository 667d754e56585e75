"""Files that an experiment names, which are in its folder unless the command line names them.

A model may see their content, so an experiment of somebody else must not name files of the user.
Strategies to start from may be anywhere, unless the experiment also names a server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.config import Experiment
from evolve.config.load import is_overridden
from evolve.errors import EvolveError

LISTS = ("start_from", "language.include")  # settings with several files
MAX_TEMPLATES = 500


@dataclass(frozen=True)
class InputFiles:
    """Files that an experiment names.

    Attributes:
        base: the folder of the experiment.
        overrides: settings `a.b=value` of the command line.
        has_server: whether the experiment, or a `.env` file beside it, may name a server.
    """

    base: Path
    overrides: tuple[str, ...] = ()
    has_server: bool = True

    @classmethod
    def of(cls, experiment: Experiment, base: Path, overrides: Sequence[str]) -> InputFiles:
        """Return the files of an experiment in a folder."""
        named = any(each.base_url for each in experiment.llm.models)
        named = named and not is_overridden("llm.models", overrides)
        beside = (base / ".env").is_file() and base.resolve() != Path.cwd()
        return cls(base, tuple(overrides), named or beside)

    def locate(self, setting: str, name: str, entry: object = None) -> Path:
        """Return the path of a file or folder that a setting names; it need not exist.

        Args:
            setting: name of the setting.
            name: the path.
            entry: the entry of a list with the path, for messages; None if it is the path.

        Raises:
            EvolveError: if the experiment names a path outside of its folder, also by a link.
        """
        if is_overridden(setting, self.overrides):
            return resolve_path(name, self.base)
        path = self.base / expand_user(name)
        if setting != "start_from" or self.has_server:
            self._check_inside(setting, name, path, entry)
        return path

    def list_templates(self, setting: str, folder: Path) -> list[Path]:
        """Return the files of a folder of templates.

        Raises:
            EvolveError: if it has too many, or a link that leads out of the experiment's folder.
        """
        paths: list[Path] = []
        for path in _walk(folder):
            if not is_overridden(setting, self.overrides):
                self._check_inside(setting, str(path), path)
            if path.is_file():
                paths.append(path)
            if len(paths) > MAX_TEMPLATES:
                raise EvolveError(
                    f"{setting}: more than {MAX_TEMPLATES} files in {folder}",
                    "name a folder of templates only",
                )
        return sorted(paths)

    def _check_inside(self, setting: str, name: str, path: Path, entry: object = None) -> None:
        try:
            is_inside = path.resolve().is_relative_to(self.base.resolve())
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a NUL
            raise EvolveError(f"{setting}: invalid path {name}: {error}") from None
        if not is_inside:
            value = f"[{entry or name}]" if setting in LISTS else name
            raise EvolveError(
                f"{setting}: {name} is outside of the folder of the experiment: "
                f"{self.base.resolve()}",
                f"copy it there, or give it on the command line: --set '{setting}={value}'",
            )


def resolve_path(name: str, folder: Path) -> Path:
    """Resolve a path against a folder if it exists there, else against the current folder.

    Raises:
        EvolveError: if it begins with the home folder of an unknown user.
    """
    path = expand_user(name)
    try:
        return folder / path if (folder / path).exists() or not path.exists() else path
    except (OSError, ValueError) as error:
        raise EvolveError(f"invalid path {name}: {error}") from None


def expand_user(name: str) -> Path:
    """Return a path with `~` replaced by the home folder.

    Raises:
        EvolveError: if there is no such user or home folder.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        hint = "write the path without `~`"
        raise EvolveError(f"no home folder for the path {name}", hint) from None


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all that a folder contains; links to folders are not followed."""
    for parent, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            yield Path(parent) / name
