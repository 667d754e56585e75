"""Errors that are reported to the user without a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.printable import make_lines_printable

if TYPE_CHECKING:
    from pydantic import ValidationError


class EvolveError(Exception):
    """Error that the user can fix.

    Attributes:
        message: the location, what was found and what was expected.
        hint: how to fix it; empty if the message is enough.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = make_lines_printable(message)
        self.hint = make_lines_printable(hint)
        super().__init__(f"{self.message}\n  = {self.hint}" if hint else self.message)


def describe_invalid(error: ValidationError) -> str:
    """Describe the first error of a document: where it is, and what was expected."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"`{where}`: {first['msg']}" if where else first["msg"]
