"""Collection of the errors and warnings of a text, up to a limit of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dsl.budget import Budget
from dsl.diagnostics import Diagnostic, Severity, Source

MAX_FINDINGS = 100  # of each severity
_SUMMARIES: dict[Severity, str] = {"error": "E111", "warning": "W412"}


@dataclass
class Findings:
    """Errors and warnings of a text; those beyond the limit are counted.

    Attributes:
        budget: work that is left for finding more.
        has_warnings: whether warnings are wanted. To prove them takes most of the time of a check.
    """

    budget: Budget = field(default_factory=Budget)
    has_warnings: bool = True
    _shown: dict[Severity, list[Diagnostic]] = field(
        default_factory=lambda: {"error": [], "warning": []}
    )
    _omitted: dict[Severity, int] = field(default_factory=lambda: {"error": 0, "warning": 0})

    def add(self, diagnostic: Diagnostic) -> bool:
        """Add a diagnostic; return False if it is beyond the limit."""
        shown = self._shown[diagnostic.severity]
        if len(shown) >= MAX_FINDINGS:
            self._omitted[diagnostic.severity] += 1
            return False
        shown.append(diagnostic)
        return True

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add diagnostics."""
        for each in diagnostics:
            self.add(each)

    def list(self, source: Source) -> tuple[Diagnostic, ...]:
        """Return the diagnostics in order of position, the numbers of omitted ones included."""
        found: list[Diagnostic] = []
        for severity, code in _SUMMARIES.items():
            shown = sorted(self._shown[severity], key=lambda each: each.span)
            omitted = self._omitted[severity]
            if omitted:
                message = f"and {omitted:,} more {severity}{'s' if omitted > 1 else ''}"
                shown.append(Diagnostic(code, message, shown[-1].span, "correct those above first"))
            found.extend(shown)
        located = [replace(each, source=source) for each in found]
        return tuple(sorted(located, key=lambda each: each.span))
