"""Check of files: from text to typed programs, with all errors and warnings."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.analysis.catalog import Catalog, catalog, define_operators
from dsl.analysis.findings import Findings
from dsl.analysis.program import Program, Rules
from dsl.analysis.resolve import resolve, resolve_condition
from dsl.analysis.scope import MAX_NODES, Scope
from dsl.analysis.settings import resolve_setting
from dsl.analysis.strategy_warnings import (
    warn_of_exits,
    warn_of_fixed_rules,
    warn_of_unused_names,
)
from dsl.budget import Budget
from dsl.diagnostics import Diagnostic, LanguageError, Source, Span
from dsl.gc_pause import pause_gc
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.parser import Parsed, parse, parse_expression, parse_leniently
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ENTRIES
from dsl.terms.canonical import MeaningError, canonicalize
from dsl.terms.terms import Parameter, Term, parameter

_HINTS = {
    "E304": "change the number that it is computed from",
    "E307": "use fewer parts, and each only once",
    "E104": "compute it in fewer steps",
}
_ADD_STRATEGY = "write `strategy name { buy when close > sma(close, 50) }`"


@dataclass(frozen=True)
class Report:
    """Valid strategies of a file, and its diagnostics in order of position."""

    programs: tuple[Program, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Diagnostics that make a strategy invalid."""
        return tuple(each for each in self.diagnostics if each.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Diagnostics of valid but dubious code."""
        return tuple(each for each in self.diagnostics if each.severity == "warning")


def check(text: str, name: str = "<text>") -> Program:
    """Check a text with exactly one strategy, and return its program.

    Raises:
        LanguageError: with all errors of the text, or if the number of strategies is not one.
    """
    programs = check_file(text, name)
    if len(programs) != 1:
        names = ", ".join(f"`{each.name}`" for each in programs)
        message = f"expected one strategy, found {len(programs)}" + (f": {names}" if names else "")
        hint = "remove the others" if programs else _ADD_STRATEGY
        raise LanguageError([Diagnostic("E109", message, Span(0, 1), hint, Source(text, name))])
    return programs[0]


def check_file(
    text: str, name: str = "<text>", known: Catalog | None = None
) -> tuple[Program, ...]:
    """Return the programs of a text; raise LanguageError with all errors of the text."""
    with pause_gc():
        report = _inspect(text, name, known or catalog(), Findings(has_warnings=False))
    if report.errors:
        raise LanguageError(report.errors)
    return report.programs


def check_expression(text: str, name: str = "<expression>") -> Term:
    """Return the canonical term of an expression over bar series; raise LanguageError."""
    known = catalog()
    scope = Scope(known.find, known.names)
    node = parse_expression(text, name)
    term = resolve(node, scope)
    if term is not None and not scope.has_errors:
        try:
            return canonicalize(term, known.operator)
        except MeaningError as error:
            scope.report(error.code, str(error), node.span, _HINTS[error.code])
    raise LanguageError(scope.findings.list(Source(text, name)))


def extend_catalog(text: str, name: str, known: Catalog) -> Catalog:
    """Extend a catalog by the operators that a text defines.

    Raises:
        LanguageError: with all errors of the text.
    """
    check_file(text, name, known)
    return known.extend(define_operators(parse(text, name), known, Findings()))


def inspect(
    text: str,
    name: str = "<text>",
    known: Catalog | None = None,
    budget: Budget | None = None,
) -> Report:
    """Return the programs of a file, with all errors and warnings.

    Args:
        text: content of the file.
        name: name of the file in messages.
        known: operators that it may use; by default the built-in ones.
        budget: work that is left; by default that of one file.
    """
    with pause_gc():
        return _inspect(text, name, known or catalog(), Findings(budget or Budget()))


def _inspect(text: str, name: str, known: Catalog, findings: Findings) -> Report:
    parsed = parse_leniently(text, name, findings.budget)
    findings.extend(parsed.errors)
    # Operators hold their defines, which are printed with their comments.
    file = parsed.with_comments() if parsed.file.defines else parsed.file
    operators = define_operators(file, known, findings)
    extended = known.extend(operators)
    broken = {node.signature.name for node in parsed.file.defines} - extended.operators.keys()
    programs: list[Program] = []
    seen: set[str] = set()
    for node in parsed.file.strategies:
        if node.name in seen:
            message = f"duplicate strategy `{node.name}`"
            findings.add(Diagnostic("E204", message, node.name_span, "rename one of them"))
        seen.add(node.name)
        scope = Scope(
            extended.find, extended.names, findings, unknown=set(broken),
            is_whole=_is_whole(parsed, node),
        )  # fmt: skip
        program = _check_strategy(node, scope)
        if program is not None:
            programs.append(program)
    findings.extend(_check_not_empty(parsed))
    return Report(tuple(programs), findings.list(parsed.source))


def _is_whole(parsed: Parsed, node: nodes.Strategy) -> bool:
    """Return whether no statement of a strategy was skipped for a syntax error."""
    return not any(node.span.start <= each.span.start < node.span.end for each in parsed.errors)


def _check_not_empty(parsed: Parsed) -> list[Diagnostic]:
    if parsed.file.items or parsed.errors:
        return []
    return [Diagnostic("E107", "no strategy found", Span(0, 1), _ADD_STRATEGY)]


def _check_strategy(node: nodes.Strategy, scope: Scope) -> Program | None:
    """Return the program of a strategy, or None after an error, which is reported to the scope."""
    rules: dict[str, Term] = {}
    about, is_complete = "", True
    named = [each.name for each in node.statements if isinstance(each, nodes.Param | nodes.Let)]
    scope.later = set(named)
    for statement in node.statements:
        match statement:
            case nodes.About(text):
                about = text
            case nodes.Param():
                _add_param(statement, scope)
                scope.later.discard(statement.name)
            case nodes.Let(name, value):
                _add_let(statement, name, value, scope)
                scope.later.discard(name)
            case nodes.Order(name, when):
                term = resolve_condition(when, scope, f"`{statement.head}`")
                is_complete = is_complete and term is not None
                if term is not None:
                    rules[name] = term
            case nodes.Setting(name):
                term = resolve_setting(statement, scope)
                is_complete = is_complete and term is not None
                if term is not None:
                    rules[name] = term
    if not scope.is_whole:
        return None
    _check_entry(node, scope)
    if not is_complete:  # the error may be that of a define, which is reported there
        return None
    program = Program(node.name, _build_rules(node, rules), about)
    if not scope.has_errors and scope.findings.has_warnings:
        # An error may be the cause of an unused name or a missing exit.
        warn_of_exits(node, scope)
        warn_of_unused_names(node, scope)
    _check_limits(node, program, scope)
    if not scope.has_errors and scope.findings.has_warnings:
        warn_of_fixed_rules(node, program, scope)
    return None if scope.has_errors else program


def _build_rules(node: nodes.Strategy, terms: dict[str, Term]) -> Rules:
    """Return the rules of a strategy; an entry with `while` has its negation as exit."""
    orders = [each for each in node.statements if isinstance(each, nodes.Order)]
    held = {each.name for each in orders if each.is_while}
    rules = Rules(**terms)
    for side, (entry, _) in DIRECTION_ORDERS.items():
        if entry in held:
            rules = rules.tie(side)
    return rules


def _add_param(node: nodes.Param, scope: Scope) -> None:
    if not _check_name(node.name, node.name_span, scope):
        return
    low, high = node.low, node.high
    step = node.step.value if node.step else None
    if low and high and not low.value <= node.value.value <= high.value:
        text = format_number(node.value.value, node.value.percent)
        limits = "..".join(format_number(end.value, end.percent) for end in (low, high))
        message = f"`{node.name}` is {text}, outside its range {limits}"
        scope.report("E309", message, node.value.span, "widen the range or change the value")
    if node.step and step is not None and step <= 0:
        message = f"expected a step above 0, found {format_number(step, node.step.percent)}"
        scope.report("E309", message, node.step.span, "write `step 1`")
        step = None
    param = Parameter(
        node.name,
        node.value.value,
        low.value if low else None,
        high.value if high else None,
        step,
        node.value.percent,
    )
    scope.names[node.name] = parameter(param)


def _add_let(node: nodes.Let, name: str, value: nodes.Expression, scope: Scope) -> None:
    is_free = _check_name(name, node.name_span, scope)
    term = resolve(value, scope)
    if term is None:
        scope.unknown.add(name)
    elif is_free:
        scope.names[name] = term


def _check_name(name: str, span: Span, scope: Scope) -> bool:
    if name in scope.names or name in scope.unknown:
        scope.report("E204", f"duplicate name `{name}`", span, "rename one of them")
        return False
    operator = scope.find(name)
    if operator is not None and operator.series:
        scope.report("E204", f"`{name}` is already a bar series", span, "choose another name")
        return False
    if operator is not None:
        hint = f"choose another name; the operator is `{operator.signature}`"
        scope.report("W409", f"`{name}` shadows an operator", span, hint)
    return True


def _check_entry(node: nodes.Strategy, scope: Scope) -> None:
    orders = {each.name for each in node.statements if isinstance(each, nodes.Order)}
    if not orders & set(ENTRIES):
        message = f"strategy `{node.name}` never enters a position"
        scope.report("E308", message, node.name_span, "add `buy when …` or `short when …`")


def _check_limits(node: nodes.Strategy, program: Program, scope: Scope) -> None:
    if scope.has_errors:
        return
    if program.nodes > MAX_NODES:
        message = f"strategy `{node.name}` has {program.nodes} nodes; the limit is {MAX_NODES}"
        scope.report("E307", message, node.name_span, "simplify it, or move parts into defines")
        return
    try:
        _ = program.canonical
    except MeaningError as error:
        scope.report(error.code, str(error), node.name_span, _HINTS[error.code])
