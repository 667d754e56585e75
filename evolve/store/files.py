"""Names of the files of a run folder, and the commands that continue a run and a sweep."""

from __future__ import annotations

import shlex
from pathlib import Path

from evolve.files import STANDARD_INPUT

RUNS = Path("runs")  # the folder of the run folders, unless the user names another one
EXPERIMENT = "experiment.yaml"
BARS = "bars.parquet"
JOURNAL = "journal.sqlite"
RESULT = "result.json"
REPORT = "report.html"
BEST = "best.evo"
LEARNINGS = "learnings.md"
FINALISTS, INPUTS = "finalists", "inputs"  # folders
EARLIER = "earlier"  # results of a run that went on after them
SWEEP = "sweep.json"  # of the folder of a sweep
NULL = "null"  # calls to models in null searches
MAX_RESULT_BYTES = 64_000_000


def format_command(command: str, path: Path, *options: str) -> str:
    """Return a command line of evolve that a shell accepts.

    Args:
        command: name of the command.
        path: its file or folder.
        options: its other words.
    """
    name = str(path)
    if name.startswith("-") and name != STANDARD_INPUT:  # it would be an option
        name = f"./{name}"
    return shlex.join(["evolve", *command.split(), name, *options])


def format_resume(folder: Path) -> str:
    """Return the command that continues the run of a folder."""
    return format_command("resume", folder)


def format_resume_sweep(folder: Path) -> str:
    """Return the command that continues the sweep of a folder."""
    return format_command("sweep", folder, "--resume")
