"""Pages as files."""

from __future__ import annotations

from pathlib import Path

from evolve.errors import EvolveError
from evolve.experiment.run_view import read_view
from evolve.files import write_text
from evolve.report.html.render import render_page
from evolve.report.page.blocks import Page
from evolve.report.page.build import build_page
from evolve.store import REPORT
from evolve.store.files import format_command

EXTENSIONS = (".html", ".htm")


def save_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; return its path.

    Args:
        folder: the run folder.
        path: the file; `report.html` in the run folder if None.

    Raises:
        EvolveError: if the folder has no run or a damaged file, or the report cannot be written.
    """
    if path is not None:
        check_page_path(path)
    page, written = build_page(read_view(folder)), path or folder / REPORT
    try:
        save_page(page, written)
    except EvolveError as error:
        hint = f"give another file: {format_command('report', folder, '--out', REPORT)}"
        raise EvolveError(error.message, hint) from None
    return written


def save_page(page: Page, path: Path) -> None:
    """Write a page as one HTML file.

    Raises:
        EvolveError: if it cannot be written.
    """
    write_text(path, render_page(page))


def check_page_path(path: Path) -> None:
    """Raise EvolveError if a path is not that of an HTML file, so that no table is replaced."""
    if path.suffix.lower() not in EXTENSIONS:
        hint = f"expected a file that ends in {EXTENSIONS[0]}"
        raise EvolveError(f"unknown format of a page: {path}", hint)
