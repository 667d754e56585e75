"""Names of the files of a run folder, and the command that continues its run."""

from __future__ import annotations

import shlex
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


def format_resume(folder: Path) -> str:
    """Return the command that continues the run of a folder."""
    return f"evolve resume {shlex.quote(str(folder))}"
