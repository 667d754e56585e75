"""What names mean while a text is read, and what was found wrong or doubtful in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dsl.diagnostics import Diagnostic, Span
from dsl.terms.operator import Operator
from dsl.terms.terms import Term


@dataclass
class Scope:
    """What names mean in one strategy or define, and the findings made while reading it.

    Attributes:
        find: operators by any of their names; None where there is none.
        names: lets, params and arguments by name.
        suggest: every name an operator goes by.
        later: names that lets and params further down give.
    """

    find: Callable[[str], Operator | None]
    suggest: Callable[[], Iterable[str]]
    names: dict[str, Term] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    found: list[Diagnostic] = field(default_factory=list)

    def report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Add a finding."""
        self.found.append(Diagnostic(code, message, span, hint))

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(each.severity == "error" for each in self.found)
