"""Errors that are reported to the user without a traceback."""

from __future__ import annotations

from typing import ClassVar

from dsl.printable import MAX_SHOWN_CHARACTERS, make_printable


class EvolveError(Exception):
    """Error that the user can fix.

    Attributes:
        message: the location, what was found and what was expected.
        hint: how to fix it; empty if the message is enough.
        max_characters: the length above which the middle of a message is cut.
    """

    max_characters: ClassVar[int] = MAX_SHOWN_CHARACTERS

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = make_printable(message, self.max_characters)
        self.hint = make_printable(hint)
        super().__init__(f"{self.message}\n  = {self.hint}" if hint else self.message)
