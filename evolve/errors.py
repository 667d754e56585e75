"""Errors that are for people: said once, clearly, without a traceback."""

from __future__ import annotations


class EvolveError(Exception):
    """Something the user can mend: what is wrong, and how.

    Args:
        message: where, what was found and what was expected.
        hint: how to mend it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\n  = {hint}" if hint else message)
