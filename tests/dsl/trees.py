"""Random syntax trees: everything that the grammar allows, valid or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from hypothesis import strategies as st

from dsl.syntax import nodes
from dsl.syntax.nodes import Comments, Expression
from dsl.syntax.vocabulary import ENTRIES, ORDERS, SETTINGS, USAGES

RESERVED = tuple(
    re.findall(
        r"\w+",
        "about param let buy sell short cover size stop trail target hold "
        "when while in step and or not true false strategy define",
    )
)
INFIX = ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "and", "or")
WORDS = (
    "like",
    "also",
    "typical",
    "distance",
    "phrase",
    "usage",
    "rare",
    "level",
    "window",
    "buyer",
    "inner",
    "notional",
)

# -- words, numbers, texts


@cache
def names() -> st.SearchStrategy[str]:
    """Generate names, including dotted ones and near-keywords."""
    return _NAMES


def _is_free(name: str) -> bool:
    reads_as_infinity = name == "inf"  # in a signature's default
    return name.split(".")[0] not in RESERVED and not reads_as_infinity


_NAMES = (
    st.sampled_from(WORDS)
    | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}(\.[a-z]{1,3})?", fullmatch=True)
).filter(_is_free)


@cache
def numbers(signed: bool = False) -> st.SearchStrategy[nodes.Number]:
    """Generate literals, plain or percentages."""
    usual = st.sampled_from([0.0, 0.5, 1.0, 2.0, 14.0, 0.06, 1e-3, 1e16, 1e300, 0.1 + 0.2])
    finite = st.floats(-1e300 if signed else 0.0, 1e300, allow_nan=False)
    return st.builds(nodes.Number, usual | finite, st.booleans())


@cache
def ranges(is_open: bool = True) -> st.SearchStrategy[tuple[nodes.Number, nodes.Number]]:
    """Generate bounds in order, including infinite ones."""
    infinite = st.sampled_from([nodes.Number(float("-inf")), nodes.Number(float("inf"))])
    ends = numbers(signed=True) | infinite if is_open else numbers(signed=True)
    return st.tuples(ends, ends).map(lambda pair: _sort_bounds(*pair))


def _sort_bounds(a: nodes.Number, b: nodes.Number) -> tuple[nodes.Number, nodes.Number]:
    return (a, b) if a.value <= b.value else (b, a)


def printable(exclude: str = "") -> st.SearchStrategy[str]:
    """Generate characters that a text may contain, without those of line ends."""
    return st.characters(
        codec="utf-8",
        exclude_categories=["Cc"],
        exclude_characters=exclude + "\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    )


@cache
def sentences() -> st.SearchStrategy[str]:
    """Generate text for double quotes."""
    return st.text(printable('"'), max_size=20)


@cache
def comment_lines() -> st.SearchStrategy[str]:
    """Generate comments in the form of the printer."""
    text = st.text(printable(), max_size=20)
    return text.map(lambda each: f"# {each.strip()}" if each.strip("# \t\r\n").strip() else "#")


@cache
def comments(may_be_blank: bool) -> st.SearchStrategy[Comments]:
    """Generate comments around a node, often none."""
    before = st.lists(comment_lines(), max_size=2).map(tuple)
    after = st.just("") | comment_lines()
    blank = st.booleans() if may_be_blank else st.just(False)
    return st.just(Comments()) | st.builds(Comments, before, after, blank)


# -- expressions


@cache
def expressions() -> st.SearchStrategy[Expression]:
    """Generate expressions of any shape, such as `a > (b and c)[2]`."""
    leaves: st.SearchStrategy[Expression] = st.one_of(
        numbers(), st.builds(nodes.Name, names()), st.builds(nodes.Truth, st.booleans())
    )
    return st.recursive(leaves, _calls, max_leaves=12)


def _calls(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    pairs = st.tuples(inner, inner)
    heads = names().filter(lambda name: name not in ("lag", "negate"))
    return st.one_of(
        st.builds(nodes.Call, st.sampled_from(INFIX), pairs),
        st.builds(nodes.Call, st.sampled_from(["not", "negate"]), st.tuples(inner)),
        st.builds(nodes.Call, st.just("lag"), pairs),
        st.builds(nodes.Call, heads, st.lists(inner, max_size=3).map(tuple)),
    )


# -- statements


@cache
def params() -> st.SearchStrategy[nodes.Param]:
    """Generate params without a range, with a range, and with a range and a step."""
    signed = numbers(signed=True)
    bare = st.builds(nodes.Param, names(), signed)
    ranged = st.builds(
        lambda name, value, ends, step: nodes.Param(name, value, ends[0], ends[1], step),
        names(),
        signed,
        ranges(is_open=False),
        st.none() | signed,
    )
    return bare | ranged


@cache
def strategies(is_first: bool) -> st.SearchStrategy[nodes.Strategy]:
    """Generate strategies with each order and setting at most once."""

    def build(
        name: str,
        many: list[nodes.Statement],
        once: list[nodes.Statement],
        order: list[float],
        around: Comments,
        closing: list[str],
        written: list[Comments],
    ) -> nodes.Strategy:
        once = list(_drop_repeated(once))
        mixed = [each for _, each in sorted(zip(order, many + once, strict=False), key=_rank)]
        placed = [
            replace(each, comments=notes) for each, notes in zip(mixed, written, strict=False)
        ]
        if placed:
            placed[0] = replace(placed[0], comments=replace(placed[0].comments, blank=False))
        outer = replace(around, blank=not is_first)
        return nodes.Strategy(name, tuple(placed), comments=outer, closing=tuple(closing))

    single: list[st.SearchStrategy[nodes.Statement]] = [st.builds(nodes.About, sentences())]
    for order in ORDERS:
        single.append(st.builds(nodes.Order, st.just(order), expressions()))
    for order in ENTRIES:
        single.append(st.builds(nodes.Order, st.just(order), expressions(), st.just(True)))
    for setting in SETTINGS:
        single.append(st.builds(nodes.Setting, st.just(setting), expressions()))
    return st.builds(
        build,
        names(),
        st.lists(params() | st.builds(nodes.Let, names(), expressions()), max_size=3),
        st.permutations(single).flatmap(lambda each: st.tuples(*each[:3])).map(list),
        st.lists(st.floats(0, 1), min_size=6, max_size=6),
        comments(may_be_blank=False),
        st.lists(comment_lines(), max_size=2),
        st.lists(comments(may_be_blank=True), min_size=6, max_size=6),
    )


def _drop_repeated(statements: list[nodes.Statement]) -> Iterator[nodes.Statement]:
    """Yield the statements without orders that an earlier one contains."""
    seen: set[str] = set()
    for each in statements:
        if isinstance(each, nodes.Order):
            if seen & {*each.names}:
                continue
            seen.update(each.names)
        yield each


def _rank(pair: tuple[float, nodes.Statement]) -> float:
    return pair[0]


# -- defines


@cache
def kinds(dimensioned: bool = True) -> st.SearchStrategy[nodes.KindNote]:
    """Generate kinds of a signature, with or without dimension and range."""
    plain = re.findall(
        r"\w+", "number bool window level diff volume ratio change oscillator count other"
    )
    exponents = st.tuples(st.integers(-3, 3), st.integers(-3, 3))
    return st.builds(
        nodes.KindNote, st.sampled_from(plain), st.none() | exponents, st.none() | ranges()
    )


@cache
def arguments() -> st.SearchStrategy[nodes.Argument]:
    """Generate arguments, with or without a default."""
    alike = st.builds(nodes.KindNote, st.just("number"), like=names())
    defaults = st.none() | numbers(signed=True) | st.builds(nodes.Name, names())
    return st.builds(nodes.Argument, names(), kinds() | alike, defaults)


@cache
def defines(is_first: bool) -> st.SearchStrategy[nodes.Define]:
    """Generate defines."""
    shared = st.builds(nodes.Result, st.sampled_from(["like", "distance"]), names())
    typical = st.builds(
        lambda note, usual: replace(note, typical=usual), kinds(), st.none() | ranges()
    )
    declared = typical.map(lambda note: nodes.Result("kind", kind=note))
    signature = st.builds(
        nodes.Signature, names(), st.lists(arguments(), max_size=3).map(tuple), shared | declared
    )
    return st.builds(
        nodes.Define,
        signature,
        st.lists(names(), max_size=2).map(tuple),
        sentences(),
        expressions(),
        st.just("") | sentences(),
        st.sampled_from(USAGES),
        comments=comments(may_be_blank=not is_first),
    )


# -- files


@st.composite
def files(draw: st.DrawFn) -> nodes.File:
    """Generate files of defines and strategies."""
    items: list[nodes.Define | nodes.Strategy] = []
    for index in range(draw(st.integers(0, 3))):
        items.append(draw(defines(index == 0) | strategies(index == 0)))
    return nodes.File(tuple(items), tuple(draw(st.lists(comment_lines(), max_size=2))))


def without_comments(file: nodes.File) -> nodes.File:
    """Return a file without comments and blank lines."""
    items: list[nodes.Define | nodes.Strategy] = []
    for item in file.items:
        bare = replace(item, comments=Comments())
        if isinstance(bare, nodes.Strategy):
            statements = tuple(replace(each, comments=Comments()) for each in bare.statements)
            bare = replace(bare, statements=statements, closing=())
        items.append(bare)
    return nodes.File(tuple(items))


def replace_spaces(text: str, spaces: list[str]) -> str:
    """Replace each space outside of quotes by the next of a cycle of others."""
    quoted = re.split(r'("[^"\n]*")', text)
    count = 0

    def replacement(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return spaces[count % len(spaces)]

    return "".join(
        part if part.startswith('"') else re.sub(" ", replacement, part) for part in quoted
    )
