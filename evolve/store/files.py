"""Names of the files of a run folder, and the commands that continue and repair its run."""

from __future__ import annotations

import shlex
from itertools import count
from pathlib import Path

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
NULL = "null"  # calls to models in null searches
MAX_RESULT_BYTES = 64_000_000
EXAMPLE = "expected a run folder, such as runs/spy-20261101-120000"


def format_resume(folder: Path) -> str:
    """Return the command that continues the run of a folder."""
    return f"evolve resume {shlex.quote(str(folder))}"


def format_repair(folder: Path) -> str:
    """Return the command that repairs the run of a folder."""
    return f"evolve runs --repair {shlex.quote(str(folder))}"


def choose_damaged_name(path: Path) -> Path:
    """Return a free path beside a damaged file, such as `result.damaged-1.json`."""
    names = (path.with_name(f"{path.stem}.damaged-{each}{path.suffix}") for each in count(1))
    return next(each for each in names if not each.exists())
