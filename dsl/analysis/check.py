"""Strategies as written to typed programs, with everything wrong or doubtful in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dsl.analysis.catalog import Catalog, catalog, define_operators
from dsl.analysis.program import Program, Rules
from dsl.analysis.resolve import resolve, resolve_condition
from dsl.analysis.scope import Scope
from dsl.analysis.settings import resolve_setting
from dsl.diagnostics import Diagnostic, LanguageError, Source, Span
from dsl.gc_pause import pause_gc
from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.parser import Parsed, parse, parse_expression, parse_leniently
from dsl.syntax.vocabulary import ENTRIES, EXIT_SETTINGS, SIDES
from dsl.terms.canonical import MeaningError, canonicalize
from dsl.terms.intervals import find_contradiction, implies
from dsl.terms.terms import Parameter, Term, parameter

MAX_NODES = 500
_MEND = {
    "E304": "change the number it is computed from",
    "E307": "use its parts once, or fewer of them",
    "E104": "build it from fewer steps",
}


@dataclass(frozen=True)
class Report:
    """What a file holds: its valid strategies and all findings, in order of place."""

    programs: tuple[Program, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep a strategy from being used."""
        return tuple(each for each in self.diagnostics if each.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The findings that a person should look at."""
        return tuple(each for each in self.diagnostics if each.severity == "warning")


def check(text: str, name: str = "<text>") -> Program:
    """The one strategy of a text.

    Raises:
        LanguageError: with every error of the text, or if it does not hold exactly one strategy.
    """
    programs = check_file(text, name)
    if len(programs) != 1:
        names = ", ".join(f"`{each.name}`" for each in programs)
        source = Source(text, name)
        message = f"one strategy was expected, found {len(programs)}: {names}"
        raise LanguageError([Diagnostic("E109", message, Span(0, 1), "keep one", source)])
    return programs[0]


def check_file(
    text: str, name: str = "<text>", known: Catalog | None = None
) -> tuple[Program, ...]:
    """Every strategy of a text; raises LanguageError with every error of the text."""
    report = inspect(text, name, known)
    if report.errors:
        raise LanguageError(report.errors)
    return report.programs


def check_expression(text: str, name: str = "<expression>") -> Term:
    """An expression over bar series as a canonical term; raises LanguageError."""
    known = catalog()
    scope = Scope(known.find, known.names)
    node = parse_expression(text, name)
    term = resolve(node, scope)
    if term is not None and not scope.has_errors:
        try:
            return canonicalize(term, known.operator)
        except MeaningError as error:
            scope.report(error.code, str(error), node.span, _MEND[error.code])
    source = Source(text, name)
    raise LanguageError([replace(each, source=source) for each in scope.found])


def definitions(text: str, name: str, known: Catalog) -> Catalog:
    """The operators known, and those a text defines; raises LanguageError as `check_file` does."""
    check_file(text, name, known)
    return known.extend(define_operators(parse(text, name), known)[0])


def inspect(text: str, name: str = "<text>", known: Catalog | None = None) -> Report:
    """Everything there is to say about a file, errors and warnings alike.

    Args:
        text: the file.
        name: what it goes by in messages.
        known: the operators it may use; the built-in ones if not given.
    """
    with pause_gc():
        return _inspect(text, name, known)


def _inspect(text: str, name: str, known: Catalog | None) -> Report:
    parsed = parse_leniently(text, name)
    found = list(parsed.errors)
    known = known or catalog()
    file = parsed.with_comments() if parsed.file.defines else parsed.file  # defines are printed
    operators, define_findings = define_operators(file, known)
    found.extend(define_findings)
    extended = known.extend(operators)
    broken = {node.signature.name for node in parsed.file.defines} - extended.operators.keys()
    programs: list[Program] = []
    seen: set[str] = set()
    for node in parsed.file.strategies:
        if node.name in seen:
            message = f"strategy `{node.name}` stands twice in this file"
            found.append(Diagnostic("E204", message, node.name_span, "rename one of them"))
        seen.add(node.name)
        scope = Scope(extended.find, extended.names, unknown=set(broken))
        program = _check_strategy(node, scope, _is_whole(parsed, node))
        found.extend(scope.found)
        if program is not None:
            programs.append(program)
    found.extend(_check_not_empty(parsed))
    source = parsed.source
    placed = sorted((replace(each, source=source) for each in found), key=lambda each: each.span)
    return Report(tuple(programs), tuple(placed))


def _is_whole(parsed: Parsed, node: nodes.Strategy) -> bool:
    """Whether no statement of the strategy was left out for a syntax error."""
    return not any(node.span.start <= each.span.start < node.span.end for each in parsed.errors)


def _check_not_empty(parsed: Parsed) -> list[Diagnostic]:
    if parsed.file.items or parsed.errors:
        return []
    hint = "a strategy is `strategy name { buy when close > sma(close, 50) }`"
    return [Diagnostic("E107", "there is no strategy here", Span(0, 1), hint)]


def _check_strategy(node: nodes.Strategy, scope: Scope, is_whole: bool) -> Program | None:
    """The program of a strategy, or None; the findings in it are in the scope."""
    rules: dict[str, Term] = {}
    about = ""
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
                term = resolve_condition(when, scope, f"`{name} when`")
                if term is not None:
                    rules[name] = term
            case nodes.Setting(name):
                term = resolve_setting(statement, scope)
                if term is not None:
                    rules[name] = term
    if not is_whole:
        sure = [e for e in scope.found if e.severity == "error" and e.code != "E201"]
        scope.found[:] = sure
        return None
    program = Program(node.name, Rules(**rules), about)
    _check_enters(node, scope)
    if not scope.has_errors:  # what is unused or unfinished may be so for an error
        _check_ways_out(node, scope)
        _check_used(node, scope)
    _check_limits(node, program, scope)
    if not scope.has_errors:
        _check_ranges(node, program, scope)
    return None if scope.has_errors else program


def _add_param(node: nodes.Param, scope: Scope) -> None:
    if not _name_is_free(node.name, node.name_span, scope):
        return
    low, high = node.low, node.high
    step = node.step.value if node.step else None
    if low and high and not low.value <= node.value.value <= high.value:
        text = format_number(node.value.value, node.value.percent)
        message = f"`{node.name}` is {text}, outside its range"
        scope.report("E309", message, node.value.span, "widen the range or move the value")
    if node.step and node.step.value <= 0:
        scope.report("E309", "a step must be above 0", node.step.span, "write `step 1`")
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
    free = _name_is_free(name, node.name_span, scope)
    term = resolve(value, scope)
    if term is None:
        scope.unknown.add(name)
    elif free:
        scope.names[name] = term


def _name_is_free(name: str, span: Span, scope: Scope) -> bool:
    if name in scope.names or name in scope.unknown:
        scope.report("E204", f"`{name}` is named twice", span, "rename one of them")
        return False
    operator = scope.find(name)
    if operator is not None and operator.series:
        scope.report("E204", f"`{name}` is a bar series already", span, "choose another name")
        return False
    if operator is not None:
        message = f"`{name}` is the name of an operator too"
        scope.report("W409", message, span, f"choose another name; `{operator.signature}`")
    return True


def _orders(node: nodes.Strategy) -> dict[str, nodes.Order]:
    return {each.name: each for each in node.statements if isinstance(each, nodes.Order)}


def _check_enters(node: nodes.Strategy, scope: Scope) -> None:
    written = _orders(node)
    if not written.keys() & set(ENTRIES):
        message = f"strategy `{node.name}` never enters a position"
        scope.report("E308", message, node.name_span, "add `buy when …` or `short when …`")


def _check_ways_out(node: nodes.Strategy, scope: Scope) -> None:
    written = _orders(node)
    settings = {each.name for each in node.statements if isinstance(each, nodes.Setting)}
    ways_out = settings & set(EXIT_SETTINGS)
    for entry, leave in SIDES.values():
        leaving = {leave, *ENTRIES} - {entry}  # an entry on the other side reverses the position
        if entry in written and not (leaving & written.keys() or ways_out):
            message = f"a position opened by `{entry}` is held to the end"
            hint = f"add `{leave} when …`, a stop or `hold 20`"
            scope.report("W405", message, written[entry].span, hint)
        if leave in written and entry not in written:
            message = f"`{leave}` has nothing to close: there is no `{entry}`"
            scope.report("W407", message, written[leave].span, f"add `{entry} when …` or remove it")


def _check_used(node: nodes.Strategy, scope: Scope) -> None:
    for statement in node.statements:
        if isinstance(statement, nodes.Param | nodes.Let) and statement.name not in scope.used:
            message = f"`{statement.name}` is never used"
            scope.report("W406", message, statement.name_span, "remove it")


def _check_ranges(node: nodes.Strategy, program: Program, scope: Scope) -> None:
    """Warn of rules that never or always hold, and of pairs that can never both matter."""
    rules = program.canonical._asdict()
    said = {each.span for each in scope.found if each.code == "W404"}
    for name, order in _orders(node).items():
        span, condition = order.when.span, rules[name]
        if any(span.start <= each.start < span.end for each in said):
            continue
        if condition is None or condition.leaf is True:
            verdict = "always" if condition is not None else "never"
            scope.report("W404", f"`{name}` {verdict} holds", span, "compare things that change")
            continue
        contradiction = find_contradiction(condition)
        if contradiction is not None:
            message = f"`{name}` never holds: {contradiction.reason}"
            scope.report("W404", message, span, contradiction.hint)
    for name, other, outcome in (
        ("buy", "sell", "an exit that holds blocks the entry, so nothing is ever bought"),
        ("short", "cover", "an exit that holds blocks the entry, so nothing is ever sold short"),
        ("buy", "short", "both together do nothing, so nothing is ever bought"),
        ("short", "buy", "both together do nothing, so nothing is ever sold short"),
    ):
        entry, blocker = rules[name], rules[other]
        if entry is not None and blocker is not None and implies(entry, blocker):
            message = f"whenever `{name}` holds, so does `{other}`: {outcome}"
            scope.report("W410", message, _orders(node)[name].span, "make one of them stricter")


def _check_limits(node: nodes.Strategy, program: Program, scope: Scope) -> None:
    if scope.has_errors:
        return
    if program.nodes > MAX_NODES:
        message = f"strategy `{node.name}` has {program.nodes} nodes; at most {MAX_NODES} are read"
        scope.report("E307", message, node.name_span, "simplify it, or split it into defines")
        return
    try:
        _ = program.canonical
    except MeaningError as error:
        scope.report(error.code, str(error), node.name_span, _MEND[error.code])
