"""Scope of names and diagnostics during the analysis of a strategy or define."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dsl.analysis.findings import Findings
from dsl.diagnostics import Diagnostic, Span, did_you_mean
from dsl.syntax.expressions import MAX_DEPTH
from dsl.terms.canonical import MAX_CANONICAL_DEPTH, MAX_CANONICAL_NODES
from dsl.terms.expansion import Extent, measure_call
from dsl.terms.operator import Operator
from dsl.terms.terms import Term

MAX_NODES = 500  # of a strategy as written
LEAF = Extent(1, 1)


@dataclass
class Scope:
    """Names of one strategy or define, and its diagnostics.

    Attributes:
        find: returns an operator by any of its names, or None.
        list_operators: returns all names of operators, for hints.
        findings: diagnostics of the whole text.
        names: terms of lets, params and arguments, by name.
        used: names that an expression has read.
        later: names of lets and params further down.
        unknown: names whose definition has an error, which is reported once.
        is_whole: whether no statement was skipped. A skipped statement may define a name or use
            one, so that only errors that do not depend on it are reported.
        diagnostics: errors and warnings so far.
        has_errors: whether any diagnostic is an error.
    """

    find: Callable[[str], Operator | None]
    list_operators: Callable[[], Iterable[str]]
    findings: Findings = field(default_factory=Findings)
    names: dict[str, Term] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    is_whole: bool = True
    diagnostics: list[Diagnostic] = field(default_factory=list)
    has_errors: bool = False
    _extents: dict[Term, Extent] = field(default_factory=dict)

    def report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Add a diagnostic."""
        diagnostic = Diagnostic(code, message, span, hint)
        is_error = diagnostic.severity == "error"
        if not self.is_whole and (not is_error or code == "E201"):
            return
        self.has_errors = self.has_errors or is_error
        if self.findings.add(diagnostic):
            self.diagnostics.append(diagnostic)

    def suggest(self, name: str, first: Iterable[str] = ()) -> str:
        """Return a hint with the names closest to an unknown one; empty if none is close.

        Args:
            name: the unknown name.
            first: names to prefer to those of operators.
        """
        if not self.findings.budget.take("suggestions"):
            return ""
        return did_you_mean(name, first) or did_you_mean(name, self.list_operators())

    def measure(self, term: Term) -> Extent:
        """Return the extent of a term after its defines are expanded."""
        return self._extents.get(term, LEAF)

    def admit(self, term: Term, span: Span) -> bool:
        """Return whether a call of measured arguments is within the limits; report if it is not.

        A recursion over an admitted term ends after a limited number of steps.
        """
        if term in self._extents:
            return True
        assert term.operator is not None
        args = [self.measure(arg) for arg in term.args]
        extent = measure_call(term.operator, args)
        added = extent.nodes - sum(arg.nodes for arg in args)
        expanded = "after lets and defines are expanded"
        if term.size > MAX_NODES:
            message = f"the expression has {term.size:,} nodes after lets are expanded"
            limit = f"expected at most {MAX_NODES}"
        elif extent.nodes > MAX_CANONICAL_NODES:
            message = f"the expression has {extent.nodes:,} nodes {expanded}"
            limit = f"expected at most {MAX_CANONICAL_NODES:,}"
        elif term.depth > MAX_DEPTH:
            return self._report_depth(term.depth, "lets", MAX_DEPTH, span)
        elif extent.depth > MAX_CANONICAL_DEPTH:
            return self._report_depth(extent.depth, "lets and defines", MAX_CANONICAL_DEPTH, span)
        elif not self.findings.budget.take("nodes", max(1, added)):
            message, limit = f"the text has too many nodes {expanded}", "no more can be checked"
        else:
            self._extents[term] = extent
            return True
        self.report("E307", f"{message}; {limit}", span, "use fewer parts, and each only once")
        return False

    def _report_depth(self, depth: int, what: str, limit: int, span: Span) -> bool:
        message = f"the expression is nested {depth} deep after {what} are expanded"
        message += f"; expected at most {limit}"
        self.report("E104", message, span, "compute it in fewer steps")
        return False
