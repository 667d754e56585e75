"""YAML to plain data with the place of every value: YAML 1.2 scalars, no tags, no surprises.

PyYAML parses; what a scalar means is decided here, since YAML 1.1 reads `no` as false, `012` as
10 and `1e-3` as text, and takes duplicate keys in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from dsl.diagnostics import Diagnostic, Source, Span

Path = tuple[str | int, ...]
CORE = "tag:yaml.org,2002:"
MAX_CHARACTERS = 1_000_000
MAX_VALUES = 20_000
MAX_DEPTH = 50

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
READABLE = ("OPENAI_BASE_URL", "OPENAI_MODEL")  # never a key: what is read here is written out
OWN_PREFIX = "EVOLVE_"
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL, _HEX = re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip


@dataclass
class Document:
    """What a YAML text says.

    Attributes:
        source: the text and its name.
        data: mappings, lists and scalars.
        keys, values: where each key and each value stands, by path.
        found: what is wrong with the text itself.
    """

    source: Source
    data: object = None
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)

    def report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Add a finding."""
        self.found.append(Diagnostic(code, message, span, hint, self.source))

    def place(self, path: Path, of_key: bool = False) -> Span:
        """Where a path stands, or the nearest part of it that does."""
        for length in range(len(path), -1, -1):
            places = self.keys if of_key and length == len(path) else self.values
            if path[:length] in places:
                return places[path[:length]]
        return Span(0, 1)


def read_document(text: str, name: str, variables: Mapping[str, str] | None = None) -> Document:
    """A YAML text as data; what is wrong with it is in `found`.

    Args:
        text: the YAML.
        name: what it goes by in messages.
        variables: what `${NAME}` and `${NAME:-default}` in a value may stand for.
    """
    document = Document(Source(text, name))
    if len(text) > MAX_CHARACTERS:
        document.report("E505", f"the file has {len(text):,} characters", Span(0, 1), "shorten it")
        return document
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        start = mark.index if mark else 0
        hint = "check the indentation, colons and quotes around here"
        message = f"this is not YAML: {error.problem or error.context}"
        document.report("E505", message, Span(start, start + 1), hint)
        return document
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).split("\n")[0] or "it is nested too deeply"
        document.report("E505", f"this is not YAML: {reason}", Span(0, 1))
        return document
    if node is not None:
        _Reader(document, variables or {}).read(node, (), 0)
        document.data = None if document.found and document.data is None else document.data
    return document


class _Reader:
    def __init__(self, document: Document, variables: Mapping[str, str]) -> None:
        self.document = document
        self.variables = variables
        self.count = 0

    def read(self, node: yaml.Node, path: Path, depth: int) -> object:
        self.count += 1
        span = Span(node.start_mark.index, max(node.end_mark.index, node.start_mark.index + 1))
        self.document.values[path] = span
        if self.count > MAX_VALUES or depth > MAX_DEPTH:
            if not any(each.code == "E506" for each in self.document.found):
                self.document.report(
                    "E506", "the file is too large or too deep", span, "shorten it"
                )
            return None
        value = self._value(node, path, depth, span)
        if not path:
            self.document.data = value
        return value

    def _value(self, node: yaml.Node, path: Path, depth: int, span: Span) -> object:
        if node.tag.rpartition(":")[0] + ":" != CORE or "/" in node.tag:
            self.document.report("E507", f"tags are not read: {node.tag}", span, "remove it")
        if isinstance(node, yaml.ScalarNode):
            text = VARIABLE.sub(lambda found: self._variable(found, span), node.value)
            return scalar(text) if node.style is None else text
        if isinstance(node, yaml.SequenceNode):
            return [self.read(each, (*path, i), depth + 1) for i, each in enumerate(node.value)]
        return self._mapping(node, path, depth)

    def _variable(self, found: re.Match[str], span: Span) -> str:
        """What a variable stands for; one that must not be read, or has no value, is reported."""
        name, default = found.groups()
        if name not in READABLE and not name.startswith(OWN_PREFIX):
            message = f"`{name}` is not read from the environment"
            hint = f"those that are: {', '.join(READABLE)}, and names that begin with {OWN_PREFIX}"
            self.document.report("E508", message, span, hint)
            return ""
        value = self.variables.get(name) or default
        if value is None:
            hint = f"set it, or write ${{{name}:-a default}}"
            self.document.report("E508", f"`{name}` is not set", span, hint)
        return value or ""

    def _mapping(self, node: yaml.Node, path: Path, depth: int) -> dict[str, object]:
        made: dict[str, object] = {}
        for key_node, value_node in node.value:
            span = Span(key_node.start_mark.index, key_node.end_mark.index)
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            if key in made:
                hint = "keep one of them"
                self.document.report("E504", f"`{key}` stands twice", span, hint)
                continue
            self.document.keys[*path, key] = span
            made[key] = self.read(value_node, (*path, key), depth + 1)
        return made


def scalar(text: str) -> object:
    """A plain scalar as YAML 1.2's core schema reads it."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return float(text) if _FLOAT.fullmatch(text) else text
