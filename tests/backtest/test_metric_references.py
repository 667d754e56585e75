"""Each metric has an independent reference and equals it on random backtests."""

from __future__ import annotations

import numpy as np
import pytest

from evolve.backtest.metrics import METRICS, measure
from evolve.backtest.performance import Performance, Trades
from tests.backtest.metric_references import REFERENCES


def random_run(seed: int) -> Performance:
    """Return a performance whose returns are correlated with those of the benchmark."""
    rng = np.random.default_rng(seed)
    bars, trades, bars_per_year = int(rng.integers(60, 600)), int(rng.integers(5, 40)), 252.0
    market = rng.normal(rng.normal(0, 0.001), 0.012, bars)
    returns = rng.normal(rng.normal(0, 0.001), 0.006, bars) + rng.uniform(-0.5, 1.5) * market
    returns[rng.random(bars) < 0.3] = 0.0
    capital = float(rng.choice([1.0, 10_000.0, 3e7]))
    equity, benchmark, cash = (
        capital * np.cumprod(1 + r) for r in (returns, market, np.full(bars, 0.03 / 252))
    )
    profits = rng.normal(0, capital / 50, trades)
    profits[:2] = abs(profits[0]), -abs(profits[1])  # a gain and a loss
    costs, turnover = rng.uniform(0, 9, trades), rng.uniform(0, 2 * capital, trades)
    held_bars = rng.integers(0, 5, trades).astype(float)
    return Performance(
        capital, equity, benchmark, cash, held=rng.integers(0, 2, bars).astype(float),
        trades=Trades(profits, costs, turnover, held_bars), bars_per_year=bars_per_year,
        years=bars / rng.uniform(240, 260),
    )  # fmt: skip


def test_each_metric_has_a_reference() -> None:
    missing, extra = METRICS.keys() - REFERENCES.keys(), REFERENCES.keys() - METRICS.keys()
    assert not missing, (
        f"no reference for {', '.join(sorted(missing))}: add to "
        "tests/backtest/metric_references.py a function of that name under @reference, which "
        "computes the metric from the raw series by its published formula"
    )
    assert not extra, f"no metric for the references of {', '.join(sorted(extra))}"


@pytest.mark.parametrize("seed", range(12))
def test_each_metric_equals_its_reference(seed: int) -> None:
    run = random_run(seed)
    expected = {name: compute(run) for name, compute in REFERENCES.items()}
    found = {name: measure(run)[name] for name in expected}
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)
