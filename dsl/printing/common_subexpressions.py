"""Names of common subexpressions: `let sma_close_20 = sma(close, 20)`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dsl.analysis.catalog import catalog
from dsl.names import unique_name
from dsl.terms.terms import Term
from dsl.terms.text import format_term, list_written_args

MIN_NODES = 3
MAX_NAME_CHARACTERS = 32
WORDS = {
    "+": "plus", "-": "minus", "*": "times", "/": "over", "negate": "minus", "<": "below",
    "<=": "at_most", ">": "above", ">=": "at_least", "==": "equals", "!=": "unlike",
}  # fmt: skip


def name_common_subexpressions(terms: Sequence[Term], taken: Iterable[str]) -> dict[Term, str]:
    """Return names of the series and conditions that occur more than once, in dependency order.

    Larger parts are chosen first.

    Args:
        terms: rules of a program.
        taken: names that are in use.
    """
    chosen: list[Term] = []
    candidates = {part for term in terms for part in term.walk() if _is_worth_a_name(part)}
    for part in sorted(candidates, key=lambda each: (-each.size, format_term(each))):
        counts = Counter(_walk_unnamed([*terms, *chosen], set(chosen)))
        if counts[part] > 1:
            chosen.append(part)
    names: dict[Term, str] = {}
    used = {*taken, *catalog().names()}
    for part in sorted(chosen, key=lambda each: (each.size, format_term(each))):
        names[part] = unique_name(_build_name(part), used.__contains__, "_")
        used.add(names[part])
    return names


def _is_worth_a_name(part: Term) -> bool:
    if part.operator is None or not part.args or is_constant(part):
        return False
    return part.size >= MIN_NODES or not part.operator.is_pointwise


def is_constant(part: Term) -> bool:
    """Return whether a term consists of literals and params only."""
    if part.operator is None:
        return True
    return part.operator.is_pointwise and bool(part.args) and all(map(is_constant, part.args))


def _walk_unnamed(terms: Iterable[Term], chosen: set[Term]) -> Iterator[Term]:
    """Yield every part that is written out if the chosen parts have names."""
    for term in terms:
        stack = list(term.args) if term in chosen else [term]
        while stack:
            part = stack.pop()
            yield part
            if part not in chosen:
                stack.extend(part.args)


def _build_name(part: Term) -> str:
    words = "_".join(_list_words(part))
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_]", "_", words)).strip("_")
    short = name[:MAX_NAME_CHARACTERS].rstrip("_")
    return short if short[:1].isalpha() else f"value_{short}"


def _list_words(part: Term) -> Iterator[str]:
    if part.operator is None or not part.args:
        yield format_term(part).replace("-", "minus_").replace("()", "")
    elif part.head == "lag":
        yield from _list_words(part.args[0])
        yield f"{format_term(part.args[1])}_ago"
    elif part.head in ("and", "or") or (part.head in WORDS and len(part.args) > 1):
        for index, arg in enumerate(part.args):
            if index:
                yield WORDS.get(part.head, part.head)
            yield from _list_words(arg)
    else:
        yield WORDS.get(part.head, part.head)
        for arg in list_written_args(part):
            yield from _list_words(arg)
