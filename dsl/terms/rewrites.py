"""Rewrite rules of the canonical form.

A rule takes an operator and its canonical arguments. It returns an equal, simpler term in canonical
form, or None if it does not apply. Every rule is bit-exact and safe with unknown values: a rule
makes a condition true only if it is literally true, and never reassociates floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from dsl.terms.folding import apply_kernel
from dsl.terms.operator import Operator
from dsl.terms.terms import Number, Term, call, number, truth
from dsl.terms.text import format_term

Args = Sequence[Term]
Build = Callable[..., Term]
"""Builder of a canonical term from an operator or its name and canonical arguments."""
Rewrite = Callable[[Operator, Args, Build], Term | None]


def fold_literals(operator: Operator, args: Args, build: Build) -> Term | None:
    """Fold arithmetic on literals: `2 * 3` is `6`. An expression with an unknown result stays."""
    values = _literal_values(args)
    if len(values) < len(args):
        return None
    value = apply_kernel(operator, values)
    return number(value) if math.isfinite(value) else None


def decide_literals(operator: Operator, args: Args, build: Build) -> Term | None:
    """Fold a comparison of two literals: `1 < 2` is `true`."""
    values = _literal_values(args)
    return truth(bool(apply_kernel(operator, values))) if len(values) == len(args) else None


def flip_greater(operator: Operator, args: Args, build: Build) -> Term | None:
    """Rewrite `a > b` as `b < a`, and `a >= b` as `b <= a`."""
    return build("<" if operator.name == ">" else "<=", args[1], args[0])


def sort_operands(operator: Operator, args: Args, build: Build) -> Term | None:
    """Sort the operands of `+ * == !=` by their text."""
    left, right = args
    return call(operator, right, left) if format_term(right) < format_term(left) else None


def flatten(operator: Operator, args: Args, build: Build) -> Term | None:
    """Merge nested `and`, `or`, `min` or `max`; sort the operands and remove duplicates."""
    parts: list[Term] = []
    for arg in args:
        parts.extend(arg.args if arg.operator is operator else (arg,))
    ordered = sorted(dict.fromkeys(parts), key=format_term)
    if len(ordered) == 1:
        return ordered[0]
    if ordered == list(args):
        return None
    return (build if len(_literal_values(ordered)) > 1 else call)(operator, *ordered)


def merge_literals(operator: Operator, args: Args, build: Build) -> Term | None:
    """Merge the literals of a `min` or `max`: `max(x, 3, 0)` is `max(x, 3)`."""
    values = _literal_values(args)
    if len(values) < 2:
        return None
    others = [arg for arg in args if type(arg.leaf) is not Number]
    return build(operator, number(apply_kernel(operator, values)), *others)


def decide_conditions(operator: Operator, args: Args, build: Build) -> Term | None:
    """Drop constant conditions from `and` and `or`, or let them decide the result."""
    decisive = operator.name == "or"
    open_args = []
    for arg in args:
        if arg.leaf is decisive:
            return arg
        if not isinstance(arg.leaf, bool):
            open_args.append(arg)
    if len(open_args) == len(args):
        return None
    if len(open_args) < 2:
        return open_args[0] if open_args else truth(not decisive)
    return build(operator, *open_args)


def drop_neutral(operator: Operator, args: Args, build: Build) -> Term | None:
    """Drop neutral operands: `x * 1`, `x / 1` and `x - 0` are `x`."""
    left, right = args
    neutral = 0.0 if operator.name == "-" else 1.0
    if right.value == neutral:
        return left
    return right if operator.name == "*" and left.value == neutral else None


def drop_double_sign(operator: Operator, args: Args, build: Build) -> Term | None:
    """Drop a double negation: `--x` is `x`."""
    return args[0].args[0] if args[0].operator is operator else None


def choose_constant_branch(operator: Operator, args: Args, build: Build) -> Term | None:
    """Choose the branch of a constant condition: `where(true, x, y)` is `x`."""
    condition, x, y = args
    return (x if condition.leaf else y) if isinstance(condition.leaf, bool) else None


def add_lags(operator: Operator, args: Args, build: Build) -> Term | None:
    """Add nested lags, and drop lags of 0 bars and of literals: `x[1][2]` is `x[3]`."""
    x, bars = args
    if bars.value == 0 or type(x.leaf) is Number:
        return x
    if x.operator is operator and bars.value is not None and x.args[1].value is not None:
        return build(operator, x.args[0], number(bars.value + x.args[1].value))
    return None


def _literal_values(args: Args) -> list[float]:
    """Return the values of the literals among arguments."""
    return [arg.value for arg in args if type(arg.leaf) is Number and arg.value is not None]


POINTWISE: tuple[Rewrite, ...] = (fold_literals,)
REWRITES: dict[str, tuple[Rewrite, ...]] = {
    "+": (fold_literals, sort_operands),
    "*": (fold_literals, drop_neutral, sort_operands),
    "-": (fold_literals, drop_neutral),
    "/": (fold_literals, drop_neutral),
    "negate": (fold_literals, drop_double_sign),
    "min": (fold_literals, flatten, merge_literals),
    "max": (fold_literals, flatten, merge_literals),
    "where": (choose_constant_branch,),
    "<": (decide_literals,),
    "<=": (decide_literals,),
    ">": (flip_greater,),
    ">=": (flip_greater,),
    "==": (decide_literals, sort_operands),
    "!=": (decide_literals, sort_operands),
    "and": (decide_conditions, flatten),
    "or": (decide_conditions, flatten),
    "lag": (add_lags,),
}


def list_rewrites(operator: Operator) -> tuple[Rewrite, ...]:
    """Return the rules that may apply to an operator, in the order in which they are tried."""
    return REWRITES.get(operator.name) or (POINTWISE if operator.is_pointwise else ())
