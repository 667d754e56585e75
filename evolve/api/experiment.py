"""Runs of experiments: a new run, and a run of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evolve.api.data import describe_type
from evolve.api.run_result import RunResult
from evolve.errors import EvolveError


def run(
    experiment: str | Path, overrides: str | Sequence[str] = (), out: str | Path | None = None
) -> RunResult:
    """Run an experiment and write its run folder and its report, as `evolve run` does.

    Args:
        experiment: the path of the YAML file.
        overrides: one setting `a.b=value` or several, which replace those of the YAML file.
        out: the run folder; `runs/<name>-<time>` if None.

    Raises:
        EvolveError, LanguageError: if the experiment, a strategy or the data is not valid.
    """
    from evolve.experiment.run import run as run_experiment
    from evolve.report.save import save_report

    path = _read_path(experiment, "the path of an experiment", "experiments/quick.yaml")
    overrides = [overrides] if isinstance(overrides, str) else overrides
    if not isinstance(overrides, list | tuple) or not all(isinstance(e, str) for e in overrides):
        hint = 'such as "budget.evaluations=500", or a list of them'
        raise EvolveError(f"expected overrides as text, found {describe_type(overrides)}", hint)
    folder = None if out is None else _read_path(out, "the path of a new folder", "runs/first")
    return load_run(run_experiment(path, overrides, folder, report=save_report).folder)


def load_run(folder: str | Path) -> RunResult:
    """Load the run of a folder at this moment: running, stopped or finished.

    Args:
        folder: the run folder.

    Raises:
        EvolveError, LanguageError: if the folder has no run, or a damaged file.
    """
    from evolve.experiment.run_view import read_view

    return RunResult(read_view(_read_path(folder, "the path of a run folder", "runs/first")))


def _read_path(value: object, expected: str, example: str) -> Path:
    if isinstance(value, str | Path) and str(value).strip() and "\0" not in str(value):
        path = Path(value)
        try:
            path.exists()
        except (OSError, ValueError):  # too long, or with characters that no path has
            raise EvolveError(f"invalid path: {path}", f"expected {expected}") from None
        return path
    found = f"`{value!r}`" if isinstance(value, str) else describe_type(value)
    raise EvolveError(f"expected {expected}, found {found}", f"such as {example}")
