"""Parameter types of commands that take a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evolve.errors import EvolveError


class RunType(click.ParamType[Path]):
    """Parameter type of a run: its folder, or its name in `runs/` or the first characters of it."""

    name = "run"

    def __init__(self, with_prefix: bool = True, with_sweeps: bool = False) -> None:
        """
        Args:
            with_prefix: whether the first characters of a name suffice.
            with_sweeps: whether the folder of a sweep is accepted, too.
        """
        self._with_prefix, self._with_sweeps = with_prefix, with_sweeps

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the folder; raise EvolveError if no run or several have the name."""
        from evolve.experiment.run_folders import find_run

        return find_run(Path(value), self._with_prefix, self._with_sweeps)


class FileOrRunType(RunType):
    """Parameter type of a file or a run; a path that is neither remains a path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path of the file or of the folder."""
        try:
            return super().convert(value, param, ctx)
        except EvolveError:
            if Path(value).is_dir():
                raise
            return Path(value)


run_argument = click.argument("run", type=RunType())
