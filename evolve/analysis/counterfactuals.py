"""Counterfactuals of a strategy: what its entry, its exit and drift earn on a window.

Each counterfactual is the strategy with one change, such as a rule left out or a condition negated.
If entries at random bars earn as much through the same exits, the entry rule earns nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dsl.analysis.catalog import catalog
from dsl.analysis.program import Program, Rules
from dsl.evaluate import Signals, pack_signals
from dsl.syntax.vocabulary import DIRECTION_ORDERS, ENTRIES, ORDERS
from dsl.terms.terms import Term, call, truth
from dsl.terms.text import format_term
from evolve.backtest.activity import iterate_operands
from evolve.backtest.backtest import Backtest, Backtester
from evolve.backtest.metrics import DEFAULT_METRIC, measure
from evolve.errors import EvolveError

DRAWS = 200


class Figures(NamedTuple):
    """Results of one backtest.

    Attributes:
        metric: the metric; NaN if it has no value.
        total_return: total return, a fraction.
        trades: number of closed trades.
    """

    metric: float
    total_return: float
    trades: float


@dataclass(frozen=True)
class Counterfactual:
    """Strategy with one change.

    Attributes:
        change: the change, as a phrase.
        figures: its results; NaN if its equity overflows.
        difference: its metric less that of the unchanged strategy.
    """

    change: str
    figures: Figures
    difference: float


@dataclass(frozen=True)
class RandomEntries:
    """Strategy whose entry signals are moved to random bars of the window.

    Attributes:
        draws: number of permutations.
        mean: means of the results over the draws.
        deviation: sample standard deviation of the metric over the draws.
        difference: mean of the metric less that of the unchanged strategy.
        share: share of the draws with at least the metric of the unchanged strategy.
    """

    draws: int
    mean: Figures
    deviation: float
    difference: float
    share: float


@dataclass(frozen=True)
class Counterfactuals:
    """Results of a strategy and of its counterfactuals on a window.

    Attributes:
        metric: name of the metric.
        strategy: results of the unchanged strategy.
        rows: one per change.
        random_entries: the strategy with random entries.
    """

    metric: str
    strategy: Figures
    rows: tuple[Counterfactual, ...]
    random_entries: RandomEntries


def measure_counterfactuals(
    program: Program,
    run: Backtester,
    rng: np.random.Generator,
    metric: str = DEFAULT_METRIC,
    draws: int = DRAWS,
) -> Counterfactuals:
    """Measure a strategy with each rule and condition left out or negated, and its entry replaced.

    An entry is replaced by one on every bar, which earns the drift through the same exits. Then
    all entry signals are moved to random bars. The permutation is the same for `buy` and `short`,
    so each is true as often as before. The signals of a tied side, whose exit is no rule of its
    own, are shifted together by a random number of bars, so that its positions last as long.

    Args:
        program: a checked strategy.
        run: backtests on the window.
        rng: source of the permutations.
        metric: name of a metric of which more is better.
        draws: number of permutations.
    """
    strategy = _measure(run(program), metric)
    rows: list[Counterfactual] = []
    for change, rules in _list_changes(program.rules):
        figures = _measure_program(program.change(rules=rules), run, metric)
        rows.append(Counterfactual(change, figures, figures.metric - strategy.metric))
    signals = run.evaluate(program)
    moved = _MovedBits.of(program.rules)
    results = [_measure(_trade_at_random(signals, run, moved, rng), metric) for _ in range(draws)]
    return Counterfactuals(metric, strategy, tuple(rows), _summarize(results, strategy))


def describe_always(entry: str, opposite: Sequence[str] = ()) -> str:
    """Describe the entry on every bar, without the opposite entries."""
    return f"`{entry}` on every bar" + "".join(f" and without `{name}`" for name in opposite)


def describe_removal(rule: str, condition: Term | None = None) -> str:
    """Describe a strategy without a rule, or without one condition of it."""
    if condition is None:
        return f"without `{rule}`"
    return f"`{rule}` without `{format_term(condition)}`"


def describe_negation(rule: str, condition: Term) -> str:
    """Describe a strategy with a negated condition."""
    return f"`{rule}` with `{format_term(condition)}` negated"


def _list_changes(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """Yield each change, as a phrase, with the rules after it."""
    for entry in ENTRIES:
        if getattr(rules, entry) is not None:
            opposite = [name for name, _ in rules.named() if name in ENTRIES and name != entry]
            always = rules.replace_rule(entry, truth(True))
            for other in opposite:
                always = always.replace_rule(other, None)
            yield describe_always(entry, opposite), always
    for name, _ in rules.named():
        without = rules.replace_rule(name, None)
        if any(getattr(without, entry) is not None for entry in ENTRIES):
            yield describe_removal(name), without
    for name, term in rules.written.named():
        if name not in ORDERS:
            continue
        operands = list(iterate_operands(term))
        for index, operand in enumerate(operands):
            others = [*operands[:index], *operands[index + 1 :]]
            if others:
                yield describe_removal(name, operand), rules.replace_rule(name, _join(others))
            negated = call(catalog().operator("not"), operand)
            changed = _join([*operands[:index], negated, *operands[index + 1 :]])
            yield describe_negation(name, operand), rules.replace_rule(name, changed)


def _join(operands: Sequence[Term]) -> Term:
    """Return the `and` of conditions."""
    return call(catalog().operator("and"), *operands) if len(operands) > 1 else operands[0]


class _MovedBits(NamedTuple):
    """Bits of the orders that are moved to random bars.

    Attributes:
        permuted: entries of the sides that are not tied.
        shifted: entries and exits of the tied sides.
    """

    permuted: np.uint8
    shifted: np.uint8

    @classmethod
    def of(cls, rules: Rules) -> _MovedBits:
        """Return the bits that move for the rules of a strategy."""
        tied = [DIRECTION_ORDERS[side] for side in rules.tied]
        shifted = {name for orders in tied for name in orders}
        return cls(_join_bits(set(ENTRIES) - shifted), _join_bits(shifted))


def _join_bits(names: Iterable[str]) -> np.uint8:
    return np.uint8(sum(1 << index for index, name in enumerate(ORDERS) if name in set(names)))


def _trade_at_random(
    signals: Sequence[Signals], run: Backtester, moved: _MovedBits, rng: np.random.Generator
) -> Backtest:
    """Backtest signals with the entries of each sleeve moved to random bars of the window."""
    changed = []
    for each, sleeve in zip(signals, run.sleeves, strict=True):
        orders = each.orders.copy()
        window = orders[0, sleeve.arrays.start : sleeve.arrays.stop]
        left = window & ~(moved.permuted | moved.shifted)
        shifted = window & moved.shifted
        if moved.shifted:
            shifted = np.roll(shifted, rng.integers(len(window)))
        window[:] = left | rng.permutation(window & moved.permuted) | shifted
        changed.append(replace(each, orders=orders))
    return run.trade(map(pack_signals, changed))


def _measure_program(program: Program, run: Backtester, metric: str) -> Figures:
    try:
        return _measure(run(program), metric)
    except EvolveError:  # equity overflows
        return Figures(math.nan, math.nan, math.nan)


def _measure(result: Backtest, metric: str) -> Figures:
    values = measure(result.performance, (metric, "total_return", "num_trades"))
    return Figures(values[metric], values["total_return"], values["num_trades"])


def _summarize(results: Sequence[Figures], strategy: Figures) -> RandomEntries:
    """Summarize the results of the draws; a metric without a value is left out."""
    metrics = np.array([each.metric for each in results])
    known = metrics[~np.isnan(metrics)]
    mean = Figures(
        float(np.mean(known)) if len(known) else math.nan,
        float(np.mean([each.total_return for each in results])),
        float(np.mean([each.trades for each in results])),
    )
    return RandomEntries(
        draws=len(results),
        mean=mean,
        deviation=float(np.std(known, ddof=1)) if len(known) > 1 else math.nan,
        difference=mean.metric - strategy.metric,
        share=float(np.mean(metrics >= strategy.metric)),
    )
