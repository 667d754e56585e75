"""The canonical form: what a term means, written one way.

Params become numbers, defines their bodies, `not` moves down to the comparisons, and the
named rules below apply wherever they fit. Every rule is bit-exact and safe with unknown
values: a condition may become false, never true unless it is literally so, and floats are
never re-associated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from dsl.spelling import text_of
from dsl.terms import Argument, Number, Operator, Term, call, number, truth

MAX_WINDOW_BARS = 5_000

Find = Callable[[str], Operator]
Rule = Callable[[Term, Find], Term | None]


class WindowError(ValueError):
    """A window or lag that is not a number of bars within the limits."""


def canonical(term: Term, find: Find) -> Term:
    """The canonical form of a term, computed once and kept on it.

    Args:
        term: any term.
        find: operators by name, for rules that write another operator.

    Raises:
        WindowError: if a window does not fold to a whole number of bars within the limits.
    """
    if term.is_canonical:
        return term
    if term.canonical is None:
        term.canonical = _canonical(term, find)
        term.canonical.is_canonical = True
    return term.canonical


def fold(term: Term) -> float | None:
    """The value of a constant expression over literals and params; None if it is not one."""
    if term.value is not None:
        return term.value
    operator = term.operator
    if operator is None or not operator.is_pointwise or operator.kernel is None:
        return None
    values = [fold(arg) for arg in term.args]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not values:
        return None
    result, further = known[0], known[1:]
    for rest in [[each] for each in further] or [[]]:
        out = [math.nan]
        operator.kernel([result], *([each] for each in rest), out)
        result = float(out[0])
    return result


def substitute(body: Term, args: tuple[Term, ...]) -> Term:
    """A define's body with its argument leaves replaced."""
    if isinstance(body.leaf, Argument):
        return args[body.leaf.index]
    if body.operator is None or not body.is_open:
        return body
    return call(body.operator, *[substitute(arg, args) for arg in body.args])


def _canonical(term: Term, find: Find) -> Term:
    operator = term.operator
    if operator is None:
        return number(term.value) if term.value is not None else term
    if operator.name == "not":
        return canonical(negation(term.args[0], find), find)
    args = [arg if arg.is_canonical else canonical(arg, find) for arg in term.args]
    return _simplified(operator, args, find)


def _simplified(operator: Operator, args: list[Term], find: Find) -> Term:
    """An operator applied to canonical arguments, simplified."""
    for index in operator.windows:
        args[index] = _window(args[index], operator, index)
    if operator.body is not None:
        return _expanded(operator, tuple(args), find)
    built = call(operator, *args)
    if built.is_canonical:
        return built
    for rule in RULES.get(operator.name) or (POINTWISE if operator.is_pointwise else ()):
        changed = rule(built, find)
        if changed is not None:
            return canonical(changed, find)
    built.is_canonical = True
    return built


@lru_cache(16_384)
def _expanded(operator: Operator, args: tuple[Term, ...], find: Find) -> Term:
    """The canonical form of a define's body over canonical arguments."""
    assert operator.body is not None
    body = canonical(operator.body, find)  # simplified once, not at every use
    expanded = _instantiated(body, args, find)
    head = expanded.operator
    is_condition = head is None or head.complement or head.name in ("and", "or")
    expanded.is_indicator = not is_condition
    return expanded


def _instantiated(body: Term, args: tuple[Term, ...], find: Find) -> Term:
    """A canonical body with its argument leaves replaced by canonical terms, simplified anew."""
    if not body.is_open:
        return body
    if body.operator is None:
        assert isinstance(body.leaf, Argument)
        return args[body.leaf.index]
    return _simplified(body.operator, [_instantiated(arg, args, find) for arg in body.args], find)


def _window(term: Term, operator: Operator, index: int) -> Term:
    """A window as a whole number of bars; a computed one is rounded down.

    In the body of a define it may still depend on an argument, and is left as it is.
    """
    value = term.value if term.operator is None else fold(term)
    if value is None and term.is_open:
        return term
    least = 0 if operator.name == "lag" else 1
    if value is None or not math.isfinite(value) or not least <= value <= MAX_WINDOW_BARS:
        name = operator.slot(index).name
        found = text_of(term) if value is None else f"{value:g}"
        raise WindowError(
            f"`{name}` of `{operator.name}` is {found}; "
            f"it must be a whole number from {least} to {MAX_WINDOW_BARS}"
        )
    return number(math.floor(value))


def negation(term: Term, find: Find) -> Term:
    """The condition that holds where another is known not to hold."""
    operator = term.operator
    if operator is None:
        return truth(not term.leaf)
    if operator.body is not None:
        return negation(substitute(operator.body, term.args), find)
    if operator.name == "not":
        return term.args[0]
    if operator.name in ("and", "or"):
        other = find("or" if operator.name == "and" else "and")
        return call(other, *[negation(arg, find) for arg in term.args])
    if operator.name == "lag":
        return call(operator, negation(term.args[0], find), term.args[1])
    return call(find(operator.complement), *term.args)


# -- the rules: a term whose arguments are canonical -> an equal, simpler term, or None


def fold_literals(term: Term, find: Find) -> Term | None:
    """Arithmetic on literals is done once: `2 * 3` is `6`. An unknown result is left alone."""
    for arg in term.args:
        if type(arg.leaf) is not Number:
            return None
    value = fold(term)
    return number(value) if value is not None and math.isfinite(value) else None


def decide_literals(term: Term, find: Find) -> Term | None:
    """A comparison of two literals is what it is."""
    for arg in term.args:
        if type(arg.leaf) is not Number:
            return None
    return truth(bool(fold(term)))


def turn_greater(term: Term, find: Find) -> Term | None:
    """`a > b` is written `b < a`, and `a >= b` likewise."""
    left, right = term.args
    return call(find("<" if term.head == ">" else "<="), right, left)


def sort_operands(term: Term, find: Find) -> Term | None:
    """The operands of `+ * == !=` stand in order of their text."""
    left, right = term.args
    if text_of(right) < text_of(left) and term.operator:
        return call(term.operator, right, left)
    return None


def flatten(term: Term, find: Find) -> Term | None:
    """Nested `and`, `or`, `min`, `max` become one, its operands sorted and each there once."""
    assert term.operator is not None
    parts: list[Term] = []
    for arg in term.args:
        parts.extend(arg.args if arg.operator is term.operator else (arg,))
    ordered = tuple(sorted(dict.fromkeys(parts), key=text_of))
    if len(ordered) == 1:
        return ordered[0]
    return None if ordered == term.args else call(term.operator, *ordered)


def decide_conditions(term: Term, find: Find) -> Term | None:
    """A constant condition decides an `and` or `or`, or leaves it."""
    assert term.operator is not None
    decisive = term.head == "or"
    if any(arg.leaf is decisive for arg in term.args):
        return truth(decisive)
    kept = [arg for arg in term.args if arg.leaf is not (not decisive)]
    if len(kept) == len(term.args):
        return None
    if len(kept) < 2:
        return kept[0] if kept else truth(not decisive)
    return call(term.operator, *kept)


def drop_neutral(term: Term, find: Find) -> Term | None:
    """`x * 1`, `x / 1` and `x - 0` are `x`."""
    left, right = term.args
    neutral = 0.0 if term.head == "-" else 1.0
    if right.value == neutral:
        return left
    return right if term.head == "*" and left.value == neutral else None


def drop_double_sign(term: Term, find: Find) -> Term | None:
    """`--x` is `x`."""
    return term.args[0].args[0] if term.args[0].head == "negate" else None


def choose_literally(term: Term, find: Find) -> Term | None:
    """`where(true, x, y)` is `x`."""
    condition, x, y = term.args
    return (x if condition.leaf else y) if isinstance(condition.leaf, bool) else None


def push_lag(term: Term, find: Find) -> Term | None:
    """`x[0]` is `x`, `x[1][2]` is `x[3]`, and a lag of arithmetic is arithmetic on lags."""
    assert term.operator is not None
    x, bars = term.args
    if bars.value == 0 or type(x.leaf) in (Number, bool):
        return x
    if x.operator is None:
        return None
    if x.head == "lag" and bars.value is not None and x.args[1].value is not None:
        return call(term.operator, x.args[0], number(bars.value + x.args[1].value))
    if x.operator.is_pointwise and x.operator.kernel is not None:
        return call(x.operator, *[call(term.operator, arg, bars) for arg in x.args])
    return None


POINTWISE: tuple[Rule, ...] = (fold_literals,)
RULES: dict[str, tuple[Rule, ...]] = {
    "+": (fold_literals, sort_operands),
    "*": (fold_literals, drop_neutral, sort_operands),
    "-": (fold_literals, drop_neutral),
    "/": (fold_literals, drop_neutral),
    "negate": (fold_literals, drop_double_sign),
    "min": (fold_literals, flatten),
    "max": (fold_literals, flatten),
    "where": (choose_literally,),
    "<": (decide_literals,),
    "<=": (decide_literals,),
    ">": (turn_greater,),
    ">=": (turn_greater,),
    "==": (decide_literals, sort_operands),
    "!=": (decide_literals, sort_operands),
    "and": (decide_conditions, flatten),
    "or": (decide_conditions, flatten),
    "lag": (push_lag,),
}
