"""A market in which a rule, read from the market itself, predicts the next bar."""

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

MOST_ROUNDS, BLOCK_BARS, MEMORY_BARS = 400, 64, 600


def plant(paths: Paths, rule: str, edge: float) -> Bars:
    """Build the market whose bars move by `edge` more, open to close, after a rule held.

    A rule sees no later bar, so that each round settles at least one more bar. A round that changes
    nothing is the last. Every random number is drawn before the first round.

    Args:
        paths: of the market without the edge.
        rule: a condition in the indicator language.
        edge: log return added to each such bar.

    Raises:
        EvolveError: if the rule is no condition, or settling it takes too many rounds.
        LanguageError: if the rule is not a valid expression.
    """
    term = check_expression(rule)
    if _evaluate(term, paths.part(0, 1)).dtype != np.bool_:
        hint = "write for example rule=rsi(close, 2) < 10"
        raise EvolveError(f"the rule `{rule}` is a number, not a condition", hint)
    holds = _draft(paths, term, edge)
    for _ in range(MOST_ROUNDS):
        planted = _add_edge(paths, holds, edge)
        found = _evaluate(term, planted)
        if np.array_equal(found, holds):
            return bars_from_paths(planted)
        holds = found
    message = f"the rule `{rule}` is not settled on {len(holds):,} bars after {MOST_ROUNDS} rounds"
    raise EvolveError(message, "take fewer bars, a smaller edge_bps, or a rule that is rarer")


def _draft(paths: Paths, term: Term, edge: float) -> Condition:
    """Return where the rule holds, block by block, each read from the bars it can remember."""
    count = len(paths.moves)
    holds = np.zeros(count, np.bool_)
    memory = lookback(term) + MEMORY_BARS
    for begin in range(0, count, BLOCK_BARS):
        end, first = min(begin + BLOCK_BARS, count), max(0, begin - memory)
        near = paths.part(first, end)
        near.moves[0, 0] += edge * holds[:first].sum()
        for _ in range(BLOCK_BARS + 1):
            found = _evaluate(term, _add_edge(near, holds[first:end], edge))[begin - first :]
            if np.array_equal(found, holds[begin:end]):
                break
            holds[begin:end] = found
    return holds


def _add_edge(paths: Paths, holds: Condition, edge: float) -> Paths:
    """Return the paths with the edge on every bar after one on which the rule holds."""
    after = np.concatenate([[False], holds[:-1]])
    moves = paths.moves.copy()
    moves[:, 1:] += (edge / STEPS_PER_BAR) * after[:, None]
    return paths._replace(moves=moves)


def _evaluate(term: Term, paths: Paths) -> NDArray[Any]:
    return Evaluator(bars_from_paths(paths)).series(term)
