"""Result of a check of the installation or of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    Attributes:
        name: the name of the check.
        is_ok: whether it passed.
        text: the details.
    """

    name: str
    is_ok: bool
    text: str
