"""Construction of expressions: operator chains bound by precedence, calls and spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lark import Token

from dsl.diagnostics import Diagnostic, Source, Span
from dsl.syntax import nodes
from dsl.syntax.precedence import COMPARISON, INFIX, LAG, PREFIX

MAX_DEPTH = 60


class BuildError(Exception):
    """Error in a text that the grammar accepts but the language does not.

    `{0}`, `{1}` … in the hint are replaced by the text at the `quoted` spans.
    """

    def __init__(
        self, code: str, message: str, span: Span, hint: str = "", quoted: Sequence[Span] = ()
    ) -> None:
        self._found, self._quoted = Diagnostic(code, message, span, hint), quoted
        super().__init__(message)

    def diagnostic(self, source: Source) -> Diagnostic:
        """Return the diagnostic, with the source in which it was found."""
        parts = [source.text[span.start : span.end] for span in self._quoted]
        hint = self._found.hint.format(*parts) if parts else self._found.hint
        return replace(self._found, hint=hint, source=source)


def bind(parts: Sequence[nodes.Expression | Token]) -> nodes.Expression:
    """Build an expression from a chain, by precedence (Dijkstra's two stacks).

    Raises:
        BuildError: for a chained comparison, or a `not` that binds too loosely for its position.
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
                raise BuildError(
                    "E101", f"expected a number, found `{symbol}`", find_span(part), hint
                )
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
        operands.append(build_call(head, (right,), join_spans(symbol, right), find_span(symbol)))
        return
    left = operands.pop()
    operands.append(build_call(head, (left, right), join_spans(left, right), find_span(symbol)))


def _chained(
    operands: list[nodes.Expression], first: Token, rest: Sequence[nodes.Expression | Token]
) -> BuildError:
    """Return the error of `a < b < c`, with a fix of two comparisons."""
    second, *third = rest
    for index, part in enumerate(third):
        if isinstance(part, Token) and INFIX.get(str(part), LAG) <= COMPARISON:
            third = third[:index]
            break
    ends = [find_span(part) if isinstance(part, Token) else part.span for part in third]
    spans = [
        operands[-2].span, find_span(first), operands[-1].span, find_span(cast(Token, second)),
        Span(ends[0].start, ends[-1].end),
    ]  # fmt: skip
    hint = "write `{0} {1} {2} and {2} {3} {4}`"
    return BuildError("E106", "comparisons cannot be chained", spans[3], hint, spans)


def build_name(token: Token) -> nodes.Name:
    """Build a name from a token."""
    return nodes.Name(str(token), find_span(token))


def join_spans(first: Token | nodes.Expression, last: object) -> Span:
    """Return the span from the start of one token or node to the end of another."""
    start = first.start_pos or 0 if isinstance(first, Token) else first.span.start
    if isinstance(last, Token):
        return Span(start, (last.start_pos or 0) + len(last))
    return Span(start, cast(nodes.Expression, last).span.end)


def check_finite(number: nodes.Number) -> nodes.Number:
    """Return a number; raise BuildError if it is too large for a float."""
    if math.isinf(number.value):
        raise BuildError(
            "E108", "number is too large for a 64-bit float", number.span, "write a smaller number"
        )
    return number


def find_span(token: Token) -> Span:
    """Return the span of a token."""
    start = token.start_pos or 0
    return Span(start, start + len(token))


def build_call(
    head: str, args: tuple[nodes.Expression, ...], span: Span, head_span: Span
) -> nodes.Call:
    """Build a call; raise BuildError if it is nested too deeply."""
    is_literal = head == "negate" and [type(arg) for arg in args] == [nodes.Number]
    depth = 1 if is_literal else 1 + max([arg.depth for arg in args], default=0)
    if depth > MAX_DEPTH:
        raise BuildError(
            "E104",
            f"expression is nested more than {MAX_DEPTH} levels deep",
            head_span,
            "move parts of it into defines",
        )
    return nodes.Call(head, args, span, head_span, depth)


def widen(node: nodes.Expression, span: Span) -> nodes.Expression:
    """Return a node with a span that includes the parentheses around it."""
    match node:
        case nodes.Call(head, args):
            return nodes.Call(head, args, span, node.head_span, node.depth)
        case nodes.Number(value, percent):
            return nodes.Number(value, percent, span)
        case nodes.Name(name):
            return nodes.Name(name, span)
        case nodes.Truth(value):
            return nodes.Truth(value, span)
