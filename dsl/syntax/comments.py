"""Attachment of comments to the nodes beside them, so that formatting preserves all."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from lark import Token

from dsl.syntax import nodes
from dsl.syntax.nodes import Comments

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_SPACES = re.compile(r"[ \t\r]*")

Node = TypeVar("Node", bound=nodes.Statement | nodes.Define | nodes.Strategy)


def attach_comments(file: nodes.File, tokens: Sequence[Token], text: str) -> nodes.File:
    """Add each comment to the item or statement that it precedes or whose line it ends.

    Args:
        file: the tree without comments.
        tokens: the comment tokens, in source order.
        text: the source that tokens and spans refer to.
    """
    pending = deque(token for token in tokens if token.start_pos is not None)
    items: list[nodes.Define | nodes.Strategy] = []
    for item in file.items:
        items.append(_attach(item, pending, text, first=not items))
    return nodes.File(tuple(items), _take_before(pending, len(text), text))


def _attach(
    item: nodes.Define | nodes.Strategy, pending: deque[Token], text: str, first: bool
) -> nodes.Define | nodes.Strategy:
    if isinstance(item, nodes.Define):
        return _add_comments(item, pending, text, first)
    blank = not first and _has_blank_before(text, _find_start(item, pending))
    before = _take_before(pending, item.span.start, text)
    statements: list[nodes.Statement] = []
    for statement in item.statements:
        statements.append(_add_comments(statement, pending, text, first=not statements))
    closing = _take_before(pending, item.span.end, text)
    after = _take_line_end(pending, item.span.end, text)
    is_bare = all(a is b for a, b in zip(statements, item.statements, strict=True))
    if is_bare and not (before or after or blank or closing):
        return item
    comments = Comments(before, after, blank)
    return replace(item, statements=tuple(statements), comments=comments, closing=closing)


def _add_comments(node: Node, pending: deque[Token], text: str, first: bool) -> Node:
    blank = not first and _has_blank_before(text, _find_start(node, pending))
    before = _take_before(pending, node.span.start, text)
    inside = _take_before(pending, node.span.end, text)
    after = _take_line_end(pending, node.span.end, text)
    if not (before or inside or after or blank):
        return node
    return replace(node, comments=Comments((*before, *filter(None, inside)), after, blank))


def _find_start(
    node: nodes.Statement | nodes.Define | nodes.Strategy, pending: deque[Token]
) -> int:
    """Return the offset at which a node begins, its comments included."""
    start = pending[0].start_pos if pending else None
    return node.span.start if start is None else min(node.span.start, start)


def _take_before(pending: deque[Token], offset: int, text: str) -> tuple[str, ...]:
    """Remove the comments that begin before an offset, and return them.

    An empty string represents blank lines after a comment. Comments inside a node move before it.
    """
    if not pending:
        return ()
    comments: list[str] = []
    while pending and (pending[0].start_pos or 0) < offset:
        token = pending.popleft()
        comments.append(_normalize(token))
        end = (token.start_pos or 0) + len(token)
        following = pending[0].start_pos if pending else None
        until = offset if following is None else min(following, offset)
        if until < len(text) and _BLANK_LINE.search(text[end:until]):
            comments.append("")
    return tuple(comments)


def _take_line_end(pending: deque[Token], offset: int, text: str) -> str:
    """Remove and return the comment that ends the line of a node; empty if there is none."""
    gap = _SPACES.match(text, offset)
    if pending and gap is not None and gap.end() == pending[0].start_pos:
        return _normalize(pending.popleft())
    return ""


def _has_blank_before(text: str, offset: int) -> bool:
    """Return whether an empty line precedes the line of an offset."""
    breaks = 0
    for index in range(offset - 1, -1, -1):
        if not text[index].isspace():
            break
        breaks += text[index] == "\n"
    return breaks > 1


def _normalize(token: Token) -> str:
    text = token.lstrip("#").strip()
    return f"# {text}" if text else "#"
