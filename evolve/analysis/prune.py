"""Pruned form of a strategy: the smallest program found with the same trades on some bars.

A search leaves parts in a strategy that never act on its train bars: a condition that is always
true, a stop that is never reached. Such a part may act on later bars, where nothing has selected
it. The pruned form is therefore the strategy to validate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dsl.analysis.catalog import catalog
from dsl.analysis.program import Program, Rules
from dsl.evaluate import truth_series
from dsl.syntax.vocabulary import ENTRIES, EXIT_SETTINGS, ORDERS
from dsl.terms.canonical import canonicalize
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term, call, truth
from dsl.terms.text import format_term
from evolve.backtest.backtest import Backtest, Backtester
from evolve.backtest.performance import Series
from evolve.errors import EvolveError
from evolve.search.edit import list_parts, replace_part
from evolve.search.space import NOT_FIXED


@dataclass(frozen=True)
class Pruned:
    """Strategy without the parts that change nothing on some bars.

    Attributes:
        original: the strategy as found.
        program: its pruned form.
        dropped: a phrase for each part that was dropped, in order.
    """

    original: Program
    program: Program
    dropped: tuple[str, ...]

    @property
    def nodes_before(self) -> int:
        """Number of nodes of the original."""
        return self.original.nodes

    @property
    def nodes_after(self) -> int:
        """Number of nodes of the pruned form."""
        return self.program.nodes


def prune(program: Program, run: Backtester, fixed: Rules = NOT_FIXED) -> Pruned:
    """Drop the parts of a strategy that change neither equity nor trades on a window.

    In each round, the change that leaves the fewest nodes is accepted, until none is left. A change
    is accepted if equity and trades are equal bit for bit. A parameter stays one parameter, and a
    tied side remains tied.

    Args:
        program: a checked strategy.
        run: backtests on the window, usually train.
        fixed: rules of the strategy that remain as they are.
    """
    expected = _sign(run(program))
    is_equal = {program.key: True}  # results by meaning, as rounds repeat most changes
    dropped: list[str] = []
    pruned = program

    def is_valid(change: _Change) -> bool:
        if change.new is not None and not _have_equal_values(change.old, change.new, run):
            return False
        candidate = program.change(rules=change.rules)
        if candidate.key not in is_equal:
            is_equal[candidate.key] = _matches(candidate, run, expected)
        return is_equal[candidate.key]

    while True:
        changes = [
            each
            for each in _list_changes(pruned.rules)
            if all(getattr(each.rules, name) is term for name, term in fixed.named())
        ]
        changes.sort(key=lambda each: each.rules.nodes)
        accepted = next(filter(is_valid, changes), None)
        if accepted is None:
            return Pruned(program, pruned, tuple(dropped))
        dropped.append(_describe(accepted, pruned.rules, run))
        pruned = program.change(rules=accepted.rules)


class _Change(NamedTuple):
    """Change to the rules of a strategy.

    Attributes:
        rules: the rules after the change.
        rule: name of the changed rule.
        old: the part that is left out or replaced.
        new: the part that replaces it, which must have equal values; None if it is left out.
    """

    rules: Rules
    rule: str
    old: Term
    new: Term | None = None


def _list_changes(rules: Rules) -> Iterator[_Change]:
    """Yield the changes that leave fewer nodes."""
    for name, term in rules.written.named():
        without = rules.replace_rule(name, None)
        if any(getattr(without, entry) is not None for entry in ENTRIES):
            yield _Change(without, name, term)
        if name in ORDERS and term.size > 1:
            yield _Change(rules.replace_rule(name, truth(True)), name, term)
    for index, part in enumerate(list_parts(rules)):
        if not part.is_series:
            continue
        for old, left, new in _list_smaller(part.term):
            changed = replace_part(rules, index, left)
            yield _Change(changed, _find_changed_rule(rules, changed), old, new)


def _list_smaller(term: Term) -> Iterator[tuple[Term, Term, Term | None]]:
    """Yield the part to drop, what is left of a term, and a term of which the values must be equal.

    An operand of `and` or `or` may be left out in any case. Another call may be replaced by an
    argument of its kind, or lose a repeated argument, if its values stay equal.
    """
    operator = term.operator
    if operator is None:
        return
    is_join = operator.name in ("and", "or")
    if operator.is_variadic and (is_join or len(term.args) > 2):
        for slot, arg in enumerate(term.args):
            others = (*term.args[:slot], *term.args[slot + 1 :])
            left = call(operator, *others) if len(others) > 1 else others[0]
            yield (arg, left, None) if is_join else (term, left, left)
    if is_join:
        return
    kind = infer_kind(term)
    for arg in dict.fromkeys(term.args):
        other = infer_kind(arg)
        if (other.family, other.dimension) == (kind.family, kind.dimension):
            yield term, arg, arg


def _find_changed_rule(rules: Rules, changed: Rules) -> str:
    return next(name for name, term in rules.named() if getattr(changed, name) is not term)


def _sign(result: Backtest) -> tuple[object, ...]:
    """Return the trades and the bits of equity."""
    return result.trades, result.equity.tobytes()


def _matches(program: Program, run: Backtester, expected: tuple[object, ...]) -> bool:
    try:
        return _sign(run(program)) == expected
    except EvolveError:  # equity overflows
        return False


def _have_equal_values(old: Term, new: Term, run: Backtester) -> bool:
    """Return whether two terms have equal values on every bar of the window."""
    find = catalog().operator
    one, other = (canonicalize(term, find) for term in (old, new))
    return all(
        np.array_equal(
            run.evaluator.series(one, symbol)[sleeve.arrays.start :],
            run.evaluator.series(other, symbol)[sleeve.arrays.start :],
            equal_nan=True,
        )
        for symbol, sleeve in enumerate(run.sleeves)
    )


def _describe(change: _Change, rules: Rules, run: Backtester) -> str:
    """Return what was dropped from rules and why, as a phrase."""
    name, text = change.rule, format_term(change.old)
    if change.new is not None:
        return f"`{text}` in `{name}` equals `{format_term(change.new)}` on every bar"
    if getattr(change.rules, name) is not None:
        return f"`{text}` in `{name}` {_describe_truth(change.old, run)}"
    if name in ORDERS:
        outcome = "never enters a position" if name in ENTRIES else "never closes a position"
        return f"`{rules.head(name)} {text}` {outcome}"
    outcome = "is never reached" if name in EXIT_SETTINGS else "changes no trade"
    return f"`{name} {text}` {outcome}"


def _describe_truth(condition: Term, run: Backtester) -> str:
    known = np.concatenate([_read_known(condition, run, i) for i in range(len(run.sleeves))])
    if not known.any():
        return "is never true"
    return "is always true" if known.all() else "changes no trade"


def _read_known(condition: Term, run: Backtester, symbol: int) -> Series:
    """Return the truth values of a condition on the bars of the window where it is known."""
    start = run.sleeves[symbol].arrays.start
    values: Series = truth_series(run.evaluator, condition, symbol)[start:]
    return values[~np.isnan(values)]
