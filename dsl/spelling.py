"""How an operator applied to written arguments is spelled: symbols, parentheses, calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, cast

from dsl.precedence import ATOM, COMPARISON, INFIX, LAG, PREFIX
from dsl.terms import Number, Operator, Term


class Spelled(NamedTuple):
    """An expression's text and how tightly it binds."""

    text: str
    precedence: int

    def within(self, precedence: int) -> str:
        """The text, in parentheses if it binds less tightly than its surroundings need."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def spell(head: str, args: Sequence[Spelled]) -> Spelled:
    """The text of an operator applied to arguments that are written already."""
    own = INFIX.get(head)
    if own is not None and len(args) > 1:
        words = [text if binds > own else f"({text})" for text, binds in args]
        if own != COMPARISON and args[0].precedence == own:
            words[0] = args[0].text
        return Spelled(f" {head} ".join(words), own)
    if head in PREFIX and len(args) == 1:
        symbol, own = PREFIX[head]
        return Spelled(symbol + args[0].within(own), own)
    if head == "lag" and len(args) == 2:
        return Spelled(f"{args[0].within(LAG)}[{args[1].text}]", LAG)
    return Spelled(f"{head}({', '.join([arg.text for arg in args])})", ATOM)


def spell_number(text: str) -> Spelled:
    """A literal; a negative one binds like a sign."""
    return Spelled(text, PREFIX["negate"][1] if text.startswith("-") else ATOM)


def text_of(term: Term) -> str:
    """A term as text, on one line, as `dsl.parse` reads it."""
    return spell_term(term).text


def spell_term(term: Term) -> Spelled:
    """A term's text and precedence, computed once and kept on it."""
    if term.spelled is None:
        term.spelled = _spell_term(term)
    return cast(Spelled, term.spelled)


def _spell_term(term: Term) -> Spelled:
    operator, leaf = term.operator, term.leaf
    if operator is None:
        if isinstance(leaf, bool):
            return Spelled(str(leaf).lower(), ATOM)
        if isinstance(leaf, Number):
            return spell_number(str(leaf))
        return Spelled(leaf.name if leaf else "", ATOM)
    if operator.series:
        return Spelled(operator.name, ATOM)
    return spell(operator.name, [spell_term(arg) for arg in written_args(term)])


def written_args(term: Term) -> tuple[Term, ...]:
    """A term's arguments without trailing series that are the default: `obv()`."""
    operator, kept = term.operator, len(term.args)
    assert operator is not None
    if not _has_series_default(operator):
        return term.args
    while kept and term.args[kept - 1] is operator.slot(kept - 1).default:
        if term.args[kept - 1].operator is None:
            break
        kept -= 1
    return term.args[:kept]


@cache
def _has_series_default(operator: Operator) -> bool:
    defaults = [slot.default for slot in operator.slots]
    return any(each is not None and each.operator is not None for each in defaults)
