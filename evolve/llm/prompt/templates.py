"""Jinja2 templates of all prompts; user-defined templates take precedence.

Templates are rendered in a sandbox, so that an untrusted template can only format text.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evolve
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_PACKAGE = Path(evolve.__file__).parent
_FOLDERS = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")  # of a wheel, of a checkout
FOLDER = next((each for each in _FOLDERS if each.is_dir()), _FOLDERS[0])
TASKS_FOLDER = "tasks"
_TEMPLATE_ERRORS = (
    TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
)  # fmt: skip


class PromptError(EvolveError):
    """An error in a template, with its file and line."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "compare it with the default template in `prompts/`")


@dataclass(frozen=True)
class Task:
    """A task for a model.

    Attributes:
        name: the stem of its file.
        parents: the minimum number of parents.
    """

    name: str
    parents: int


def render(template: str, folder: Path | None = None, **values: Any) -> str:
    """Render a template.

    Args:
        template: its file name, such as `task.md`.
        folder: a folder of user-defined templates, which is searched first.
        values: the variables of the template.

    Raises:
        PromptError: if the template is invalid or uses an undefined variable.
    """
    from jinja2 import TemplateError

    try:
        return _environment(folder).get_template(template).render(values).strip()
    except (*_TEMPLATE_ERRORS, TemplateError) as error:
        name, line = _locate_error(error, template)
        position = f"{folder or 'prompts'}: {name}" + (f", line {line}" if line else "")
        raise PromptError(f"{position}: {type(error).__name__}: {error}") from None


def _locate_error(error: Exception, template: str) -> tuple[str, int | None]:
    """Return the innermost template and the line of an error."""
    if isinstance(line := getattr(error, "lineno", None), int):
        return str(getattr(error, "name", None) or template), line
    frames = [
        each for each in traceback.extract_tb(error.__traceback__) if each.filename.endswith(".md")
    ]
    return (Path(frames[-1].filename).name, frames[-1].lineno) if frames else (template, None)


def list_tasks(folder: Path | None = None) -> dict[str, Task]:
    """List the tasks by name: the files in `tasks/` of the default and the user-defined folder.

    The first line of a file may require parents: `{# parents: 2 #}`.
    """
    folders = [each / TASKS_FOLDER for each in (FOLDER, folder) if each is not None]
    names = sorted({path.stem for each in folders for path in each.glob("*.md")})
    return {name: Task(name, _read_min_parents(name, folder)) for name in names}


def _read_min_parents(name: str, folder: Path | None) -> int:
    environment = _environment(folder)
    assert environment.loader is not None
    try:
        source, _, _ = environment.loader.get_source(environment, f"{TASKS_FOLDER}/{name}.md")
    except UnicodeDecodeError as error:
        raise PromptError(f"{folder or 'prompts'}: {TASKS_FOLDER}/{name}.md: {error}") from None
    first, _, _ = source.partition("\n")
    setting = re.fullmatch(r"\{#\s*(\w+):\s*(\S+)\s*#\}\s*", first)
    if setting is None:
        return 0
    key, value = setting.groups()
    if key != "parents" or not value.isdecimal():
        message = f"{TASKS_FOLDER}/{name}.md, line 1: expected `parents: N`, found `{key}: {value}`"
        raise PromptError(f"{folder or 'prompts'}: {message}")
    return int(value)


@cache
def _environment(folder: Path | None) -> SandboxedEnvironment:
    from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    loaders = [FileSystemLoader(each) for each in (folder, FOLDER) if each is not None]
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(loaders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    # Unseeded random numbers would make runs irreproducible.
    del environment.globals["lipsum"], environment.filters["random"]
    environment.filters["percent"] = _format_percent
    environment.filters["plain"] = _format_plain
    return environment


def _format_percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%"


def _format_plain(value: float) -> str:
    return f"{value:.6g}"
