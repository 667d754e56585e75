"""Reports as files: of a run in its folder, and of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evolve.experiment.run_view import RunView, read_view
from evolve.files import write_text
from evolve.report.html.render import render_page
from evolve.report.page.build import build_page
from evolve.report.page.comparison import build_comparison_page
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


def save_comparison(views: Sequence[RunView], path: Path) -> None:
    """Write the page that compares runs.

    Raises:
        EvolveError: if the runs cannot be compared, or the page cannot be written.
    """
    write_text(path, render_page(build_comparison_page(views)))
