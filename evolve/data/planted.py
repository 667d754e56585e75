"""Markets in which a rule, evaluated on the market itself, predicts a later bar.

The edge changes prices, and prices change where the rule holds. An iteration solves this: its fixed
point is the market on which the rule holds exactly on the bars that the edge follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.check import check_expression
from dsl.analysis.program import lookback
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.terms.terms import Term
from evolve.data.paths import STEPS_PER_BAR, Paths, bars_from_paths
from evolve.errors import EvolveError

Condition = NDArray[np.bool_]

MAX_ROUNDS, BLOCK_BARS = 400, 64
MEMORY_BARS = 600  # beyond the lookback, for averages that remember all bars


class PlainMarket(Protocol):
    """Market of one symbol without the edge."""

    def __len__(self) -> int:
        """Return the number of bars."""

    def cut(self, first: int, end: int, shift: float) -> PlainMarket:
        """Return the bars from `first` up to, not including, `end`, with shifted log prices."""

    def build(self, holds: Condition, edge: float) -> Bars:
        """Build the bars with the edge.

        Args:
            holds: bool[bar], whether the rule holds.
            edge: log return that is added after each bar on which the rule holds.
        """


def plant(paths: Paths, rule: str, edge: float) -> Bars:
    """Build a market whose bars move by `edge` more, open to close, after the rule holds.

    All random numbers are drawn before the first round.

    Args:
        paths: the market without the edge.
        rule: a condition in the indicator language.
        edge: log return added to each bar after one on which the rule holds.

    Raises:
        EvolveError: if the rule is not a condition, or does not settle in 400 rounds.
        LanguageError: if the rule is not a valid expression.
    """
    return settle(_PathMarket(paths), rule, edge)


def settle(market: PlainMarket, rule: str, edge: float) -> Bars:
    """Build the market in which an edge follows the bars on which a rule holds.

    The iteration ends when a round changes nothing. A rule never reads a later bar, so each round
    settles at least one more bar, and the fixed point is unique.

    Args:
        market: the market without the edge.
        rule: a condition in the indicator language.
        edge: log return added after each bar on which the rule holds.

    Raises:
        EvolveError: if the rule is not a condition, or does not settle in 400 rounds.
        LanguageError: if the rule is not a valid expression.
    """
    term = check_expression(rule)
    none = np.zeros(len(market), np.bool_)
    if _evaluate(term, market.cut(0, 1, 0.0).build(none[:1], edge)).dtype != np.bool_:
        hint = "write for example rule=rsi(close, 2) < 10"
        raise EvolveError(f"expected a condition, found the number `{rule}`", hint)
    holds = _estimate(market, term, edge)
    for _ in range(MAX_ROUNDS):
        planted = market.build(holds, edge)
        result = _evaluate(term, planted)
        if np.array_equal(result, holds):
            return planted
        holds = result
    message = f"the rule `{rule}` does not settle on {len(holds):,} bars in {MAX_ROUNDS} rounds"
    raise EvolveError(message, "use fewer bars, a smaller edge_bps, or a rarer rule")


def _estimate(market: PlainMarket, term: Term, edge: float) -> Condition:
    """Estimate the bars on which the rule holds, block by block, from a bounded history."""
    count = len(market)
    holds = np.zeros(count, np.bool_)
    memory = lookback(term) + MEMORY_BARS
    for begin in range(0, count, BLOCK_BARS):
        end, first = min(begin + BLOCK_BARS, count), max(0, begin - memory)
        history = market.cut(first, end, edge * holds[:first].sum())
        for _ in range(BLOCK_BARS + 1):
            result = _evaluate(term, history.build(holds[first:end], edge))[begin - first :]
            if np.array_equal(result, holds[begin:end]):
                break
            holds[begin:end] = result
    return holds


@dataclass(frozen=True)
class _PathMarket:
    paths: Paths

    def __len__(self) -> int:
        return len(self.paths.moves)

    def cut(self, first: int, end: int, shift: float) -> PlainMarket:
        part = self.paths.slice(first, end)
        part.moves[0, 0] += shift
        return _PathMarket(part)

    def build(self, holds: Condition, edge: float) -> Bars:
        after = np.concatenate([[False], holds[:-1]])
        moves = self.paths.moves.copy()
        moves[:, 1:] += (edge / STEPS_PER_BAR) * after[:, None]
        return bars_from_paths(self.paths._replace(moves=moves))


def _evaluate(term: Term, bars: Bars) -> NDArray[Any]:
    return Evaluator(bars).series(term)
