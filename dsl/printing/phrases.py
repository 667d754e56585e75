"""Phrases of terms in plain words, from the templates that operators declare.

A phrase has parentheses where its grouping would not be clear without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dsl.analysis.catalog import catalog
from dsl.printing.templates import derive_template, drop_known_parts
from dsl.syntax.literals import format_number
from dsl.syntax.precedence import ATOM, COMPARISON, INFIX, PREFIX
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Number, Parameter, Term, call
from dsl.types.kinds import BOOL

ARITHMETIC = ("+", "-", "*", "/", "negate")
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

_ARGUMENT = re.compile(r"\{(?P<bare>~?)(?P<name>\w+)\}(?P<unit>-bar\b| bars\b| values\b)?")
_OWN = re.compile(r"^the (?P<text>.*?)(?: of \{(?P<always>\w+)\}|\[ of \{(?P<often>\w+)\}\])$")
_SINGULAR = ("each of its previous {n} values", "its previous value")
_VERBS = (("crosses", "does not cross"), (" is not ", " is "), (" is ", " is not "))


class Phrase(NamedTuple):
    """Phrase of a term.

    Attributes:
        text: its words.
        precedence: the higher, the tighter it binds; see `dsl.syntax.precedence`.
        is_open: whether words after it could belong to its last argument.
    """

    text: str
    precedence: int = ATOM
    is_open: bool = False

    def group(self, is_needed: bool) -> str:
        """Return the words, in parentheses if they are needed."""
        return f"({self.text})" if is_needed else self.text


def describe_term(term: Term) -> str:
    """Describe a term in plain words: a clause for a condition, a noun phrase for a value."""
    return _build(term).text


def format_constant(leaf: Number | Parameter, as_percent: bool = False) -> str:
    """Format a literal, or the value of a parameter with its name."""
    text = format_number(leaf.value, leaf.percent or as_percent)
    return f"{text} ({leaf.name})" if isinstance(leaf, Parameter) else text


def choose_template(operator: Operator, is_condition: bool) -> str:
    """Return the phrase of an operator; if it declares none, one from its name and arguments."""
    return operator.phrase or derive_template(operator, is_condition)


def _build(term: Term) -> Phrase:
    operator, args = term.operator, term.args
    if operator is None:
        return _build_leaf(term)
    if operator.name in ("and", "or"):
        return _join(operator.name, list(_list_operands(term, operator.name)))
    if operator.name == "not":
        return _negate(args[0])
    if operator.name == "lag":
        return _build_lag(term)
    return _fill(_choose(_turn(term)), _turn(term))


def _build_leaf(term: Term) -> Phrase:
    leaf = term.leaf
    if isinstance(leaf, bool):
        return Phrase("it is always true" if leaf else "it is never true", COMPARISON)
    if isinstance(leaf, Number | Parameter):
        return Phrase(format_constant(leaf))
    return Phrase(leaf.name if leaf else "")


def _list_operands(term: Term, name: str) -> Iterator[Term]:
    """Yield the operands of nested terms of one logical operator."""
    if term.head != name:
        yield term
        return
    for arg in term.args:
        yield from _list_operands(arg, name)


def _join(word: str, operands: Sequence[Term]) -> Phrase:
    phrases = [_build(each) for each in operands]
    texts = [each.group(each.precedence < COMPARISON) for each in phrases]
    *before, last = texts
    comma = "," if len(before) > 1 else ""
    return Phrase(f"{', '.join(before)}{comma} {word} {last}", INFIX[word])


def _negate(condition: Term) -> Phrase:
    """Build the phrase of `not condition`, with a negated verb if it has a simple one."""
    operator = condition.operator
    if operator is not None and operator.name not in ("and", "or", "not"):
        turned = _turn(condition)
        template = _choose(turned)
        for verb, negated in _VERBS:
            if template.count(verb) == 1:
                return _fill(template.replace(verb, negated), turned)
    return Phrase(f"it is not true that {_build(condition).group(True)}", COMPARISON)


def _build_lag(term: Term) -> Phrase:
    x, bars = term.args
    inner, is_one = _build(x), bars.value == 1 and isinstance(bars.leaf, Number)
    if x.operator is not None and x.operator.series:
        name = inner.text.removeprefix("the ")
        if is_one:
            return Phrase(f"the previous {name}")
        return Phrase(f"the {name} {_write_bars(bars)} ago")
    whose = inner.group(inner.precedence < ATOM)
    if is_one:
        return Phrase(f"the previous value of {whose}", is_open=True)
    return _fill(_choose(term), term)


def _write_bars(bars: Term) -> str:
    phrase = _build(bars)
    is_one = bars.value == 1
    return f"{phrase.group(phrase.precedence < ATOM)} {'bar' if is_one else 'bars'}"


def _turn(term: Term) -> Term:
    """Return a comparison with its constant on the right, and any other term as it is."""
    mirror = MIRRORED.get(term.head)
    if mirror is None or term.args[0].operator is not None or term.args[1].operator is None:
        return term
    return call(catalog().operator(mirror), term.args[1], term.args[0])


def _choose(term: Term) -> str:
    assert term.operator is not None
    return choose_template(term.operator, infer_kind(term) == BOOL)


def _fill(template: str, term: Term) -> Phrase:
    """Fill the template of a term."""
    operator = term.operator
    assert operator is not None
    is_condition = infer_kind(term) == BOOL
    template = drop_known_parts(template, operator, term.args)
    if any(
        slot.is_window and arg.value == 1
        for slot, arg in zip(operator.slots, term.args, strict=False)
    ):
        template = template.replace(*_SINGULAR)
    names = [slot.name for slot in operator.slots]
    parts: list[str] = []
    end, is_open = 0, False
    for match in _ARGUMENT.finditer(template):
        before = template[: match.start()]
        parts.append(template[end : match.start()])
        end = match.end()
        index = names.index(match["name"])
        is_enclosed = before.count("(") > before.count(")")
        is_last = end == len(template)
        if operator.is_variadic and index == len(names) - 1:
            parts.append(", ".join(_build(each).text for each in term.args[index:]))
            continue
        arg = term.args[index]
        if is_condition and index == 1 and (own := _find_own(term.args[0], arg)):
            parts.append(own)
            continue
        phrase = _build(arg)
        is_grouped = not is_enclosed and _is_grouped(phrase, term, index, is_last)
        is_noun = operator.name not in ARITHMETIC and arg.operator is not None
        is_open = is_last and not is_grouped and (phrase.is_open or is_noun)
        parts.append(_write_argument(phrase, arg, is_grouped, match))
    parts.append(template[end:])
    precedence = COMPARISON if is_condition else _find_precedence(operator)
    return Phrase("".join(parts), precedence, is_open and not is_condition)


def _find_precedence(operator: Operator) -> int:
    if operator.name == "negate":
        return PREFIX["negate"][1]
    return INFIX.get(operator.name, ATOM)


def _is_grouped(phrase: Phrase, term: Term, index: int, is_last: bool) -> bool:
    """Return whether an argument needs parentheses in the phrase of a term."""
    arg, name = term.args[index], term.head
    if arg.operator is not None and infer_kind(arg) == BOOL:
        return True
    if infer_kind(term) == BOOL:
        return False  # a verb separates the arguments
    if name not in ARITHMETIC:
        return phrase.precedence < ATOM or (phrase.is_open and not is_last)
    is_clear = name in ("+", "-") and _scales(arg)
    if index == 0 and name != "negate":
        is_clear = is_clear or (name in ("+", "*") and arg.head == name)
        return phrase.is_open or (phrase.precedence < ATOM and not is_clear)
    return phrase.precedence < ATOM and not is_clear


def _scales(term: Term) -> bool:
    """Return whether a term is a product with a constant in front."""
    return term.head == "*" and term.args[0].operator is None


def _write_argument(phrase: Phrase, arg: Term, is_grouped: bool, match: re.Match[str]) -> str:
    unit, text = match["unit"] or "", phrase.group(is_grouped)
    if match["bare"]:
        is_series = arg.operator is not None and arg.operator.series != ""
        return (text.removeprefix("the ") if is_series else f"value of {text}") + unit
    if unit == "-bar" and isinstance(arg.leaf, Parameter):
        return f"{format_number(arg.leaf.value)}-bar ({arg.leaf.name})"
    if arg.value == 1 and unit != "-bar":
        unit = unit.removesuffix("s")
    return text + unit


def _find_own(x: Term, other: Term) -> str:
    """Return `its 200-bar average` for an operator applied to `x`; empty for any other term."""
    operator = other.operator
    if operator is None or x.operator is None or not other.args or other.args[0] is not x:
        return ""
    if operator.name == "lag":
        bars = other.args[1]
        if x.operator.series:
            return ""
        is_one = bars.value == 1 and isinstance(bars.leaf, Number)
        return "its previous value" if is_one else f"its value {_write_bars(bars)} ago"
    match = _OWN.match(_choose(other))
    if match is None or (match["always"] or match["often"]) != operator.slots[0].name:
        return ""
    return _fill(f"its {match['text']}", other).text
