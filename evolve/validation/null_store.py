"""Store of null searches in the ledger, which the runs on the same data share."""

from __future__ import annotations

from dataclasses import dataclass

from evolve.validation.null_search import NullResult
from evolve.validation.run_ledger import RunLedger, RunRecord


@dataclass(frozen=True)
class NullStore:
    """Store of the null searches of a run; see `JobStore`.

    Attributes:
        ledger: the ledger.
        record: the run.
        target: the score that ends a search; None for none.
    """

    ledger: RunLedger
    record: RunRecord
    target: float | None = None

    def read(self) -> dict[int, NullResult]:
        """Return the results that are complete, or reach the target, by number."""
        return self.ledger.read_nulls(self.record, self.target)

    def save(self, number: int, result: NullResult) -> None:
        """Add a result to the ledger."""
        self.ledger.record_null(self.record, result)
