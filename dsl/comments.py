"""Comments go with the node they are written at, so that formatting keeps every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from lark import Token

from dsl import nodes
from dsl.nodes import Comments

Node = TypeVar("Node", bound=nodes.Statement | nodes.Define | nodes.Strategy)


def attach_comments(file: nodes.File, tokens: Sequence[Token], text: str) -> nodes.File:
    """The file with each comment at the item or statement it precedes, or whose line it ends.

    Args:
        file: the tree without comments.
        tokens: the comment tokens, in source order.
        text: the source they and the spans refer to.
    """
    waiting = [token for token in tokens if token.start_pos is not None]
    items: list[nodes.Define | nodes.Strategy] = []
    for item in file.items:
        items.append(_attach(item, waiting, text, first=not items))
    return nodes.File(tuple(items), tuple(_take_before(waiting, len(text))))


def _attach(
    item: nodes.Define | nodes.Strategy, waiting: list[Token], text: str, first: bool
) -> nodes.Define | nodes.Strategy:
    if isinstance(item, nodes.Define):
        return _with_comments(item, waiting, text, first)
    before = tuple(_take_before(waiting, item.span.start))
    statements: list[nodes.Statement] = []
    for statement in item.statements:
        statements.append(_with_comments(statement, waiting, text, first=not statements))
    closing = tuple(_take_before(waiting, item.span.end))
    comments = Comments(before, _take_line_end(waiting, item.span.end, text), not first)
    return replace(item, statements=tuple(statements), comments=comments, closing=closing)


def _with_comments(node: Node, waiting: list[Token], text: str, first: bool) -> Node:
    start = waiting[0].start_pos if waiting else None
    begin = min(node.span.start, node.span.start if start is None else start)
    blank = not first and "\n" in text[:begin] and _blank_before(text, begin)
    before = tuple(_take_before(waiting, node.span.end))
    after = _take_line_end(waiting, node.span.end, text)
    return replace(node, comments=Comments(before, after, blank))


def _take_before(waiting: list[Token], offset: int) -> list[str]:
    """The comments that begin before an offset; those inside a node move in front of it."""
    taken = []
    while waiting and (waiting[0].start_pos or 0) < offset:
        taken.append(_tidy(waiting.pop(0)))
    return taken


def _take_line_end(waiting: list[Token], offset: int, text: str) -> str:
    """The comment that follows a node on its last line, if there is one."""
    if waiting and not text[offset : waiting[0].start_pos].strip(" \t\r"):
        return _tidy(waiting.pop(0))
    return ""


def _blank_before(text: str, offset: int) -> bool:
    """Whether an empty line stands before the line of an offset."""
    return text[:offset].rstrip(" \t").replace("\r", "").endswith("\n\n")


def _tidy(token: Token) -> str:
    return "# " + token.lstrip("#").strip() if token.strip("# \t\r") else "#"
