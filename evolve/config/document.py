"""Reader of YAML documents: plain data, with the span of every value.

PyYAML parses the text. Scalars follow YAML 1.2 and are converted here, since PyYAML follows 1.1:
it reads `no` as false, `012` as 10 and `1e-3` as text. It also accepts duplicate keys. Tags are
not supported. The number and depth of the values are limited while PyYAML reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from dsl.diagnostics import Diagnostic, Source, Span
from dsl.printable import make_printable
from evolve.llm.transport.address import mask_user_info

Path = tuple[str | int, ...]
CORE = "tag:yaml.org,2002:"
MAX_CHARACTERS = 1_000_000
MAX_VALUES = 20_000
MAX_DEPTH = 50
MAX_DIGITS = 300  # so that each integer has a float
MAX_KEY_CHARACTERS = 200

_LIMITS = f"expected at most {MAX_VALUES:,} values, nested at most {MAX_DEPTH} deep"

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
READABLE_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_MODEL")  # no keys: the values are written out
USER_PREFIX = "EVOLVE_"
_INTEGER = re.compile(r"[-+]?[0-9]+")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_OCTAL, _HEX = re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip


@dataclass
class Document:
    """Data of a YAML text, with its spans.

    Attributes:
        source: the text and its name.
        data: mappings, lists and scalars.
        keys: spans of the keys, by path.
        values: spans of the values, by path.
        diagnostics: errors of the text.
    """

    source: Source
    data: object = None
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Add a diagnostic."""
        self.diagnostics.append(Diagnostic(code, message, span, hint, self.source))

    def locate(self, path: Path, of_key: bool = False) -> Span:
        """Return the span of a path, or of its longest prefix in the text.

        Args:
            path: keys and list indices.
            of_key: return the span of the key, not of the value.
        """
        for length in range(len(path), -1, -1):
            is_key = of_key and length == len(path) and path in self.keys  # an index is no key
            spans = self.keys if is_key else self.values
            if path[:length] in spans:
                return spans[path[:length]]
        return Span(0, 1)


def read_document(text: str, name: str, variables: Mapping[str, str] | None = None) -> Document:
    """Read a YAML text; its errors are in `diagnostics`.

    Args:
        text: the YAML.
        name: the name of the text in messages.
        variables: the environment variables for `${NAME}` and `${NAME:-default}` in values.
    """
    document = Document(Source(mask_user_info(text), mask_user_info(name)))  # for messages
    if len(text) > MAX_CHARACTERS:
        message = f"expected at most {MAX_CHARACTERS:,} characters, found {len(text):,}"
        document.report("E505", message, Span(0, 1), "shorten the file")
        return document
    try:
        node = yaml.compose(text, Loader=_BoundedLoader)
    except (yaml.YAMLError, RecursionError) as error:
        _report_invalid(document, error)
        return document
    if node is not None:
        _Reader(document, variables or {}).read(node, (), 0)
    return document


class _LimitError(yaml.MarkedYAMLError):
    """Error of a document with too many values, or with values nested too deeply."""


class _BoundedLoader(yaml.SafeLoader):
    """Loader that stops at the first value beyond the limits."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.count = self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.count += 1
        self.depth += 1
        # Keys count here, too.
        if self.count > 2 * MAX_VALUES or self.depth > MAX_DEPTH + 1:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _LimitError(None, None, _LIMITS, event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _report_invalid(document: Document, error: yaml.YAMLError | RecursionError) -> None:
    """Report the error of PyYAML at its position."""
    hint, code = "check the indentation, colons and quotes", "E505"
    start, reason = 0, str(error).split("\n")[0]
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        start = mark.index if mark else 0
        reason = str(error.problem or error.context)
        if mark and document.source.text[start : start + 1] == "\t":
            reason, hint = "found a tab before a setting", "indent with spaces"
    elif isinstance(error, yaml.reader.ReaderError):
        start, hint = int(error.position), "remove it"
        reason = f"unexpected character U+{error.character:04X}"
    elif isinstance(error, RecursionError):
        reason = "nested too deeply"
    message = f"invalid YAML: {reason}"
    if isinstance(error, _LimitError):
        code, message, hint = "E506", reason, "shorten the file"
    document.report(code, message, Span(start, start + 1), hint)


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
            if not any(each.code == "E506" for each in self.document.diagnostics):
                self.document.report("E506", _LIMITS, span, "shorten the file")
            return None
        value = self._convert(node, path, depth, span)
        if not path:
            self.document.data = value
        return value

    def _convert(self, node: yaml.Node, path: Path, depth: int, span: Span) -> object:
        if node.tag.rpartition(":")[0] + ":" != CORE or "/" in node.tag:
            self.document.report("E507", f"unsupported tag `{node.tag}`", span, "remove the tag")
        if isinstance(node, yaml.ScalarNode):
            text = VARIABLE.sub(lambda match: self._expand(match, span), node.value)
            self._check_text(text, span)
            if node.style is not None:
                return text
            if len(text) > MAX_DIGITS and _is_number(text):
                message = f"expected a number of at most {MAX_DIGITS} digits, found {len(text):,}"
                self.document.report("E506", message, span, "shorten the number")
                return None
            return parse_scalar(text)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(each, (*path, i), depth + 1) for i, each in enumerate(node.value)]
        return self._convert_mapping(node, path, depth)

    def _check_text(self, text: str, span: Span) -> None:
        """Report a character that YAML accepts only as an escape, such as NUL."""
        match = _UNPRINTABLE.search(text)
        if match:
            message = f"unexpected character U+{ord(match.group()):04X} in text"
            self.document.report("E505", message, span, "remove it")

    def _expand(self, match: re.Match[str], span: Span) -> str:
        """Return the value of a variable; report one that is not readable or has no value."""
        name, default = match.groups()
        if name not in READABLE_VARIABLES and not name.startswith(USER_PREFIX):
            message = f"environment variable `{name}` is not readable"
            hint = f"expected one of: {', '.join(READABLE_VARIABLES)}, {USER_PREFIX}*"
            self.document.report("E508", message, span, hint)
            return ""
        value = self.variables.get(name) or default
        if value is None:
            hint = f"set it, or write ${{{name}:-DEFAULT}}"
            self.document.report("E508", f"environment variable `{name}` is not set", span, hint)
        return value or ""

    def _convert_mapping(self, node: yaml.Node, path: Path, depth: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            span = Span(key_node.start_mark.index, key_node.end_mark.index)
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            self._check_text(key, span)
            key = make_printable(key, MAX_KEY_CHARACTERS)
            if key in mapping:
                self.document.report("E504", f"duplicate setting `{key}`", span, "remove one")
                continue
            self.document.keys[*path, key] = span
            mapping[key] = self.read(value_node, (*path, key), depth + 1)
        return mapping


def _is_number(text: str) -> bool:
    return any(each.fullmatch(text) for each in (_INTEGER, _OCTAL, _HEX, _FLOAT))


def parse_scalar(text: str) -> object:
    """Parse a plain scalar by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return float(text) if _FLOAT.fullmatch(text) else text
