"""Scope of names and diagnostics during the analysis of a strategy or define."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dsl.diagnostics import Diagnostic, Span
from dsl.terms.operator import Operator
from dsl.terms.terms import Term


@dataclass
class Scope:
    """Names of one strategy or define, and its diagnostics.

    Attributes:
        find: returns an operator by any of its names, or None.
        suggest: returns all names of operators, for hints.
        names: terms of lets, params and arguments, by name.
        used: names that an expression has read.
        later: names of lets and params further down.
        unknown: names whose definition has an error, which is reported once.
        diagnostics: errors and warnings so far.
    """

    find: Callable[[str], Operator | None]
    suggest: Callable[[], Iterable[str]]
    names: dict[str, Term] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Add a diagnostic."""
        self.diagnostics.append(Diagnostic(code, message, span, hint))

    @property
    def has_errors(self) -> bool:
        """Whether any diagnostic is an error."""
        return any(each.severity == "error" for each in self.diagnostics)
