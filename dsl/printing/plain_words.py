"""Programs in plain words: a sentence for each rule, from the phrases of its operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from dsl.analysis.program import Program, Rules, gives_ratio
from dsl.printing.phrases import describe_term, format_constant
from dsl.syntax.vocabulary import DIRECTION_ORDERS, EXIT_SETTINGS
from dsl.terms.terms import Number, Parameter, Term

AT_OPEN = "at the next open"

_VERBS = {
    "buy": "Buys",
    "sell": "Sells",
    "short": "Sells short",
    "cover": "Buys back what it sold short",
}

_HOLDINGS = {
    "buy while": ("Is in the market", "buys and sells"),
    "short while": ("Is short", "sells short and buys back"),
}


class Sentence(NamedTuple):
    """Rule in plain words.

    Attributes:
        rule: name of the rule; empty for a sentence about all rules.
        text: the sentence.
    """

    rule: str
    text: str


def describe_program(program: Program, fill: str = AT_OPEN) -> tuple[Sentence, ...]:
    """Describe a program in plain words, a sentence for each rule.

    Args:
        program: a checked strategy.
        fill: when its orders execute, as a phrase.
    """
    return tuple(_list_sentences(program.rules, fill))


def _list_sentences(rules: Rules, fill: str) -> Iterator[Sentence]:
    for name, term in rules.written.named():
        if rules.head(name) in _HOLDINGS:
            yield Sentence(name, _describe_holding(rules.head(name), term, fill))
        elif name in _VERBS:
            yield Sentence(name, _describe_order(_VERBS[name], term, fill))
        else:
            yield Sentence(name, _SETTINGS[name](term, rules))
    yield from _describe_closing(rules)


def _describe_order(verb: str, condition: Term, fill: str) -> str:
    if condition.leaf is True:
        return f"{verb} {fill} after every bar."
    if condition.leaf is False:
        return f"Never {verb[0].lower()}{verb[1:]}."
    return f"{verb} {fill} when {describe_term(condition)}."


def _describe_holding(head: str, condition: Term, fill: str) -> str:
    state, actions = _HOLDINGS[head]
    if isinstance(condition.leaf, bool):
        return f"{state} {'always' if condition.leaf else 'never'}: {actions} {fill}."
    return f"{state} while {describe_term(condition)}: {actions} {fill}."


def _describe_closing(rules: Rules) -> Iterator[Sentence]:
    """Yield how positions end that no rule of their side closes."""
    sides = [side for side, orders in DIRECTION_ORDERS.items() if _has(rules, orders.entry)]
    if len(sides) > 1:
        text = "A signal to enter the other side closes the position and opens the opposite one."
        yield Sentence("", text)
        return
    if any(_has(rules, name) for name in EXIT_SETTINGS):
        return
    for side in sides:
        if not _has(rules, DIRECTION_ORDERS[side].exit):
            yield Sentence("", "No rule closes a position: it stays open to the end of the data.")


def _has(rules: Rules, name: str) -> bool:
    return getattr(rules, name) is not None


def _describe_size(term: Term, rules: Rules) -> str:
    if isinstance(term.leaf, Number | Parameter):
        return f"Puts {format_constant(term.leaf, True)} of the equity into each position."
    return f"Puts this share of the equity into each position: {describe_term(term)}."


def _describe_stop(term: Term, rules: Rules) -> str:
    where = _choose_side(rules, "below the entry price", "above the entry price", "above it")
    return f"Exits at a stop {_describe_distance(term)} {where}."


def _describe_target(term: Term, rules: Rules) -> str:
    where = _choose_side(rules, "above the entry price", "below the entry price", "below it")
    return f"Takes the profit at a target {_describe_distance(term)} {where}."


def _describe_trail(term: Term, rules: Rules) -> str:
    highest, lowest = "below the highest price since the entry", "above the lowest price since it"
    where = _choose_side(rules, highest, "above the lowest price since the entry", lowest)
    return f"Exits at a trailing stop {_describe_distance(term)} {where}."


def _describe_hold(term: Term, rules: Rules) -> str:
    return f"Exits after {describe_term(term)} {'bar' if term.value == 1 else 'bars'} at most."


def _choose_side(rules: Rules, long: str, short: str, beside_long: str) -> str:
    """Return where a level lies, for the sides that a strategy trades."""
    if not _has(rules, DIRECTION_ORDERS["long"].entry):
        return short
    if not _has(rules, DIRECTION_ORDERS["short"].entry):
        return long
    return f"{long}, or {beside_long} for a short position"


def _describe_distance(term: Term) -> str:
    """Describe a price distance, or a share of the price that it is measured from."""
    if not gives_ratio(term):
        return describe_term(term)
    if isinstance(term.leaf, Number | Parameter):
        return format_constant(term.leaf, True)
    return f"by this share of the price: ({describe_term(term)})"


_SETTINGS: dict[str, Callable[[Term, Rules], str]] = {
    "size": _describe_size,
    "stop": _describe_stop,
    "trail": _describe_trail,
    "target": _describe_target,
    "hold": _describe_hold,
}
