"""Page of one run, in any state of its folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from dsl.diagnostics import LanguageError
from dsl.printable import make_printable
from evolve.dash.folders import Stamp, is_run, read_stamp
from evolve.errors import EvolveError
from evolve.experiment.run_view import read_view
from evolve.report.page.blocks import Page, Section, Text
from evolve.report.page.build import build_page
from evolve.store import JOURNAL
from evolve.store.database import is_unwritten

PAUSE_SECONDS = 0.5


class RunPage:
    """Page of a run; a source of pages.

    Attributes:
        key: its key among the sources: the name of the run folder.
    """

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: the run folder.
        """
        self.key = folder.name
        self._folder = folder

    def read_stamp(self) -> Stamp | None:
        """Return the signature of the folder; None if it was deleted."""
        return read_stamp(self._folder)

    def build(self) -> Page:
        """Build the page; a folder that cannot be read has its fault as a page.

        Raises:
            FileNotFoundError: if the folder was deleted meanwhile.
        """
        page, fault = self._try_to_build()
        if page is None:
            time.sleep(PAUSE_SECONDS)  # somebody may be deleting the folder, or writing it
            page, fault = self._try_to_build()
        if page is not None:
            return page
        if not is_run(self._folder):
            raise FileNotFoundError(self._folder)
        return self._describe_fault(fault)

    def _try_to_build(self) -> tuple[Page | None, str]:
        """Build the page; return None and the fault of a folder that cannot be read."""
        try:
            return build_page(read_view(self._folder)), ""
        except (EvolveError, LanguageError) as error:
            return None, str(error)
        except Exception as error:  # of a damaged folder: it ends neither the server nor the page
            return None, f"internal error: {type(error).__name__}: {error}"

    def _describe_fault(self, fault: str) -> Page:
        stamp = self.read_stamp()
        text, title = f"This run cannot be shown: {fault}", "Damaged run"
        if is_unwritten(self._folder / JOURNAL):
            text, title = "The run has no trials yet.", "No trials yet"
        section = Section("fault", title, (Text(text, "warning"),))
        name = make_printable(self.key)
        state: Literal["running", "stopped"] = "running" if stamp and stamp.is_live else "stopped"
        return Page(name, f"in {name}", state, (section,))
