"""Notices: reports to the user that do not interrupt the run."""

from __future__ import annotations

from typing import Protocol


class NoticeLog(Protocol):
    """Receiver of notices, at any time and from any thread."""

    def notice(self, text: str) -> None:
        """Report an event that the user should know, such as the use of a fallback."""


class NoticeList:
    """List of notices."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notice(self, text: str) -> None:
        """Add a notice."""
        self.texts.append(text)
