"""Report of a run as a file in its folder."""

from __future__ import annotations

from pathlib import Path

from evolve.experiment.run_view import read_view
from evolve.files import write_text
from evolve.report.html.render import render_page
from evolve.report.page.build import build_page
from evolve.store import REPORT


def save_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; return its path.

    Args:
        folder: the run folder.
        path: the file; `report.html` in the run folder if None.

    Raises:
        EvolveError: if the folder has no run or a damaged file, or the report cannot be written.
    """
    path = path or folder / REPORT
    write_text(path, render_page(build_page(read_view(folder))))
    return path
