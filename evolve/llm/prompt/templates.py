"""Every word sent to a model, as Jinja2 templates; a folder of a user's own goes before them.

Templates are rendered in a sandbox: one that a user was given can format text and nothing else.
"""

from __future__ import annotations

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
_PLACES = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")  # of a wheel, of a checkout
FOLDER = next((each for each in _PLACES if each.is_dir()), _PLACES[0])
TASKS_FOLDER = "tasks"
_MISTAKES = (
    TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
)  # fmt: skip


class PromptError(EvolveError):
    """A template that cannot be rendered; says which, where and why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "compare it with the template that ships, in `prompts/`")


@dataclass(frozen=True)
class Task:
    """One thing a model may be asked to do.

    Attributes:
        name: the name of its file.
        parents: how many strategies it needs to be given.
    """

    name: str
    parents: int


def render(template: str, folder: Path | None = None, **values: Any) -> str:
    """A template with its values filled in.

    Args:
        template: its name, such as `task.md`.
        folder: where a user's own copies are looked for first.
        values: what it may use.

    Raises:
        PromptError: if it uses what there is not, or is no template.
    """
    from jinja2 import TemplateError

    try:
        return _environment(folder).get_template(template).render(values).strip()
    except (*_MISTAKES, TemplateError) as error:
        name, line = _locate_error(error, template)
        where = f"{folder or 'prompts'}: {name}" + (f", line {line}" if line else "")
        raise PromptError(f"{where}: {type(error).__name__}: {error}") from None


def _locate_error(error: Exception, template: str) -> tuple[str, int | None]:
    """The template and the line that an error is in: the innermost that was being rendered."""
    if isinstance(line := getattr(error, "lineno", None), int):
        return str(getattr(error, "name", None) or template), line
    frames = [
        each for each in traceback.extract_tb(error.__traceback__) if each.filename.endswith(".md")
    ]
    return (Path(frames[-1].filename).name, frames[-1].lineno) if frames else (template, None)


def list_tasks(folder: Path | None = None) -> dict[str, Task]:
    """Every direction by name: a file of `directions/`, here or in a user's folder.

    Its first line may say how many parents it needs: `{# parents: 2 #}`.
    """
    places = [each / TASKS_FOLDER for each in (FOLDER, folder) if each is not None]
    names = sorted({path.stem for place in places for path in place.glob("*.md")})
    return {name: Task(name, _read_min_parents(name, folder)) for name in names}


def _read_min_parents(name: str, folder: Path | None) -> int:
    environment = _environment(folder)
    assert environment.loader is not None
    try:
        source, _, _ = environment.loader.get_source(environment, f"{TASKS_FOLDER}/{name}.md")
    except UnicodeDecodeError as error:
        raise PromptError(f"{folder or 'prompts'}: {TASKS_FOLDER}/{name}.md: {error}") from None
    first, _, _ = source.partition("\n")
    words = first.replace("{#", "").replace("#}", "").split()
    is_said = len(words) == 2 and words[0] == "parents:" and words[1].isdecimal()
    return int(words[1]) if is_said else 0


@cache
def _environment(folder: Path | None) -> SandboxedEnvironment:
    from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    places = [FileSystemLoader(each) for each in (folder, FOLDER) if each is not None]
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(places),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    # What draws from a generator of its own would make a run that cannot be repeated.
    del environment.globals["lipsum"], environment.filters["random"]
    environment.filters["percent"] = _percent
    environment.filters["plain"] = _plain
    return environment


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%"


def _plain(value: float) -> str:
    return f"{value:.6g}"
