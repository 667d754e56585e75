"""Every operator there is, collected from the declarations and the prelude."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

import dsl.operators
from dsl import nodes
from dsl.define import define, judge_from, signature_text, slots_from
from dsl.errors import Diagnostic, LanguageError, Source
from dsl.operators.declaration import Declaration
from dsl.parse import parse, parse_signature
from dsl.terms import Operator


@dataclass(frozen=True)
class Catalog:
    """Operators by name and alias; a file's own defines make a catalog that adds them."""

    operators: Mapping[str, Operator] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.operators.values())

    def find(self, name: str) -> Operator | None:
        """An operator by its name, an alias, or a common spelling (`SMA`, `ta.sma`)."""
        found = self.operators.get(name)
        if found is not None:
            return found
        bare = name.rpartition(".")[2]
        for each in (name, bare, bare.lower()):
            known = self.aliases.get(each, each)
            if known in self.operators:
                return self.operators[known]
        return None

    def operator(self, name: str) -> Operator:
        """An operator that is known to exist, by its name."""
        return self.operators[name]

    def names(self) -> list[str]:
        """Every name and alias that can be written as a word."""
        return [name for name in [*self.operators, *self.aliases] if name.isidentifier()]

    def extended(self, operators: list[Operator]) -> Catalog:
        """The catalog with further operators."""
        own = {each.name: each for each in operators}
        others = {alias: each.name for each in operators for alias in each.aliases}
        return Catalog({**self.operators, **own}, {**self.aliases, **others})


@cache
def catalog() -> Catalog:
    """The built-in operators: the families in dsl/operators, then the prelude."""
    built = Catalog()
    for family, declaration in declarations():
        built = built.extended([_from_declaration(declaration, family, built)])
    text = files("dsl").joinpath("prelude.evo").read_text("utf-8")
    file = parse(text, "prelude.evo")
    families = _prelude_families(text)
    operators, found = operators_of(file, built, lambda node: families(node.span.start))
    if found:
        raise LanguageError(_at(found, Source(text, "prelude.evo")))
    return built.extended(operators)


def declarations() -> Iterator[tuple[str, Declaration]]:
    """Every declared primitive with its family, the bar series first."""
    modules = [info.name for info in pkgutil.iter_modules(dsl.operators.__path__)]
    modules.remove("declaration")
    for name in sorted(modules, key=lambda name: (name != "bars", name)):
        module = importlib.import_module(f"dsl.operators.{name}")
        for value in vars(module).values():
            if isinstance(value, Declaration):
                yield name, value


def operators_of(
    file: nodes.File,
    known: Catalog,
    family: Callable[[nodes.Define], str] = lambda node: "",
) -> tuple[list[Operator], list[Diagnostic]]:
    """The operators a file defines, in any order of definition, and the findings in them."""
    reader = _Definitions(file, known, family)
    for node in file.defines:
        reader.find(node.signature.name)
    return list(reader.made.values()), reader.found


class _Definitions:
    """Reads the defines of a file as they are needed, so that they may stand in any order."""

    def __init__(
        self, file: nodes.File, known: Catalog, family: Callable[[nodes.Define], str]
    ) -> None:
        self.nodes = {node.signature.name: node for node in file.defines}
        self.known = known
        self.family = family
        self.made: dict[str, Operator] = {}
        self.found: list[Diagnostic] = []
        self.open: list[str] = []
        self.failed: set[str] = set()
        for node in file.defines:
            self._check_name(node)

    def find(self, name: str) -> Operator | None:
        if name not in self.nodes:
            return self.known.find(name)
        if name in self.open:
            path = " → ".join([*self.open[self.open.index(name) :], name])
            node = self.nodes[self.open[-1]]
            message = f"`{name}` is defined by itself: {path}"
            hint = "the language has no recursion"
            self.found.append(Diagnostic("E205", message, node.signature.span, hint))
            return None
        if name not in self.made and name not in self.failed:
            self.open.append(name)
            node = self.nodes[name]
            operator, found = define(node, self.find, self._names, self.family(node))
            self.open.pop()
            self.found.extend(found)
            if operator is None:
                self.failed.add(name)
            else:
                self.made[name] = operator
        return self.made.get(name)

    def _names(self) -> list[str]:
        return [*self.known.names(), *self.nodes]

    def _check_name(self, node: nodes.Define) -> None:
        name = node.signature.name
        if self.nodes[name] is not node:
            message, hint = f"`{name}` is defined twice in this file", "rename one of them"
        elif self.known.find(name) is not None:
            message, hint = f"`{name}` is an operator already", "choose another name"
        else:
            return
        self.found.append(Diagnostic("E204", message, node.signature.span, hint))


def _from_declaration(declaration: Declaration, family: str, known: Catalog) -> Operator:
    signature = parse_signature(declaration.signature)
    name = declaration.symbol or signature.name
    aliases = declaration.aliases + ((signature.name,) if declaration.symbol else ())
    judge = declaration.judge
    if judge is None:
        judge = judge_from(signature)
    return Operator(
        name=name,
        slots=slots_from(signature, known.find),
        judge=judge,
        family=family,
        about=declaration.about,
        signature=signature_text(signature),
        aliases=aliases,
        example=declaration.example,
        kernel=declaration.kernel,
        lookback=declaration.lookback,
        is_pointwise=declaration.is_pointwise,
        is_variadic=declaration.is_variadic,
        complement=declaration.complement,
        series=declaration.series,
    )


def _prelude_families(text: str) -> Callable[[int], str]:
    """The family of a prelude define: the `# -- heading` above it."""
    headings = [
        (offset, line.removeprefix("# -- ").strip())
        for offset, line in _lines(text)
        if line.startswith("# -- ")
    ]

    def family(offset: int) -> str:
        return [name for start, name in headings if start < offset][-1]

    return family


def _lines(text: str) -> Iterator[tuple[int, str]]:
    offset = 0
    for line in text.splitlines(keepends=True):
        yield offset, line
        offset += len(line)


def _at(found: list[Diagnostic], source: Source) -> list[Diagnostic]:
    return [replace(each, source=source) for each in found]
