"""What each grammar rule builds: applied by Lark bottom up, without recursion."""

from __future__ import annotations

from typing import cast

from lark import Token, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from dsl import nodes
from dsl.errors import Diagnostic, Span

MAX_DEPTH = 60

Built = nodes.Expression | Token


class BuildError(Exception):
    """A text that the grammar reads but the language does not allow."""

    def __init__(self, code: str, message: str, span: Span, hint: str = "") -> None:
        self.diagnostic = Diagnostic(code, message, span, hint)
        super().__init__(message)


@v_args(inline=True)
class Builder(Transformer_NonRecursive[Token, nodes.File]):
    """Grammar rules to nodes."""

    # -- expressions

    def alone(self, expression: nodes.Expression) -> nodes.Expression:
        return expression

    def number(self, token: Token) -> nodes.Number:
        value, percent = nodes.number_from_text(token)
        if value == float("inf"):
            raise BuildError("E108", "the number is too large", _span(token), "write a smaller one")
        return nodes.Number(value, percent, _span(token))

    def name(self, token: Token) -> nodes.Name:
        return nodes.Name(str(token), _span(token))

    def truth(self, token: Token) -> nodes.Truth:
        return nodes.Truth(token == "true", _span(token))

    @v_args(meta=True, inline=True)
    def call(self, meta: Meta, head: Token, *args: nodes.Expression | None) -> nodes.Call:
        given = tuple(arg for arg in args if arg is not None)
        return _call(str(head), given, Span(meta.start_pos, meta.end_pos), _span(head))

    @v_args(meta=True, inline=True)
    def lag(self, meta: Meta, x: nodes.Expression, bars: nodes.Expression) -> nodes.Call:
        span = Span(meta.start_pos, meta.end_pos)
        return _call("lag", (x, bars), span, Span(x.span.end, meta.end_pos))

    @v_args(meta=True, inline=True)
    def group(self, meta: Meta, inner: nodes.Expression) -> nodes.Expression:
        return _widen(inner, Span(meta.start_pos, meta.end_pos))

    def prefix(self, symbol: Token, x: nodes.Expression) -> nodes.Call:
        head = "not" if symbol == "not" else "negate"
        return _call(head, (x,), Span(_span(symbol).start, x.span.end), _span(symbol))

    def left(self, first: nodes.Expression, *rest: Built) -> nodes.Expression:
        built = first
        for symbol, operand in zip(rest[::2], rest[1::2], strict=True):
            symbol, operand = cast(Token, symbol), cast(nodes.Expression, operand)
            span = Span(built.span.start, operand.span.end)
            built = _call(str(symbol), (built, operand), span, _span(symbol))
        return built

    def compare(self, first: nodes.Expression, *rest: Built) -> nodes.Expression:
        if len(rest) > 2:
            raise BuildError(
                "E106",
                "comparisons cannot be chained",
                _span(cast(Token, rest[2])),
                "write `a < b and b < c`",
            )
        return self.left(first, *rest)

    # -- statements

    @v_args(meta=True, inline=True)
    def about(self, meta: Meta, text: Token) -> nodes.About:
        return nodes.About(text[1:-1], Span(meta.start_pos, meta.end_pos))

    @v_args(meta=True, inline=True)
    def param(
        self,
        meta: Meta,
        name: Token,
        value: nodes.Number,
        bounds: tuple[nodes.Number, nodes.Number] | None,
        step: nodes.Number | None,
    ) -> nodes.Param:
        low, high = bounds or (None, None)
        span = Span(meta.start_pos, meta.end_pos)
        return nodes.Param(str(name), value, low, high, step, span, _span(name))

    @v_args(meta=True, inline=True)
    def let(self, meta: Meta, name: Token, value: nodes.Expression) -> nodes.Let:
        return nodes.Let(str(name), value, Span(meta.start_pos, meta.end_pos), _span(name))

    @v_args(meta=True, inline=True)
    def order(self, meta: Meta, name: Token, when: nodes.Expression) -> nodes.Order:
        span = Span(meta.start_pos, meta.end_pos)
        return nodes.Order(cast(nodes.OrderName, str(name)), when, span)

    @v_args(meta=True, inline=True)
    def setting(self, meta: Meta, name: Token, value: nodes.Expression) -> nodes.Setting:
        span = Span(meta.start_pos, meta.end_pos)
        return nodes.Setting(cast(nodes.SettingName, str(name)), value, span)

    # -- signatures

    def literal(self, token: Token) -> nodes.Number:
        return nodes.Number(*nodes.number_from_text(token), span=_span(token))

    def range(self, low: nodes.Number, high: nodes.Number) -> tuple[nodes.Number, nodes.Number]:
        if low.value > high.value:
            span = Span(low.span.start, high.span.end)
            raise BuildError("E110", "the range is empty", span, "write the lower bound first")
        return low, high

    def kind(self, name: Token, price: Token | None, volume: Token | None) -> nodes.KindNote:
        if price is None or volume is None:
            return nodes.KindNote(str(name))
        return nodes.KindNote(str(name), (int(price), int(volume)))

    @v_args(meta=True, inline=True)
    def argument(
        self,
        meta: Meta,
        name: Token,
        kind: nodes.KindNote,
        *rest: object,
    ) -> nodes.Argument:
        # `kind [range] [= default]`, or `like x [= default]`, which has no range.
        bounds = cast(tuple[nodes.Number, nodes.Number] | None, rest[0] if len(rest) > 1 else None)
        default = cast(nodes.Number | Token | None, rest[-1])
        note = nodes.KindNote(kind.name, kind.dimension, bounds, like=kind.like)
        given = self.name(default) if isinstance(default, Token) else default
        return nodes.Argument(str(name), note, given, Span(meta.start_pos, meta.end_pos))

    def alike(self, name: Token) -> nodes.KindNote:
        return nodes.KindNote("number", like=str(name))

    def arguments(self, *given: nodes.Argument) -> tuple[nodes.Argument, ...]:
        return given

    def like(self, name: Token) -> nodes.Result:
        return nodes.Result("like", str(name), span=_span(name))

    def distance(self, name: Token) -> nodes.Result:
        return nodes.Result("distance", str(name), span=_span(name))

    @v_args(meta=True, inline=True)
    def result(
        self,
        meta: Meta,
        kind: nodes.KindNote,
        bounds: tuple[nodes.Number, nodes.Number] | None,
        typical: tuple[nodes.Number, nodes.Number] | None,
    ) -> nodes.Result:
        note = nodes.KindNote(kind.name, kind.dimension, bounds, typical)
        return nodes.Result("kind", kind=note, span=Span(meta.start_pos, meta.end_pos))

    @v_args(meta=True, inline=True)
    def signature(
        self,
        meta: Meta,
        name: Token,
        arguments: tuple[nodes.Argument, ...] | None,
        result: nodes.Result | None,
    ) -> nodes.Signature:
        span = Span(meta.start_pos, meta.end_pos)
        return nodes.Signature(str(name), arguments or (), result, span)

    # -- items

    def also(self, *names: Token) -> tuple[str, ...]:
        return tuple(str(name) for name in names)

    @v_args(meta=True, inline=True)
    def define(
        self,
        meta: Meta,
        name: Token,
        arguments: tuple[nodes.Argument, ...] | None,
        result: nodes.Result,
        also: tuple[str, ...] | None,
        about: Token | None,
        body: nodes.Expression,
    ) -> nodes.Define:
        signature = nodes.Signature(str(name), arguments or (), result, _span(name))
        text = about[1:-1] if about is not None else ""
        return nodes.Define(signature, also or (), text, body, Span(meta.start_pos, meta.end_pos))

    @v_args(meta=True, inline=True)
    def strategy(self, meta: Meta, name: Token, *statements: nodes.Statement) -> nodes.Strategy:
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
                    f"keep one `{word}`; join conditions with `and` or `or`",
                )
            seen.add(word)
        span = Span(meta.start_pos, meta.end_pos)
        return nodes.Strategy(str(name), statements, span, _span(name))

    def file(self, *items: nodes.Define | nodes.Strategy) -> nodes.File:
        return nodes.File(items)


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return Span(start, start + len(token))


def _call(head: str, args: tuple[nodes.Expression, ...], span: Span, head_span: Span) -> nodes.Call:
    depth = 1 + max((arg.depth for arg in args), default=0)
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
