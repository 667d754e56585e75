"""Errors that are reported to the user without a traceback."""

from __future__ import annotations


class EvolveError(Exception):
    """Error that the user can fix.

    Attributes:
        message: the location, what was found and what was expected.
        hint: how to fix it; empty if the message is enough.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\n  = {hint}" if hint else message)
