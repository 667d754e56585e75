"""Environment variables, each with the place that sets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from evolve.files import read_text
from evolve.llm.transport.address import strip_user_info

PROCESS = "the environment"  # of the process, and its command line
OPENAI_KEY, OPENAI_URL, OPENAI_MODEL = "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"
KEY_SUFFIX = "_API_KEY"


@dataclass(frozen=True)
class Variable:
    """Environment variable.

    Attributes:
        name: its name.
        value: its value, which may be secret.
        source: `PROCESS`, or the path of the `.env` file that sets it.
    """

    name: str
    value: str = field(repr=False)
    source: str = PROCESS


@dataclass(frozen=True)
class Environment:
    """Variables that have a value, by name."""

    variables: Mapping[str, Variable] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return the value of a variable; empty if it has none."""
        variable = self.variables.get(name)
        return variable.value if variable else ""

    def find(self, name: str) -> Variable | None:
        """Return a variable; None if it has no value."""
        return self.variables.get(name)

    @property
    def readable(self) -> dict[str, str]:
        """Values that an experiment may read: without keys, and without a password in a URL."""
        return {
            name: strip_user_info(each.value)[0]
            for name, each in self.variables.items()
            if not name.endswith(KEY_SUFFIX)
        }


def read_environment(folder: Path | None = None) -> Environment:
    """Return the variables of the process and of `.env` files; those of the process win.

    Args:
        folder: its `.env` is read too; that of the current folder takes precedence. If the
            variable `EVOLVE_DOTENV` is set, only the file that it names is read.

    Raises:
        EvolveError: if a `.env` file cannot be read.
    """
    from dotenv import dotenv_values

    override = os.environ.get("EVOLVE_DOTENV")
    paths = [folder / ".env"] if folder is not None else []
    variables: dict[str, Variable] = {}
    if override:
        paths = [] if override == os.devnull else [Path(override)]
    else:
        # A folder of that name is a virtual environment.
        paths = [each for each in (*paths, Path(".env")) if each.exists() and not each.is_dir()]
    for path in paths:
        text, source = read_text(path, "variables"), str(path.resolve())
        values = dotenv_values(stream=StringIO(text), interpolate=False)
        variables |= {
            name: Variable(name, value, source) for name, value in values.items() if value
        }
    variables |= {name: Variable(name, value) for name, value in os.environ.items() if value}
    return Environment(variables)
