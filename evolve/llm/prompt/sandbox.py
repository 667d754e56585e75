"""Environment of the templates: a small part of Jinja2, whose time and memory are bounded.

The templates of an experiment are untrusted. Each is parsed and refused unless it uses only what
the default templates use. So no expression grows a text or a number, and the work of a template is
at most the number of its nodes in each iteration of its loops, which a budget limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import (
    BaseLoader,
    StrictUndefined,
    TemplateAssertionError,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
)
from jinja2 import pass_context as with_context
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evolve.errors import EvolveError
from evolve.files import read_text

MAX_TEMPLATE_BYTES = 32_000
MAX_RENDERED_CHARACTERS = 1_000_000
MAX_WORK = 2_000_000  # nodes in iterations, and characters in filters
MAX_BLOCKS = 12  # nested; Python allows 20
MAX_DEPTH = 50  # of the syntax tree; Python allows 200 nested parentheses
MAX_INCLUDES = 8
TESTS = ("defined", "none", "undefined")
METHODS = ("items", "keys", "values")  # of mappings, without arguments
BUDGET = "_budget"  # a name that no template may use
_COUNTED = "counted"
_LEAVES = (nodes.Name, nodes.Const, nodes.TemplateData, nodes.Operand, nodes.Keyword)
_PARTS = (
    nodes.Template, nodes.Output, nodes.For, nodes.If, nodes.Include, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Filter, nodes.Test, nodes.Call, nodes.Compare, nodes.CondExpr, nodes.And,
    nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Div, nodes.Tuple,
)  # fmt: skip
ALLOWED = (
    "expected only text, variables, `if`, `for` without `recursive`, `include` of a template "
    "without includes, comparisons, `+`, `-`, `/`, "
)


class WorkBudget:
    """Work that the rendering of one template may still do."""

    def __init__(self) -> None:
        self._left = MAX_WORK

    def charge(self, work: int) -> None:
        """Subtract some work.

        Raises:
            ValueError: if none is left.
        """
        self._left -= work
        if self._left < 0:
            raise ValueError("the template loops too often, or over texts that are too long")


class FolderLoader(BaseLoader):
    """Loader of regular, bounded files within folders, of which the first has precedence."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)

    def get_source(
        self, environment: Any, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        """Return the text of a template and its path.

        Raises:
            TemplateNotFound: if no folder has it.
            TemplateSyntaxError: if it is no text file within its folder, or too large.
        """
        parts = split_template_path(template)
        for folder in self._folders:
            path = folder.joinpath(*parts)
            if not path.exists() and not path.is_symlink():
                continue
            if not path.resolve().is_relative_to(folder.resolve()):
                raise TemplateSyntaxError("it is a link out of its folder", 1, template)
            try:
                return read_text(path, max_bytes=MAX_TEMPLATE_BYTES), str(path), None
            except EvolveError as error:
                raise TemplateSyntaxError(error.message, 1, template) from None
        raise TemplateNotFound(template)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Environment that refuses a template with anything but the allowed constructs."""

    intercepted_binops = frozenset(["+"])

    def __init__(self, loader: BaseLoader, filters: Mapping[str, Callable[..., object]]) -> None:
        """
        Args:
            loader: loads the templates.
            filters: further filters by name, whose results are short.
        """
        super().__init__(
            loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            autoescape=False,
        )  # fmt: skip
        self.globals.clear()
        short = {name: self.filters[name] for name in ("first", "last", "length")}
        long = {"capitalize": _capitalize, "join": _join, "replace": _replace}
        self.filters = {**short, **long, **filters, _COUNTED: _count_iterations}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        refuse = _Refusal(self, name)
        _check(tree, refuse, ())
        includes = list(tree.find_all(nodes.Include))
        if len(includes) > MAX_INCLUDES:
            refuse(includes[MAX_INCLUDES], f"more than {MAX_INCLUDES} includes")
        for include in includes:
            self._check_include(include, refuse)
        for loop in list(tree.find_all(nodes.For)):
            size = nodes.Const(sum(1 for _ in loop.find_all(nodes.Node)), lineno=loop.lineno)
            loop.iter = nodes.Filter(
                loop.iter, _COUNTED, [size], [], None, None, lineno=loop.lineno
            )
        return tree

    def _check_include(self, include: nodes.Include, refuse: _Refusal) -> None:
        target = include.template
        if not isinstance(target, nodes.Const) or not isinstance(target.value, str):
            refuse(include, "an include of a variable")
        assert self.loader is not None
        source, path, _ = self.loader.get_source(self, target.value)
        if super()._parse(source, target.value, path).find(nodes.Include) is not None:
            refuse(include, "an include of a template with includes")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Return a sum; a text must not be too long."""
        if isinstance(left, str) and isinstance(right, str):
            _get_budget(context).charge(len(left) + len(right))
        elif not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError("expected two numbers or two texts around `+`")
        return left + right


class _Refusal:
    """Raises the error of a construct that is not allowed."""

    def __init__(self, environment: TemplateEnvironment, name: str | None) -> None:
        self.filters = sorted(environment.filters.keys() - {_COUNTED})
        self._name = name

    def __call__(self, node: nodes.Node, what: str) -> NoReturn:
        allowed = f"{ALLOWED}filters {', '.join(self.filters)}"
        raise TemplateAssertionError(f"{what} is not allowed: {allowed}", node.lineno, self._name)


def _check(node: nodes.Node, refuse: _Refusal, above: tuple[nodes.Node, ...]) -> None:
    """Check a node and those below it; `above` are the nodes that contain it."""
    if not isinstance(node, (*_PARTS, *_LEAVES)):
        refuse(node, f"`{type(node).__name__.lower()}`")
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        refuse(node, f"the name `{node.name}`")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        refuse(node, f"the attribute `{node.attr}`")
    if isinstance(node, nodes.Filter) and node.name not in refuse.filters:
        refuse(node, f"the filter `{node.name}`")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        refuse(node, f"the test `{node.name}`")
    if isinstance(node, nodes.Call) and not _is_method(node):
        refuse(node, "a call")
    if isinstance(node, nodes.For) and node.recursive:
        refuse(node, "`recursive`")
    if isinstance(node, nodes.Include):
        if not node.with_context:
            refuse(node, "`without context`")
        if any(isinstance(each, nodes.For) for each in above):
            refuse(node, "an include in a loop")
    if sum(isinstance(each, nodes.For | nodes.If) for each in above) > MAX_BLOCKS:
        refuse(node, f"nesting above {MAX_BLOCKS} blocks")
    if len(above) > MAX_DEPTH:
        refuse(node, f"nesting above {MAX_DEPTH} levels")
    for child in node.iter_child_nodes():
        _check(child, refuse, (*above, node))


def _is_method(call: nodes.Call) -> bool:
    """Return whether a call is that of a method without arguments that lists a mapping."""
    has_arguments = call.args or call.kwargs or call.dyn_args or call.dyn_kwargs
    return isinstance(call.node, nodes.Getattr) and call.node.attr in METHODS and not has_arguments


def _get_budget(context: Context) -> WorkBudget:
    budget = context.get(BUDGET)
    assert isinstance(budget, WorkBudget)
    return budget


@with_context
def _count_iterations(context: Context, items: Iterable[object], size: int) -> Iterator[object]:
    """Yield the items of a loop; charge the nodes of its body for each."""
    budget = _get_budget(context)
    for each in items:
        budget.charge(size)
        yield each


@with_context
def _capitalize(context: Context, text: object) -> str:
    shown = str(text)
    _get_budget(context).charge(len(shown))
    return shown.capitalize()


@with_context
def _join(context: Context, items: Iterable[object], separator: object = "") -> str:
    shown, between = [str(each) for each in items], str(separator)
    _get_budget(context).charge(sum(len(each) + len(between) for each in shown))
    return between.join(shown)


@with_context
def _replace(context: Context, text: object, old: str, new: str) -> str:
    shown = str(text)
    _get_budget(context).charge(len(shown) + shown.count(old) * len(new))
    return shown.replace(old, new)
