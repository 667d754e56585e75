"""Jinja2 templates of all prompts; user-defined templates take precedence.

An untrusted template can only format text, within bounds: see `sandbox`.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evolve
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from evolve.llm.prompt.sandbox import TemplateEnvironment

_PACKAGE = Path(evolve.__file__).parent
_FOLDERS = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")  # of a wheel, of a checkout
FOLDER = next((each for each in _FOLDERS if each.is_dir()), _FOLDERS[0])
TASKS_FOLDER = "tasks"
_TEMPLATE_ERRORS = (
    TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
    SyntaxError, MemoryError,
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
        return _render(template, folder, values).strip()
    except (*_TEMPLATE_ERRORS, TemplateError) as error:
        name, line = _locate_error(error, template)
        position = f"{folder or 'prompts'}: {name}" + (f", line {line}" if line else "")
        raise PromptError(f"{position}: {type(error).__name__}: {error}") from None


def _render(template: str, folder: Path | None, values: Mapping[str, object]) -> str:
    from evolve.llm.prompt.sandbox import BUDGET, MAX_RENDERED_CHARACTERS, WorkBudget

    parts, length = [], 0
    loaded = _environment(folder).get_template(template)
    for part in loaded.generate({**values, BUDGET: WorkBudget()}):
        parts.append(part)
        length += len(part)
        if length > MAX_RENDERED_CHARACTERS:
            raise ValueError(f"expected at most {MAX_RENDERED_CHARACTERS:,} characters of text")
    return "".join(parts)


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
    from jinja2 import TemplateError

    environment, file = _environment(folder), f"{TASKS_FOLDER}/{name}.md"
    assert environment.loader is not None
    try:
        source, _, _ = environment.loader.get_source(environment, file)
        environment.parse(source, file, file)
    except (*_TEMPLATE_ERRORS, TemplateError) as error:
        _, line = _locate_error(error, file)
        position = f"{folder or 'prompts'}: {file}" + (f", line {line}" if line else "")
        raise PromptError(f"{position}: {error}") from None
    first, _, _ = source.partition("\n")
    setting = re.fullmatch(r"\{#\s*(\w+):\s*(\S+)\s*#\}\s*", first)
    if setting is None:
        return 0
    key, value = setting.groups()
    if key != "parents" or not re.fullmatch("[0-9]{1,3}", value):
        message = f"{TASKS_FOLDER}/{name}.md, line 1: expected `parents: N`, found `{key}: {value}`"
        raise PromptError(f"{folder or 'prompts'}: {message}")
    return int(value)


@cache
def _environment(folder: Path | None) -> TemplateEnvironment:
    from evolve.llm.prompt.sandbox import FolderLoader, TemplateEnvironment

    loader = FolderLoader(each for each in (folder, FOLDER) if each is not None)
    return TemplateEnvironment(loader, {"percent": _format_percent, "plain": _format_plain})


def _format_percent(value: float, digits: int = 1) -> str:
    if digits not in range(10):
        raise ValueError(f"expected 0 to 9 digits, found {digits}")
    return f"{100 * value:.{digits}f}%"


def _format_plain(value: float) -> str:
    return f"{value:.6g}"
