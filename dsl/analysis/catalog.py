"""Catalog of operators, from the declarations, the prelude and the defines of a file."""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import islice

from dsl.analysis.define import build_infer, build_slots, define, signature_text
from dsl.analysis.findings import Findings
from dsl.diagnostics import Diagnostic, LanguageError, Source
from dsl.operators import FAMILIES
from dsl.operators.declaration import Declaration
from dsl.syntax import nodes
from dsl.syntax.parser import parse, parse_signature
from dsl.terms.operator import Operator

MAX_DEFINE_DEPTH = 12
LIBRARIES = ("", "ta", "math", "np", "talib")  # ignored prefixes: `ta.sma` is `sma`


@dataclass(frozen=True)
class Catalog:
    """Operators by name, and their names by alias."""

    operators: Mapping[str, Operator] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.operators.values())

    def find(self, name: str) -> Operator | None:
        """Return an operator by name, alias or common spelling (`SMA`, `ta.sma`), or None."""
        operator = self.operators.get(name)
        if operator is not None:
            return operator
        library, _, bare = name.rpartition(".")
        if library not in LIBRARIES:
            return None
        for each in (bare, bare.lower()):
            known = self.aliases.get(each, each)
            if known in self.operators:
                return self.operators[known]
        return None

    def operator(self, name: str) -> Operator:
        """Return an operator by its name; raise KeyError if it is unknown."""
        return self.operators[name]

    def names(self) -> list[str]:
        """Return all names and aliases that are identifiers."""
        return [name for name in [*self.operators, *self.aliases] if name.isidentifier()]

    def extend(self, operators: list[Operator]) -> Catalog:
        """Return a catalog with further operators."""
        if not operators:
            return self
        named = {each.name: each for each in operators}
        aliases = {alias: each.name for each in operators for alias in each.aliases}
        return Catalog({**self.operators, **named}, {**self.aliases, **aliases})


@cache
def catalog() -> Catalog:
    """Build the catalog of built-in operators: declarations, then the prelude."""
    built = Catalog()
    for family, declaration in list_declarations():
        built = built.extend([_build_operator(declaration, family, built)])
    text = files("dsl.operators").joinpath("prelude.evo").read_text("utf-8")
    file = parse(text, "prelude.evo")
    families = _read_families(text)
    findings = Findings()
    operators = define_operators(file, built, findings, lambda node: families(node.span.start))
    diagnostics = findings.list(Source(text, "prelude.evo"))
    if diagnostics:
        raise LanguageError(diagnostics)
    return built.extend(operators)


def restore_operator(name: str, node: nodes.Define | None, uses: tuple[Operator, ...]) -> Operator:
    """Return the operator that was pickled in another process.

    Args:
        name: its name.
        node: its define, if it is user-defined.
        uses: user-defined operators that the define uses.
    """
    if node is None:
        return catalog().operator(name)
    operator = define(node, catalog().extend(list(uses)).find, list, Findings())
    assert operator is not None
    return operator


def _reduce(operator: Operator) -> tuple[object, ...]:
    node = operator.node if operator.is_user_defined else None
    return restore_operator, (operator.name, node, operator.uses)


copyreg.pickle(Operator, _reduce)  # type: ignore[arg-type]


def list_declarations() -> Iterator[tuple[str, Declaration]]:
    """Yield each declared operator with its family, the bar series first."""
    for module in FAMILIES:
        for value in vars(module).values():
            if isinstance(value, Declaration):
                yield module.__name__.rpartition(".")[2], value


def define_operators(
    file: nodes.File,
    known: Catalog,
    findings: Findings,
    family: Callable[[nodes.Define], str] = lambda node: "",
) -> list[Operator]:
    """Define the operators of a file; return those without an error.

    Args:
        file: the file; a define may precede those that it uses.
        known: operators that the defines may use.
        findings: diagnostics to add to.
        family: returns the family of a define; empty for user-defined.
    """
    return list(_Definitions(file, known, findings, family).operators.values())


class _Definitions:
    """Operators of the defines of a file, each built after those that it uses."""

    def __init__(
        self,
        file: nodes.File,
        known: Catalog,
        findings: Findings,
        family: Callable[[nodes.Define], str],
    ) -> None:
        self.nodes: dict[str, nodes.Define] = {}
        self.names: dict[str, str] = {}  # from names and aliases to names
        self.known = known
        self.findings = findings
        self.family = family
        self.operators: dict[str, Operator] = {}
        self.depth: dict[str, int] = {}
        for node in file.defines:
            self._add(node)
        for name in self._sort():
            self._define(name)

    def find(self, name: str) -> Operator | None:
        defined = self.names.get(name)
        return self.operators.get(defined) if defined is not None else self.known.find(name)

    def _define(self, name: str) -> None:
        node = self.nodes[name]
        used = self._find_uses(name)
        if any(each not in self.operators for each in used):
            return  # the error is reported at the define that is used
        self.depth[name] = 1 + max((self.depth[each] for each in used), default=0)
        if self.depth[name] > MAX_DEFINE_DEPTH:
            message = f"defines are nested more than {MAX_DEFINE_DEPTH} levels deep"
            self._report("E104", message, node, "use fewer defines")
            return
        operator = define(node, self.find, self._list_names, self.findings, self.family(node))
        if operator is not None:
            self.operators[name] = operator

    def _sort(self) -> Iterator[str]:
        """Yield the names of the defines in topological order; report recursion."""
        done: set[str] = set()
        for first in self.nodes:
            path, waiting = {first: None}, [iter(self._find_uses(first))]
            while path and first not in done:
                following = next((each for each in waiting[-1] if each not in done), None)
                if following is None:
                    waiting.pop()
                    name, _ = path.popitem()
                    done.add(name)
                    yield name
                elif following in path:
                    message = f"`{following}` is recursive{_describe_cycle(path, following)}"
                    name, _ = path.popitem()
                    done.add(name)
                    hint = "the language does not allow recursion"
                    self._report("E205", message, self.nodes[name], hint)
                    waiting.pop()
                else:
                    path[following] = None
                    waiting.append(iter(self._find_uses(following)))

    def _find_uses(self, name: str) -> list[str]:
        """Return the distinct defines of the file that a define calls, in order."""
        heads = nodes.list_heads(self.nodes[name].body)
        return list(dict.fromkeys(self.names[head] for head in heads if head in self.names))

    def _list_names(self) -> list[str]:
        return [*self.known.names(), *self.names]

    def _report(self, code: str, message: str, node: nodes.Define, hint: str) -> None:
        self.findings.add(Diagnostic(code, message, node.signature.span, hint))

    def _add(self, node: nodes.Define) -> None:
        """Add a define under its name and aliases; report those that already exist."""
        name = node.signature.name
        if name not in self.nodes:
            self.nodes[name] = node
        for each in (name, *node.also):
            if each in self.names:
                self._report("E204", f"duplicate operator `{each}`", node, "rename one of them")
            elif self.known.find(each) is not None:
                hint = "choose another name"
                self._report("E204", f"operator `{each}` already exists", node, hint)
            self.names.setdefault(each, name)


def _describe_cycle(path: dict[str, None], first: str) -> str:
    """Return the defines of a cycle at the end of a path as text; empty if there are many."""
    cycle = [*islice(reversed(path), MAX_DEFINE_DEPTH)][::-1]
    return f": {' → '.join([*cycle[cycle.index(first) :], first])}" if first in cycle else ""


def _build_operator(declaration: Declaration, family: str, known: Catalog) -> Operator:
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
        phrase=declaration.phrase,
        usage=declaration.usage,
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


def _read_families(text: str) -> Callable[[int], str]:
    """Return a function from an offset in the prelude to its family, the `# -- heading` above."""
    headings = [
        (offset, line.removeprefix("# -- ").strip())
        for offset, line in _split_lines(text)
        if line.startswith("# -- ")
    ]

    def family(offset: int) -> str:
        return [name for start, name in headings if start < offset][-1]

    return family


def _split_lines(text: str) -> Iterator[tuple[int, str]]:
    offset = 0
    for line in text.splitlines(keepends=True):
        yield offset, line
        offset += len(line)
