"""Runs of a grid, read and checked before the first one begins."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from dsl.diagnostics import Diagnostic, LanguageError
from evolve.config import ConfigError
from evolve.config.grid import Grid
from evolve.config.overrides import split_override
from evolve.errors import EvolveError
from evolve.experiment.input_copies import copy_strategies
from evolve.experiment.plan import Plan, read_plan
from evolve.llm.transport.address import mask_user_info

SEALED = "validate.holdout=sealed"
MAX_FOLDER_CHARACTERS = 80
MAX_ERRORS = 20


@dataclass(frozen=True, eq=False)
class Point:
    """Run of a grid.

    Attributes:
        number: its number, from 1.
        overrides: its settings `a.b=value`.
        settings: its values of the settings that differ, by name.
        folder: name of its run folder.
        plan: its plan.
        digest: hash of its settings and of the strategies that they name.
    """

    number: int
    overrides: tuple[str, ...]
    settings: dict[str, str]
    folder: str
    plan: Plan
    digest: str


def read_points(path: Path, grid: Grid) -> list[Point]:
    """Read the plans of all runs of a grid.

    Args:
        path: the YAML file of the experiment.
        grid: the grid.

    Raises:
        EvolveError, LanguageError: with all errors of all runs; also if two runs are equal, if one
            would open the holdout, or if they have different workers.
    """
    _check_sealed(grid)
    _check_workers(grid)
    points, errors = list[Point](), list[Exception]()
    seen: dict[str, tuple[str, ...]] = {}
    width = len(str(len(grid)))
    for number, overrides in enumerate(grid.iterate_points(), start=1):
        try:
            plan = read_plan(path, overrides)
            digest = _hash_plan(plan)
        except (EvolveError, LanguageError) as error:
            errors.append(error)
            continue
        if digest in seen:
            both = f"{describe_overrides(seen[digest])}, and {describe_overrides(overrides)}"
            raise EvolveError(f"two runs of the grid are equal: {both}", "give each value once")
        seen[digest] = overrides
        settings = _select_settings(grid, overrides)
        folder = _name_folder(f"{number:0{width}d}", settings)
        points.append(Point(number, overrides, settings, folder, plan, digest))
    if errors:
        raise _combine(errors)
    return points


def describe_overrides(overrides: Sequence[str]) -> str:
    """Return overrides in one line, without passwords."""
    return mask_user_info(" ".join(overrides)) or "no setting"


def _check_sealed(grid: Grid) -> None:
    """Refuse a grid that would open the holdout for one run after another."""
    for axis in grid.axes:
        if axis.setting == "validate.holdout" and axis.values != ("sealed",):
            message = f"`{axis.setting}`: expected sealed, found {', '.join(axis.values)}"
            hint = "choose one run of the sweep, then: evolve holdout open RUN"
            raise EvolveError(f"{message}; a sweep opens no holdout", hint)


def _check_workers(grid: Grid) -> None:
    """Refuse a grid over the processes, which all runs share and which change no result."""
    for axis in grid.varied:
        if axis.setting.partition(".")[0] == "workers":
            message = f"`{axis.setting}`: expected one value, found {', '.join(axis.values)}"
            hint = "measure it by single runs: evolve run EXPERIMENT --set workers=2"
            raise EvolveError(f"{message}; the runs of a sweep share the processes", hint)


def _hash_plan(plan: Plan) -> str:
    """Return a hash of the settings of a plan and of the strategies that they name."""
    files: dict[str, str] = {}
    settings = copy_strategies(plan, files.__setitem__).to_dict()
    text = json.dumps([settings, files], sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _select_settings(grid: Grid, overrides: Sequence[str]) -> dict[str, str]:
    """Return the values of the settings that differ, by name."""
    varied = {axis.setting for axis in grid.varied}
    pairs = (split_override(each) for each in overrides)
    values = {".".join(path): mask_user_info(value) for path, value in pairs}
    return {name: value for name, value in values.items() if name in varied}


def _name_folder(number: str, settings: dict[str, str]) -> str:
    """Return the name of a run folder, which every file system accepts."""
    parts = [f"{name.rpartition('.')[2]}={value}" for name, value in settings.items()]
    text = re.sub(r"[^A-Za-z0-9._=+-]+", "_", "-".join([number, *parts]))
    return text[:MAX_FOLDER_CHARACTERS].rstrip("._-")


def _combine(errors: Sequence[Exception]) -> Exception:
    """Return one error with all errors of the runs, each once."""
    if all(isinstance(each, ConfigError) for each in errors):
        found = [each for error in errors for each in getattr(error, "diagnostics", ())]
        unique: dict[str, Diagnostic] = {}
        for each in found:
            unique.setdefault(each.message, each)
        return ConfigError(unique.values())
    texts = list(dict.fromkeys(map(str, errors)))
    hidden = len(texts) - MAX_ERRORS
    texts = texts[:MAX_ERRORS] + ([f"and {hidden:,} more errors"] if hidden > 0 else [])
    return EvolveError("\n\n".join(texts))
