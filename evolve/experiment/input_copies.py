"""Copies of the files that an experiment names, in the folder of its run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dsl.names import unique_name
from evolve.config import Experiment
from evolve.config.start_file import StartEntry, StartFile
from evolve.experiment.input_files import resolve_path
from evolve.experiment.plan import Plan
from evolve.files import read_text
from evolve.store import RunFolder
from evolve.store.files import INPUTS

LEARNINGS_FOLDER, PROMPTS_FOLDER = f"{INPUTS}/learnings", Path(f"{INPUTS}/prompts")


def copy_inputs(plan: Plan, folder: RunFolder) -> Experiment:
    """Copy the files that an experiment names into a run folder.

    Returns:
        The experiment with the paths of the copies. A recording is not copied: its path becomes
        absolute.
    """
    settings, llm = copy_strategies(plan, folder.write_text), plan.experiment.llm
    paths: dict[str, str] = {}
    if llm.learnings is not None:
        paths["learnings"] = f"{LEARNINGS_FOLDER}/{Path(llm.learnings).name}"
        source = plan.files.locate("llm.learnings", llm.learnings)
        folder.write_text(paths["learnings"], read_text(source, "llm.learnings"))
    if llm.prompts is not None:
        paths["prompts"] = PROMPTS_FOLDER.as_posix()
        _copy_templates(plan, llm.prompts, folder)
    return settings.model_copy(update={"llm": settings.llm.model_copy(update=paths)})


def copy_strategies(plan: Plan, write: Callable[[str, str], None]) -> Experiment:
    """Copy the strategies and operators that an experiment names.

    Args:
        plan: the experiment.
        write: receives the path of each copy in the run folder, and its text.

    Returns:
        The experiment with the paths of the copies, and with absolute paths of all other files.
    """
    settings, language, files = plan.experiment, plan.experiment.language, plan.files
    copies: dict[Path, str] = {}

    def copy(setting: str, name: str) -> str:
        path = files.locate(setting, name)
        if path not in copies:
            stem, taken = f"{INPUTS}/{path.stem}", set(copies.values())
            copies[path] = unique_name(stem, taken.__contains__, suffix=path.suffix)
            write(copies[path], read_text(path))
        return copies[path]

    def copy_start(entry: StartEntry) -> StartEntry:
        if isinstance(entry, StartFile):
            return entry.model_copy(update={"file": copy("start_from", entry.file)})
        return copy("start_from", entry)

    paths = {name: str(path.resolve()) for name, path in _locate_others(plan).items()}
    return settings.model_copy(
        update={
            "start_from": [copy_start(each) for each in settings.start_from],
            "language": language.model_copy(
                update={"include": [copy("language.include", each) for each in language.include]}
            ),
            "llm": settings.llm.model_copy(update=paths),
        }
    )


def _locate_others(plan: Plan) -> dict[str, Path]:
    """Return the paths of the other files that the `llm` section names, by setting."""
    llm, files = plan.experiment.llm, plan.files
    paths = {
        name: files.locate(f"llm.{name}", value)
        for name in ("prompts", "learnings")
        if (value := getattr(llm, name)) is not None
    }
    return paths if llm.replay is None else {**paths, "replay": resolve_path(llm.replay, plan.base)}


def _copy_templates(plan: Plan, name: str, folder: RunFolder) -> None:
    source = plan.files.locate("llm.prompts", name)
    for path in plan.files.list_templates("llm.prompts", source):
        copy = (PROMPTS_FOLDER / path.relative_to(source)).as_posix()
        folder.write_text(copy, read_text(path, "llm.prompts", errors="replace"))
