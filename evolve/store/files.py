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
    return " ".join(["evolve", command, quote_path(path), *map(shlex.quote, options)])


def quote_path(path: Path) -> str:
    """Quote a path as a word of a shell, which is no option if the path begins with a dash."""
    name = str(path)
    is_option = name.startswith("-") and name != STANDARD_INPUT
    return shlex.quote(f"./{name}" if is_option else name)


def format_resume(folder: Path) -> str:
    """Return the command that continues the run of a folder."""
    return format_command("resume", folder)


def format_resume_sweep(folder: Path) -> str:
    """Return the command that continues the sweep of a folder."""
    return format_command("sweep", folder, "--resume")
