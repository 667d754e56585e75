"""Every operator there is, collected from the declarations and the prelude."""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

from dsl.analysis.define import build_infer, build_slots, define, signature_text
from dsl.diagnostics import Diagnostic, LanguageError, Source
from dsl.operators import FAMILIES
from dsl.operators.declaration import Declaration
from dsl.syntax import nodes
from dsl.syntax.parser import parse, parse_signature
from dsl.terms.operator import Operator

MAX_DEFINE_DEPTH = 12
LIBRARIES = ("", "ta", "math", "np", "talib")  # prefixes that mean nothing here: `ta.sma`


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
        library, _, bare = name.rpartition(".")
        if library not in LIBRARIES:
            return None
        for each in (bare, bare.lower()):
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

    def extend(self, operators: list[Operator]) -> Catalog:
        """The catalog with further operators."""
        if not operators:
            return self
        own = {each.name: each for each in operators}
        others = {alias: each.name for each in operators for alias in each.aliases}
        return Catalog({**self.operators, **own}, {**self.aliases, **others})


@cache
def catalog() -> Catalog:
    """The built-in operators: the families in dsl/operators, then the prelude."""
    built = Catalog()
    for family, declaration in list_declarations():
        built = built.extend([_from_declaration(declaration, family, built)])
    text = files("dsl.operators").joinpath("prelude.evo").read_text("utf-8")
    file = parse(text, "prelude.evo")
    families = _prelude_families(text)
    operators, found = define_operators(file, built, lambda node: families(node.span.start))
    if found:
        raise LanguageError(_at(found, Source(text, "prelude.evo")))
    return built.extend(operators)


def restore_operator(name: str, node: nodes.Define | None, uses: tuple[Operator, ...]) -> Operator:
    """The operator that another process knows by a name, or by its define and what that uses."""
    if node is None:
        return catalog().operator(name)
    made, _ = define(node, catalog().extend(list(uses)).find, list)
    assert made is not None
    return made


def _reduced(operator: Operator) -> tuple[object, ...]:
    node = operator.node if operator.is_user_defined else None
    return restore_operator, (operator.name, node, operator.uses)


copyreg.pickle(Operator, _reduced)  # type: ignore[arg-type]


def list_declarations() -> Iterator[tuple[str, Declaration]]:
    """Every declared primitive with its family, the bar series first."""
    for module in FAMILIES:
        for value in vars(module).values():
            if isinstance(value, Declaration):
                yield module.__name__.rpartition(".")[2], value


def define_operators(
    file: nodes.File,
    known: Catalog,
    family: Callable[[nodes.Define], str] = lambda node: "",
) -> tuple[list[Operator], list[Diagnostic]]:
    """The operators a file defines, in any order of definition, and the findings in them."""
    reader = _Definitions(file, known, family)
    return list(reader.made.values()), reader.found


class _Definitions:
    """Reads a file's defines, each after those it uses: they may stand in any order."""

    def __init__(
        self, file: nodes.File, known: Catalog, family: Callable[[nodes.Define], str]
    ) -> None:
        self.nodes: dict[str, nodes.Define] = {}
        self.named: dict[str, str] = {}  # by every name and alias: the name
        self.known = known
        self.family = family
        self.made: dict[str, Operator] = {}
        self.found: list[Diagnostic] = []
        self.depth: dict[str, int] = {}
        for node in file.defines:
            self._add(node)
        for name in self._in_order():
            self._read(name)

    def find(self, name: str) -> Operator | None:
        known = self.named.get(name)
        return self.made.get(known) if known is not None else self.known.find(name)

    def _read(self, name: str) -> None:
        node = self.nodes[name]
        used = self._uses(name)
        if any(each not in self.made for each in used):
            return  # what is wrong there is reported there
        self.depth[name] = 1 + max((self.depth[each] for each in used), default=0)
        if self.depth[name] > MAX_DEFINE_DEPTH:
            message = f"defines are nested more than {MAX_DEFINE_DEPTH} deep"
            self._report("E104", message, node, "say it with fewer defines")
            return
        operator, found = define(node, self.find, self._names, self.family(node))
        self.found.extend(found)
        if operator is not None:
            self.made[name] = operator

    def _in_order(self) -> Iterator[str]:
        """The names of the defines, each after those it uses; one that uses itself is reported."""
        done: set[str] = set()
        for first in self.nodes:
            path, waiting = [first], [iter(self._uses(first))]
            while path and first not in done:
                following = next((each for each in waiting[-1] if each not in done), None)
                if following is None:
                    waiting.pop()
                    name = path.pop()
                    done.add(name)
                    yield name
                elif following in path:
                    circle = " → ".join([*path[path.index(following) :], following])
                    message = f"`{following}` is defined by itself: {circle}"
                    node = self.nodes[path[-1]]
                    self._report("E205", message, node, "the language has no recursion")
                    done.add(path.pop())
                    waiting.pop()
                else:
                    path.append(following)
                    waiting.append(iter(self._uses(following)))

    def _uses(self, name: str) -> list[str]:
        """The defines of the file that a define calls, in order, each once."""
        heads = dict.fromkeys(nodes.list_heads(self.nodes[name].body))
        return list(dict.fromkeys(self.named[head] for head in heads if head in self.named))

    def _names(self) -> list[str]:
        return [*self.known.names(), *self.named]

    def _report(self, code: str, message: str, node: nodes.Define, hint: str) -> None:
        self.found.append(Diagnostic(code, message, node.signature.span, hint))

    def _add(self, node: nodes.Define) -> None:
        """Take a define in under its names, of which none may be taken."""
        name = node.signature.name
        if name not in self.nodes:
            self.nodes[name] = node
        for each in (name, *node.also):
            if each in self.named:
                self._report("E204", f"`{each}` is defined twice in this file", node, "rename one")
            elif self.known.find(each) is not None:
                hint = "choose another name"
                self._report("E204", f"`{each}` is an operator already", node, hint)
            self.named.setdefault(each, name)


def _from_declaration(declaration: Declaration, family: str, known: Catalog) -> Operator:
    signature = parse_signature(declaration.signature)
    name = declaration.symbol or signature.name
    aliases = declaration.aliases + ((signature.name,) if declaration.symbol else ())
    infer = declaration.infer
    if infer is None:
        infer = build_infer(signature)
    return Operator(
        name=name,
        slots=build_slots(signature, known.find),
        infer=infer,
        family=family,
        about=declaration.about,
        signature=signature_text(signature).replace("()", "" if declaration.series else "()"),
        aliases=aliases,
        example=declaration.example,
        kernel=declaration.kernel,
        lookback=declaration.lookback,
        is_pointwise=declaration.is_pointwise,
        is_variadic=declaration.is_variadic,
        complement=declaration.complement,
        series=declaration.series,
        facts=declaration.facts,
        never_above=declaration.never_above,
        mirror=declaration.mirror,
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
