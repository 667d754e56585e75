"""Synthetic market in which a rule, evaluated on the market itself, predicts the next bar."""

from __future__ import annotations

from typing import Any

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


def plant(paths: Paths, rule: str, edge: float) -> Bars:
    """Build a market whose bars move by `edge` more, open to close, after the rule holds.

    The edge changes prices, and prices change where the rule holds. The iteration ends when a round
    changes nothing. A rule never reads a later bar, so each round settles at least one more bar.
    All random numbers are drawn before the first round.

    Args:
        paths: the market without the edge.
        rule: a condition in the indicator language.
        edge: log return added to each bar after one on which the rule holds.

    Raises:
        EvolveError: if the rule is not a condition, or does not settle in 400 rounds.
        LanguageError: if the rule is not a valid expression.
    """
    term = check_expression(rule)
    if _evaluate(term, paths.slice(0, 1)).dtype != np.bool_:
        hint = "write for example rule=rsi(close, 2) < 10"
        raise EvolveError(f"expected a condition, found the number `{rule}`", hint)
    holds = _estimate(paths, term, edge)
    for _ in range(MAX_ROUNDS):
        planted = _add_edge(paths, holds, edge)
        result = _evaluate(term, planted)
        if np.array_equal(result, holds):
            return bars_from_paths(planted)
        holds = result
    message = f"the rule `{rule}` does not settle on {len(holds):,} bars in {MAX_ROUNDS} rounds"
    raise EvolveError(message, "use fewer bars, a smaller edge_bps, or a rarer rule")


def _estimate(paths: Paths, term: Term, edge: float) -> Condition:
    """Estimate the bars on which the rule holds, block by block, from a bounded history."""
    count = len(paths.moves)
    holds = np.zeros(count, np.bool_)
    memory = lookback(term) + MEMORY_BARS
    for begin in range(0, count, BLOCK_BARS):
        end, first = min(begin + BLOCK_BARS, count), max(0, begin - memory)
        history = paths.slice(first, end)
        history.moves[0, 0] += edge * holds[:first].sum()
        for _ in range(BLOCK_BARS + 1):
            result = _evaluate(term, _add_edge(history, holds[first:end], edge))[begin - first :]
            if np.array_equal(result, holds[begin:end]):
                break
            holds[begin:end] = result
    return holds


def _add_edge(paths: Paths, holds: Condition, edge: float) -> Paths:
    """Return the paths with the edge added to each bar after one on which the rule holds."""
    after = np.concatenate([[False], holds[:-1]])
    moves = paths.moves.copy()
    moves[:, 1:] += (edge / STEPS_PER_BAR) * after[:, None]
    return paths._replace(moves=moves)


def _evaluate(term: Term, paths: Paths) -> NDArray[Any]:
    return Evaluator(bars_from_paths(paths)).series(term)
