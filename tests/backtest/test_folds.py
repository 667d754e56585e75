"""Fold sums are slices of one continuous simulation; a trade belongs to the fold of its entry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.backtest.kernels.records import FOLD_FIELDS
from evolve.backtest.performance import bar_returns
from tests.backtest.ledger import bars_of
from tests.backtest.reference import Terms
from tests.backtest.scripts import Script, random_script, simulated


@given(
    seed=st.integers(0, 10**9),
    inner=st.sets(st.integers(1, 149), max_size=6),
)
@settings(max_examples=100, deadline=None)
def test_fold_sums_are_slices_of_the_continuous_equity(seed: int, inner: set[int]) -> None:
    script, count = random_script(seed, 150), 150
    edges = [0, *sorted(inner)]
    benchmark = np.concatenate([[0.0], np.random.default_rng(seed).normal(0, 0.01, count - 1)])
    outcome = simulated(script, edges, benchmark)
    whole = simulated(script)
    # Folds do not change the simulation.
    assert outcome.equity.tolist() == whole.equity.tolist()
    assert outcome.trades == whole.trades
    r = np.concatenate([[0.0], bar_returns(whole.equity)])
    is_alive = np.concatenate([[False], whole.equity[:-1] > 0])
    for fold, (first, stop) in enumerate(zip(edges, [*edges[1:], count], strict=True)):
        found = dict(zip(FOLD_FIELDS, outcome.folds[fold].tolist(), strict=True))
        part = slice(first, stop)
        expected = {
            "returns": float(is_alive[part].sum()),
            "sum": r[part].sum(),
            "squares": (r[part] ** 2).sum(),
            "products": (r[part] * benchmark[part]).sum(),
            "trades": sum(first <= trade.entry_bar < stop for trade in whole.trades),
            "held": float((whole.held[part] != 0).sum()),
        }
        assert {name: found[name] for name in expected} == pytest.approx(
            expected, rel=1e-9, abs=1e-12
        )
    is_ruined = bool(np.any(whole.equity <= 0))
    assert outcome.folds[-1, FOLD_FIELDS.index("ruined")] == float(is_ruined)


def test_a_trade_counts_in_the_fold_of_its_entry() -> None:
    # Bought on bar 1 in fold 0, sold on bar 3 in fold 1; bought on bar 4, the first of fold 2.
    bars = bars_of("10 buy | 10 10 10 11 | 11 11 11 12 sell | 12 buy | 12 | 12 12 12 15")
    script = Script(bars, bars.volume[0].astype(np.uint8), {}, Terms())
    folds = simulated(script, [0, 2, 4], np.zeros(6)).folds
    assert folds[:, FOLD_FIELDS.index("trades")].tolist() == [1, 0, 1]
    assert folds[:, FOLD_FIELDS.index("held")].tolist() == [1, 1, 1]
    assert folds[:, FOLD_FIELDS.index("returns")].tolist() == [1, 2, 2]
    # 1000 -> 1100 -> 1200 | 1200 | 1200 -> 1500: the return over an edge counts after it.
    assert folds[:, FOLD_FIELDS.index("sum")] == pytest.approx([0.1, 1200 / 1100 - 1, 0.25])


def test_one_fold_covers_the_whole_window() -> None:
    script = random_script(11)
    outcome = simulated(script, [0], np.zeros(len(script.bars)))
    returns = bar_returns(outcome.equity)
    assert outcome.folds.shape == (1, len(FOLD_FIELDS))
    assert outcome.folds[0, FOLD_FIELDS.index("sum")] == pytest.approx(returns.sum())
    assert outcome.folds[0, FOLD_FIELDS.index("trades")] == len(outcome.trades)
