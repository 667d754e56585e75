"""Trees and programs to text. `parse(format_file(tree)) == tree`, comments included."""

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
    """A file as the tool writes it; raises LanguageError with its syntax errors."""
    return format_file(parse(text, name))


def format_file(file: nodes.File) -> str:
    """The text of a syntax tree."""
    lines: list[str] = []
    for index, item in enumerate(file.items):
        is_strategy = isinstance(item, nodes.Strategy)
        if index and (is_strategy or item.comments.blank):
            lines.append("")
        lines.extend(_strategy(item) if isinstance(item, nodes.Strategy) else define_lines(item))
    lines.extend(file.closing)
    return "\n".join(lines) + "\n" if lines else ""


def expression_text(node: nodes.Expression) -> str:
    """An expression on one line."""
    return _spell(node).text


def _spell(node: nodes.Expression) -> Fragment:
    match node:
        case nodes.Number(value, percent):
            return write_number(format_number(value, percent))
        case nodes.Name(name):
            return Fragment(name, ATOM)
        case nodes.Truth(value):
            return Fragment(str(value).lower(), ATOM)
        case nodes.Call(head, args):
            return write_call(head, [_spell(arg) for arg in args])


def _strategy(node: nodes.Strategy) -> Iterator[str]:
    yield from node.comments.before
    yield f"strategy {node.name} {{"
    for index, statement in enumerate(node.statements):
        if index and statement.comments.blank:
            yield ""
        yield from _commented(_statement(statement), statement.comments, INDENT)
    for comment in node.closing:
        yield (INDENT + comment).rstrip()
    yield "}" + (f"  {node.comments.after}" if node.comments.after else "")


def _statement(node: nodes.Statement) -> list[str]:
    match node:
        case nodes.About(text):
            return [f'{INDENT}about "{text}"']
        case nodes.Param():
            return [INDENT + param_text(node)]
        case nodes.Let(name, value):
            return _wrapped(f"{INDENT}let {name} = ", value)
        case nodes.Order(name, when):
            return _wrapped(f"{INDENT}{name} when ", when)
        case nodes.Setting(name, value):
            return _wrapped(f"{INDENT}{name} ", value)


def param_text(node: nodes.Param) -> str:
    """Return a param statement on one line."""
    text = f"param {node.name} = {_number(node.value)}"
    if node.low and node.high:
        text += f" in {_number(node.low)}..{_number(node.high)}"
        if node.step:
            text += f" step {_number(node.step)}"
    return text


def _number(node: nodes.Number) -> str:
    return format_number(node.value, node.percent)


def _commented(lines: list[str], comments: Comments, indent: str) -> Iterator[str]:
    for comment in comments.before:
        yield (indent + comment).rstrip()
    yield from lines[:-1]
    yield lines[-1] + (f"  {comments.after}" if comments.after else "")


def define_lines(node: nodes.Define) -> Iterator[str]:
    """A define on one line if it fits, else its meaning and its body on lines of their own."""
    head = f"define {_signature(node.signature)}"
    if node.also:
        head += f" also {', '.join(node.also)}"
    about = f'about "{node.about}"' if node.about else ""
    body = f"= {expression_text(node.body)}"
    rest = f"{about} {body}".strip()
    if len(f"{head} {rest}") <= WIDTH:
        lines = [f"{head} {rest}"]
    elif len(INDENT + rest) <= WIDTH:
        lines = [head, INDENT + rest]
    else:
        lines = [head, *[INDENT + each for each in (about, body) if each]]
    yield from _commented(lines, node.comments, "")


def _signature(node: nodes.Signature) -> str:
    arguments = ", ".join(_argument(each) for each in node.arguments)
    result = node.result
    assert result is not None
    if result.kind is None:
        return f"{node.name}({arguments}) -> {result.rule} {result.argument}"
    text = _kind(result.kind)
    if result.kind.typical:
        low, high = result.kind.typical
        text += f" typical {_number(low)}..{_number(high)}"
    return f"{node.name}({arguments}) -> {text}"


def _argument(node: nodes.Argument) -> str:
    text = f"{node.name}: {_kind(node.kind)}"
    if isinstance(node.default, nodes.Number):
        return f"{text} = {_number(node.default)}"
    return f"{text} = {node.default.name}" if node.default else text


def _kind(note: nodes.KindNote) -> str:
    if note.like:
        return f"like {note.like}"
    text = note.name
    if note.dimension:
        text += f"({note.dimension[0]}, {note.dimension[1]})"
    if note.range:
        text += f" {_number(note.range[0])}..{_number(note.range[1])}"
    return text


def _wrapped(prefix: str, expression: nodes.Expression) -> list[str]:
    """A statement on one line if it fits, else its conditions one a line."""
    text = expression_text(expression)
    chain = _chain(expression)
    if len(prefix) + len(text) <= WIDTH or len(chain) == 1:
        return [prefix + text]
    assert isinstance(expression, nodes.Call)
    own = INFIX[expression.head]
    first, *rest = [
        _spell(part).parenthesize(own if index == 0 else own + 1)
        for index, part in enumerate(chain)
    ]
    return [prefix + first, *[f"{INDENT * 2}{expression.head} {part}" for part in rest]]


def _chain(expression: nodes.Expression) -> list[nodes.Expression]:
    """The operands of a left-nested chain of one logical operator, in order."""
    head = expression.head if isinstance(expression, nodes.Call) else ""
    parts: list[nodes.Expression] = []
    while head in ("and", "or") and isinstance(expression, nodes.Call) and expression.head == head:
        parts[:0] = expression.args[1:]
        expression = expression.args[0]
    return [expression, *parts]
