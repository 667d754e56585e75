"""Results of jobs in a journal: each is computed once, also when its run is continued."""

from __future__ import annotations

import json
from typing import Any

from evolve.store.database import Database


class JobTable:
    """Table of the results of jobs; usable from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, problem: str) -> dict[int, Any]:
        """Return the results of a problem by the number of the job, in order.

        Args:
            problem: hash of what its jobs share.
        """
        query = "SELECT number, result FROM jobs WHERE problem=? ORDER BY number"
        with self._database.read() as connection:
            rows = connection.execute(query, (problem,)).fetchall()
            return {number: json.loads(result) for number, result in rows}

    def save(self, problem: str, number: int, result: Any) -> None:
        """Save the result of a job and commit it; a job that was repeated replaces its result.

        Args:
            problem: hash of what its jobs share.
            number: number of the job.
            result: its result as JSON values.
        """
        row = (problem, number, json.dumps(result, separators=(",", ":")))
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO jobs VALUES (?,?,?)", row)

    def clear(self) -> None:
        """Delete all results, of jobs that a run with other settings does not repeat."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM jobs")
