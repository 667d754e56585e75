"""What each grammar rule builds: called by Lark's parser as it reduces, bottom up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lark import Token, Transformer, v_args

from dsl.diagnostics import Diagnostic, Source, Span
from dsl.syntax import nodes
from dsl.syntax.literals import number_from_text
from dsl.syntax.precedence import COMPARISON, INFIX, LAG, PREFIX
from dsl.syntax.vocabulary import EXIT_SETTINGS, OrderName, SettingName

Bounds = tuple[nodes.Number, nodes.Number]
_DefineParts = tuple[
    tuple[nodes.Argument, ...], nodes.Result, tuple[str, ...], str, nodes.Expression
]
MAX_DEPTH = 60
_JOINED = {
    word: f"keep one; the nearer of two is `{word} min(a, b)`" for word in EXIT_SETTINGS
} | dict.fromkeys(("about", "size"), "keep one")


class BuildError(Exception):
    """A text that the grammar reads but the language does not allow.

    `{0}`, `{1}` … in the hint stand for the text at the `quoted` spans.
    """

    def __init__(
        self, code: str, message: str, span: Span, hint: str = "", quoted: Sequence[Span] = ()
    ) -> None:
        self._found, self._quoted = Diagnostic(code, message, span, hint), quoted
        super().__init__(message)

    def diagnostic(self, source: Source) -> Diagnostic:
        """The finding, in the text it was made in."""
        parts = [source.text[span.start : span.end] for span in self._quoted]
        hint = self._found.hint.format(*parts) if parts else self._found.hint
        return replace(self._found, hint=hint, source=source)


@v_args(inline=True)
class Builder(Transformer[Token, nodes.File]):
    """Grammar rules to nodes."""

    # -- expressions

    def alone(self, expression: nodes.Expression) -> nodes.Expression:
        return expression

    def number(self, token: Token) -> nodes.Number:
        return _finite(nodes.Number(*number_from_text(token), span=_span(token)))

    def name(self, token: Token) -> nodes.Name:
        return _name(token)

    def truth(self, token: Token) -> nodes.Truth:
        return nodes.Truth(token == "true", _span(token))

    def call(self, head: Token, *rest: nodes.Expression | Token) -> nodes.Call:
        args = cast(tuple[nodes.Expression, ...], rest[:-1])
        return _call(str(head), args, _from_to(head, rest[-1]), _span(head))

    def lag(self, x: nodes.Expression, bars: nodes.Expression, closing: Token) -> nodes.Call:
        span = _from_to(x, closing)
        return _call("lag", (x, bars), span, Span(x.span.end, span.end))

    def group(self, opening: Token, inner: nodes.Expression, closing: Token) -> nodes.Expression:
        return _widen(inner, _from_to(opening, closing))

    def chain(self, *parts: nodes.Expression | Token) -> nodes.Expression:
        return bind(parts)

    # -- statements

    def about(self, keyword: Token, text: Token) -> nodes.About:
        return nodes.About(text[1:-1], _from_to(keyword, text))

    def param(
        self, keyword: Token, name: Token, value: nodes.Number, *rest: Bounds | nodes.Number
    ) -> nodes.Param:
        low, high = cast(Bounds, rest[0]) if rest else (None, None)
        step = cast(nodes.Number, rest[1]) if len(rest) > 1 else None
        for given in (value, low, high, step):
            if given is not None:
                _finite(given)
        span = _from_to(keyword, step or high or value)
        return nodes.Param(str(name), value, low, high, step, span, _span(name))

    def let(self, keyword: Token, name: Token, value: nodes.Expression) -> nodes.Let:
        return nodes.Let(str(name), value, _from_to(keyword, value), _span(name))

    def order(self, name: Token, when: nodes.Expression) -> nodes.Order:
        return nodes.Order(cast(OrderName, str(name)), when, _from_to(name, when))

    def setting(self, name: Token, value: nodes.Expression) -> nodes.Setting:
        return nodes.Setting(cast(SettingName, str(name)), value, _from_to(name, value))

    # -- signatures

    def literal(self, token: Token) -> nodes.Number:
        return nodes.Number(*number_from_text(token), span=_span(token))

    def range(self, low: nodes.Number, high: nodes.Number) -> tuple[nodes.Number, nodes.Number]:
        if low.value > high.value:
            span = Span(low.span.start, high.span.end)
            raise BuildError("E110", "the range is empty", span, "write the lower bound first")
        return low, high

    def limits(self, *given: Bounds) -> Bounds | None:
        return given[0] if given else None

    typical = limits

    def kind(self, name: Token, *dimension: Token) -> nodes.KindNote:
        if not dimension:
            return nodes.KindNote(str(name))
        price, volume = dimension
        return nodes.KindNote(str(name), (_exponent(price), _exponent(volume)))

    def default(self, *given: nodes.Number | Token) -> nodes.Number | nodes.Name | None:
        if not given:
            return None
        return _name(given[0]) if isinstance(given[0], Token) else given[0]

    def argument(self, name: Token, kind: nodes.KindNote, *rest: object) -> nodes.Argument:
        # `kind limits default`, or `like x default`, which has no limits.
        bounds = cast(Bounds | None, rest[0] if len(rest) > 1 else None)
        default = cast(nodes.Number | nodes.Name | None, rest[-1])
        note = nodes.KindNote(kind.name, kind.dimension, bounds, like=kind.like)
        return nodes.Argument(str(name), note, default, _span(name))

    def alike(self, name: Token) -> nodes.KindNote:
        return nodes.KindNote("number", like=str(name))

    def arguments(self, *given: nodes.Argument) -> tuple[nodes.Argument, ...]:
        return given

    def like(self, name: Token) -> nodes.Result:
        return nodes.Result("like", str(name), span=_span(name))

    def distance(self, name: Token) -> nodes.Result:
        return nodes.Result("distance", str(name), span=_span(name))

    def result(
        self,
        kind: nodes.KindNote,
        bounds: Bounds | None,
        typical: Bounds | None,
    ) -> nodes.Result:
        note = nodes.KindNote(kind.name, kind.dimension, bounds, typical)
        return nodes.Result("kind", kind=note)

    def gives(self, *result: nodes.Result) -> nodes.Result | None:
        return result[0] if result else None

    def signature(
        self, name: Token, arguments: tuple[nodes.Argument, ...], result: nodes.Result | None
    ) -> nodes.Signature:
        return nodes.Signature(str(name), arguments, result, _span(name))

    # -- items

    def also(self, *names: Token) -> tuple[str, ...]:
        return tuple(str(name) for name in names)

    def said(self, *keyword_and_text: Token) -> str:
        return keyword_and_text[1][1:-1] if keyword_and_text else ""

    def define(self, keyword: Token, name: Token, *parts: object) -> nodes.Define:
        arguments, result, also, about, body = cast(_DefineParts, parts)
        signature = nodes.Signature(str(name), arguments, result, _span(name))
        return nodes.Define(signature, also, about, body, _from_to(keyword, body))

    def strategy(
        self, keyword: Token, name: Token, *rest: nodes.Statement | Token
    ) -> nodes.Strategy:
        *given, closing = rest
        statements = cast(tuple[nodes.Statement, ...], tuple(given))
        seen: set[str] = set()
        for statement in statements:
            if isinstance(statement, nodes.Param | nodes.Let):
                continue
            word = "about" if isinstance(statement, nodes.About) else statement.name
            if word in seen:
                raise BuildError(
                    "E105",
                    f"`{word}` stands twice in strategy `{name}`",
                    statement.span,
                    _JOINED.get(word, f"keep one `{word}`; join conditions with `and` or `or`"),
                )
            seen.add(word)
        return nodes.Strategy(str(name), statements, _from_to(keyword, closing), _span(name))

    def file(self, *items: nodes.Define | nodes.Strategy) -> nodes.File:
        return nodes.File(items)


def bind(parts: Sequence[nodes.Expression | Token]) -> nodes.Expression:
    """The expression of a chain of operands and operators, by precedence (Dijkstra's two stacks).

    Raises:
        BuildError: for chained comparisons, and a `not` where only a number can stand.
    """
    operands: list[nodes.Expression] = []
    waiting: list[tuple[int, str, Token]] = []  # precedence, head and symbol
    is_operand_next = True
    for index, part in enumerate(parts):
        if not isinstance(part, Token):
            operands.append(part)
            is_operand_next = False
            continue
        symbol = str(part)
        if is_operand_next:
            head = "negate" if symbol == "-" else symbol
            if waiting and waiting[-1][0] > PREFIX[head][1]:
                hint = "put it in parentheses, or compare conditions with `and` and `or`"
                raise BuildError("E101", f"expected a number, found `{symbol}`", _span(part), hint)
            waiting.append((PREFIX[head][1], head, part))
            continue
        precedence = INFIX[symbol]
        while waiting and waiting[-1][0] >= precedence:
            if waiting[-1][0] == precedence == COMPARISON:
                raise _chained(operands, waiting[-1][2], parts[index:])
            _apply(operands, waiting.pop())
        waiting.append((precedence, symbol, part))
        is_operand_next = True
    while waiting:
        _apply(operands, waiting.pop())
    return operands[0]


def _apply(operands: list[nodes.Expression], operator: tuple[int, str, Token]) -> None:
    _, head, symbol = operator
    right = operands.pop()
    if head in PREFIX:
        operands.append(_call(head, (right,), _from_to(symbol, right), _span(symbol)))
        return
    left = operands.pop()
    operands.append(_call(head, (left, right), _from_to(left, right), _span(symbol)))


def _chained(
    operands: list[nodes.Expression], first: Token, rest: Sequence[nodes.Expression | Token]
) -> BuildError:
    """The finding on `a < b < c`, with the two comparisons it should be."""
    second, *third = rest
    for index, part in enumerate(third):
        if isinstance(part, Token) and INFIX.get(str(part), LAG) <= COMPARISON:
            third = third[:index]
            break
    ends = [_span(part) if isinstance(part, Token) else part.span for part in third]
    spans = [
        operands[-2].span, _span(first), operands[-1].span, _span(cast(Token, second)),
        Span(ends[0].start, ends[-1].end),
    ]  # fmt: skip
    hint = "write `{0} {1} {2} and {2} {3} {4}`"
    return BuildError("E106", "comparisons cannot be chained", spans[3], hint, spans)


def _name(token: Token) -> nodes.Name:
    return nodes.Name(str(token), _span(token))


def _from_to(first: Token | nodes.Expression, last: object) -> Span:
    """From where one thing begins to where another ends."""
    start = first.start_pos or 0 if isinstance(first, Token) else first.span.start
    if isinstance(last, Token):
        return Span(start, (last.start_pos or 0) + len(last))
    return Span(start, cast(nodes.Expression, last).span.end)


def _finite(number: nodes.Number) -> nodes.Number:
    if math.isinf(number.value):
        raise BuildError("E108", "the number is too large", number.span, "write a smaller one")
    return number


def _exponent(token: Token) -> int:
    """An exponent of price or volume in a signature."""
    try:
        return int(token)
    except ValueError:
        message = f"a dimension is a whole number, not {token}"
        hint = "`other(a, b)` is price^a * volume^b"
        raise BuildError("E112", message, _span(token), hint) from None


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return Span(start, start + len(token))


def _call(head: str, args: tuple[nodes.Expression, ...], span: Span, head_span: Span) -> nodes.Call:
    depth = 1 + max([arg.depth for arg in args], default=0)
    if depth > MAX_DEPTH:
        raise BuildError(
            "E104",
            f"the expression is nested more than {MAX_DEPTH} deep",
            head_span,
            "name its parts with `let`",
        )
    return nodes.Call(head, args, span, head_span, depth)


def _widen(node: nodes.Expression, span: Span) -> nodes.Expression:
    """The node with the parentheses around it taken into its span."""
    match node:
        case nodes.Call(head, args):
            return nodes.Call(head, args, span, node.head_span, node.depth)
        case nodes.Number(value, percent):
            return nodes.Number(value, percent, span)
        case nodes.Name(name):
            return nodes.Name(name, span)
        case nodes.Truth(value):
            return nodes.Truth(value, span)
