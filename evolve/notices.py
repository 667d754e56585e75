"""Notices: what a person should know although the work goes on."""

from __future__ import annotations

from typing import Protocol


class NoticeLog(Protocol):
    """Receives notices, at any time and from any thread."""

    def notice(self, text: str) -> None:
        """Report something a person should know, such as the use of a fallback."""


class NoticeList:
    """Collects notices in a list."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notice(self, text: str) -> None:
        """Append a notice."""
        self.texts.append(text)
