"""Printer of syntax trees: `parse(format_file(tree)) == tree`, comments included."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.syntax import nodes
from dsl.syntax.literals import format_number
from dsl.syntax.nodes import Comments
from dsl.syntax.parser import parse
from dsl.syntax.precedence import ATOM, INFIX, Fragment, write_call, write_number

WIDTH = 96
INDENT = "  "


def format_text(text: str, name: str = "<text>") -> str:
    """Format a file; raise LanguageError with all its syntax errors."""
    return format_file(parse(text, name))


def format_file(file: nodes.File) -> str:
    """Print a file in the canonical layout."""
    lines: list[str] = []
    for index, item in enumerate(file.items):
        is_strategy = isinstance(item, nodes.Strategy)
        if index and (is_strategy or item.comments.blank):
            lines.append("")
        lines.extend(
            _print_strategy(item) if isinstance(item, nodes.Strategy) else define_lines(item)
        )
    lines.extend(file.closing)
    return "\n".join(lines) + "\n" if lines else ""


def expression_text(node: nodes.Expression) -> str:
    """Print an expression on one line."""
    return _print(node).text


def _print(node: nodes.Expression) -> Fragment:
    match node:
        case nodes.Number(value, percent):
            return write_number(format_number(value, percent))
        case nodes.Name(name):
            return Fragment(name, ATOM)
        case nodes.Truth(value):
            return Fragment(str(value).lower(), ATOM)
        case nodes.Call(head, args):
            return write_call(head, [_print(arg) for arg in args])


def _print_strategy(node: nodes.Strategy) -> Iterator[str]:
    yield from node.comments.before
    yield f"strategy {node.name} {{"
    for index, statement in enumerate(node.statements):
        if index and statement.comments.blank:
            yield ""
        yield from _add_comments(_print_statement(statement), statement.comments, INDENT)
    for comment in node.closing:
        yield (INDENT + comment).rstrip()
    yield "}" + (f"  {node.comments.after}" if node.comments.after else "")


def _print_statement(node: nodes.Statement) -> list[str]:
    match node:
        case nodes.About(text):
            return [INDENT + about_text(text)]
        case nodes.Param():
            return [INDENT + param_text(node)]
        case nodes.Let(name, value):
            return _wrap(f"{INDENT}let {name} = ", value)
        case nodes.Order(when=when):
            return _wrap(f"{INDENT}{node.head} ", when)
        case nodes.Setting(name, value):
            return _wrap(f"{INDENT}{name} ", value)


def about_text(text: str) -> str:
    """Print an about statement."""
    return f'about "{text}"'


def param_text(node: nodes.Param) -> str:
    """Print a param statement on one line."""
    text = f"param {node.name} = {_print_number(node.value)}"
    if node.low and node.high:
        text += f" in {_print_number(node.low)}..{_print_number(node.high)}"
        if node.step:
            text += f" step {_print_number(node.step)}"
    return text


def _print_number(node: nodes.Number) -> str:
    return format_number(node.value, node.percent)


def _add_comments(lines: list[str], comments: Comments, indent: str) -> Iterator[str]:
    for comment in comments.before:
        yield (indent + comment).rstrip()
    yield from lines[:-1]
    yield lines[-1] + (f"  {comments.after}" if comments.after else "")


def define_lines(node: nodes.Define) -> Iterator[str]:
    """Yield the lines of a define: one if it fits, else its description and body on new lines."""
    head = f"define {_print_signature(node.signature)}"
    if node.also:
        head += f" also {', '.join(node.also)}"
    about = about_text(node.about) if node.about else ""
    phrase = f'phrase "{node.phrase}"' if node.phrase else ""
    usage = f"usage {node.usage}" if node.usage != "usual" else ""
    body = f"= {expression_text(node.body)}"
    parts = [*filter(None, (about, phrase, usage, body))]
    rest = " ".join(parts)
    if len(f"{head} {rest}") <= WIDTH:
        lines = [f"{head} {rest}"]
    elif len(INDENT + rest) <= WIDTH:
        lines = [head, INDENT + rest]
    else:
        lines = [head, *[INDENT + each for each in parts]]
    yield from _add_comments(lines, node.comments, "")


def _print_signature(node: nodes.Signature) -> str:
    arguments = ", ".join(_print_argument(each) for each in node.arguments)
    result = node.result
    assert result is not None
    if result.kind is None:
        return f"{node.name}({arguments}) -> {result.rule} {result.argument}"
    text = _print_kind(result.kind)
    if result.kind.typical:
        low, high = result.kind.typical
        text += f" typical {_print_number(low)}..{_print_number(high)}"
    return f"{node.name}({arguments}) -> {text}"


def _print_argument(node: nodes.Argument) -> str:
    text = f"{node.name}: {_print_kind(node.kind)}"
    if isinstance(node.default, nodes.Number):
        return f"{text} = {_print_number(node.default)}"
    return f"{text} = {node.default.name}" if node.default else text


def _print_kind(note: nodes.KindNote) -> str:
    if note.like:
        return f"like {note.like}"
    text = note.name
    if note.dimension:
        text += f"({note.dimension[0]}, {note.dimension[1]})"
    if note.range:
        text += f" {_print_number(note.range[0])}..{_print_number(note.range[1])}"
    return text


def _wrap(prefix: str, expression: nodes.Expression) -> list[str]:
    """Return a statement on one line if it fits, else with one condition per line."""
    text = expression_text(expression)
    chain = _split_chain(expression)
    if len(prefix) + len(text) <= WIDTH or len(chain) == 1:
        return [prefix + text]
    assert isinstance(expression, nodes.Call)
    precedence = INFIX[expression.head]
    first, *rest = [
        _print(part).parenthesize(precedence if index == 0 else precedence + 1)
        for index, part in enumerate(chain)
    ]
    return [prefix + first, *[f"{INDENT * 2}{expression.head} {part}" for part in rest]]


def _split_chain(expression: nodes.Expression) -> list[nodes.Expression]:
    """Return the operands of a left-nested chain of one logical operator, in order."""
    head = expression.head if isinstance(expression, nodes.Call) else ""
    parts: list[nodes.Expression] = []
    while head in ("and", "or") and isinstance(expression, nodes.Call) and expression.head == head:
        parts[:0] = expression.args[1:]
        expression = expression.args[0]
    return [expression, *parts]
