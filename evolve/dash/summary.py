"""Rows of the list of runs; a folder is read again only after it changed."""

from __future__ import annotations

from pathlib import Path

from evolve.dash.stamp import Stamp, read_stamp
from evolve.experiment.run_folders import list_folders, name_run
from evolve.experiment.run_list import ListedRun, read_listed_run, sort_runs


class SummaryCache:
    """Rows of the runs in a folder.

    Attributes:
        runs: the folder, which may not exist yet.
        reads: number of folders that were read so far.
    """

    def __init__(self, runs: Path) -> None:
        self.runs, self.reads = runs, 0
        self._known: dict[str, tuple[Stamp, ListedRun]] = {}

    def read(self) -> tuple[ListedRun, ...]:
        """Return the rows, newest first.

        Raises:
            EvolveError: if the folder cannot be read.
        """
        known, self._known = self._known, {}
        for folder in list_folders(self.runs):
            stamp = read_stamp(folder)
            if stamp is None:  # deleted meanwhile
                continue
            name = name_run(folder, self.runs)
            before = known.get(name)
            if before is None or before[0] != stamp:
                self.reads += 1
                before = stamp, read_listed_run(folder, self.runs)
            self._known[name] = before
        return sort_runs(row for _, row in self._known.values())
