"""Log of the proposals of models and of what they learned."""

from __future__ import annotations

from typing import Protocol

from evolve.notices import NoticeLog


class ProposalLog(NoticeLog, Protocol):
    """Log of proposals and learnings."""

    def record_proposal(self, call: int, text: str, digest: str, status: str, reason: str) -> None:
        """Record a strategy in the answer of a call, and its status."""

    def record_learnings(self, text: str) -> None:
        """Record the learnings so far."""
