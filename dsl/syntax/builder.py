"""Builder of syntax nodes: Lark's parser calls a method for each grammar rule, bottom up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from lark import Token, Transformer, v_args

from dsl.diagnostics import Span
from dsl.syntax import nodes
from dsl.syntax.expressions import (
    BuildError,
    bind,
    build_call,
    build_name,
    check_finite,
    find_span,
    join_spans,
    widen,
)
from dsl.syntax.literals import parse_number
from dsl.syntax.vocabulary import EXIT_SETTINGS, OrderName, SettingName, Usage

Bounds = tuple[nodes.Number, nodes.Number]
_DefineParts = tuple[
    tuple[nodes.Argument, ...], nodes.Result, tuple[str, ...], str, str, Usage, nodes.Expression
]
_DUPLICATE_HINTS = {
    word: f"remove one, or write `{word} min(a, b)` for the nearer of the two"
    for word in EXIT_SETTINGS
} | dict.fromkeys(("about", "size"), "remove one")


@v_args(inline=True)
class Builder(Transformer[Token, nodes.File]):
    """Lark transformer with one method per grammar rule, named like it."""

    # -- expressions

    def alone(self, expression: nodes.Expression) -> nodes.Expression:
        return expression

    def number(self, token: Token) -> nodes.Number:
        return check_finite(nodes.Number(*parse_number(token), span=find_span(token)))

    def name(self, token: Token) -> nodes.Name:
        return build_name(token)

    def truth(self, token: Token) -> nodes.Truth:
        return nodes.Truth(token == "true", find_span(token))

    def call(self, head: Token, *rest: nodes.Expression | Token) -> nodes.Call:
        args = cast(tuple[nodes.Expression, ...], rest[:-1])
        return build_call(str(head), args, join_spans(head, rest[-1]), find_span(head))

    def lag(self, x: nodes.Expression, bars: nodes.Expression, closing: Token) -> nodes.Call:
        span = join_spans(x, closing)
        return build_call("lag", (x, bars), span, Span(x.span.end, span.end))

    def group(self, opening: Token, inner: nodes.Expression, closing: Token) -> nodes.Expression:
        return widen(inner, join_spans(opening, closing))

    def chain(self, *parts: nodes.Expression | Token) -> nodes.Expression:
        return bind(parts)

    # -- statements

    def about(self, keyword: Token, text: Token) -> nodes.About:
        return nodes.About(text[1:-1], join_spans(keyword, text))

    def param(
        self, keyword: Token, name: Token, value: nodes.Number, *rest: Bounds | nodes.Number
    ) -> nodes.Param:
        low, high = cast(Bounds, rest[0]) if rest else (None, None)
        step = cast(nodes.Number, rest[1]) if len(rest) > 1 else None
        for literal in (value, low, high, step):
            if literal is not None:
                check_finite(literal)
        span = join_spans(keyword, step or high or value)
        return nodes.Param(str(name), value, low, high, step, span, find_span(name))

    def let(self, keyword: Token, name: Token, value: nodes.Expression) -> nodes.Let:
        return nodes.Let(str(name), value, join_spans(keyword, value), find_span(name))

    def order(self, name: Token, when: nodes.Expression) -> nodes.Order:
        return nodes.Order(cast(OrderName, str(name)), when, span=join_spans(name, when))

    def holding(self, name: Token, when: nodes.Expression) -> nodes.Order:
        span = join_spans(name, when)
        return nodes.Order(cast(OrderName, str(name)), when, is_while=True, span=span)

    def setting(self, name: Token, value: nodes.Expression) -> nodes.Setting:
        return nodes.Setting(cast(SettingName, str(name)), value, join_spans(name, value))

    # -- signatures

    def literal(self, token: Token) -> nodes.Number:
        return nodes.Number(*parse_number(token), span=find_span(token))

    def range(self, low: nodes.Number, high: nodes.Number) -> tuple[nodes.Number, nodes.Number]:
        if low.value > high.value:
            span = Span(low.span.start, high.span.end)
            raise BuildError("E110", "empty range", span, "write the lower bound first")
        return low, high

    def limits(self, *bounds: Bounds) -> Bounds | None:
        return bounds[0] if bounds else None

    typical = limits

    def kind(self, name: Token, *dimension: Token) -> nodes.KindNote:
        if not dimension:
            return nodes.KindNote(str(name))
        price, volume = dimension
        return nodes.KindNote(str(name), (_exponent(price), _exponent(volume)))

    def default(self, *values: nodes.Number | Token) -> nodes.Number | nodes.Name | None:
        if not values:
            return None
        return build_name(values[0]) if isinstance(values[0], Token) else values[0]

    def argument(self, name: Token, kind: nodes.KindNote, *rest: object) -> nodes.Argument:
        # Either `kind limits default`, or `like x default`, which has no limits.
        bounds = cast(Bounds | None, rest[0] if len(rest) > 1 else None)
        default = cast(nodes.Number | nodes.Name | None, rest[-1])
        note = nodes.KindNote(kind.name, kind.dimension, bounds, like=kind.like)
        return nodes.Argument(str(name), note, default, find_span(name))

    def alike(self, name: Token) -> nodes.KindNote:
        return nodes.KindNote("number", like=str(name))

    def arguments(self, *arguments: nodes.Argument) -> tuple[nodes.Argument, ...]:
        return arguments

    def like(self, name: Token) -> nodes.Result:
        return nodes.Result("like", str(name), span=find_span(name))

    def distance(self, name: Token) -> nodes.Result:
        return nodes.Result("distance", str(name), span=find_span(name))

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
        return nodes.Signature(str(name), arguments, result, find_span(name))

    # -- items

    def also(self, *names: Token) -> tuple[str, ...]:
        return tuple(str(name) for name in names)

    def summary(self, *keyword_and_text: Token) -> str:
        return keyword_and_text[1][1:-1] if keyword_and_text else ""

    def phrase(self, *text: Token) -> str:
        return text[0][1:-1] if text else ""

    def usage(self, *word: Token) -> Usage:
        return cast(Usage, str(word[0])) if word else "usual"

    def define(self, keyword: Token, name: Token, *parts: object) -> nodes.Define:
        arguments, result, also, about, phrase, usage, body = cast(_DefineParts, parts)
        signature = nodes.Signature(str(name), arguments, result, find_span(name))
        span = join_spans(keyword, body)
        return nodes.Define(signature, also, about, body, phrase, usage, span)

    def strategy(
        self, keyword: Token, name: Token, *rest: nodes.Statement | Token
    ) -> nodes.Strategy:
        *parts, closing = rest
        statements = cast(tuple[nodes.Statement, ...], tuple(parts))
        _check_duplicates(str(name), statements)
        return nodes.Strategy(str(name), statements, join_spans(keyword, closing), find_span(name))

    def file(self, *items: nodes.Define | nodes.Strategy) -> nodes.File:
        return nodes.File(items)


def _check_duplicates(strategy: str, statements: Iterable[nodes.Statement]) -> None:
    """Raise BuildError for the first statement, or order within one, that occurs twice."""
    seen: dict[str, nodes.Statement] = {}
    for statement in statements:
        for word in _list_words(statement):
            if word in seen:
                message = f"duplicate `{word}` in strategy `{strategy}`"
                hint = _DUPLICATE_HINTS.get(word, "remove one, or join their conditions with `or`")
                for each in (seen[word], statement):
                    if isinstance(each, nodes.Order) and each.name != word:
                        message += f": `{each.head}` contains it"
                        hint = f"write `{each.name} when …` to give it a `{word}` of its own"
                raise BuildError("E105", message, statement.span, hint)
            seen[word] = statement


def _list_words(statement: nodes.Statement) -> tuple[str, ...]:
    """Return the words of a statement of which a strategy has each at most once."""
    match statement:
        case nodes.Param() | nodes.Let():
            return ()
        case nodes.About():
            return ("about",)
        case nodes.Order():
            return statement.names
        case nodes.Setting(name):
            return (name,)


def _exponent(token: Token) -> int:
    """Return an exponent of price or volume in a signature."""
    if re.fullmatch(r"-?[0-9]", token):
        return int(token)
    message = f"expected a whole number from -9 to 9 as an exponent, found {token}"
    hint = "`other(a, b)` is price^a * volume^b"
    raise BuildError("E112", message, find_span(token), hint)
