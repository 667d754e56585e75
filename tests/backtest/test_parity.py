"""`fill: close` without costs gives the figures of a plain loop over closes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from dsl.analysis.check import check
from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.data import load
from tests.backtest.ledger import free

CROSS = """
strategy cross {
  buy when sma(close, 20) > sma(close, 50)
  sell when sma(close, 20) < sma(close, 50)
}
"""


@dataclass(frozen=True)
class LoopFigures:
    """Figures of the plain loop."""

    total_return: float
    sharpe: float
    max_drawdown: float
    num_trades: float
    final_equity: float


def run_loop(close: pd.Series[float], capital: float = 10_000.0) -> LoopFigures:
    """Trade all in or flat at the close of the signal bar, without costs."""
    fast, slow = close.rolling(20).mean(), close.rolling(50).mean()
    signal = pd.Series(0, index=close.index)
    signal[fast > slow] = 1
    signal[fast < slow] = -1
    cash, shares, trades = capital, 0.0, 0
    equity = []
    for t, price in enumerate(close):
        if t < len(close) - 1:
            if shares == 0 and signal.iloc[t] == 1:
                shares, cash = cash / price, 0.0
            elif shares > 0 and signal.iloc[t] == -1:
                cash, shares, trades = shares * price, 0.0, trades + 1
        elif shares > 0:
            cash, shares, trades = shares * price, 0.0, trades + 1
        equity.append(cash + shares * price)
    curve = pd.Series(equity)
    changes = curve.pct_change().iloc[1:]
    deviation = changes.std(ddof=1)
    return LoopFigures(
        curve.iloc[-1] / capital - 1,
        float(np.sqrt(252) * changes.mean() / deviation) if deviation > 0 else 0.0,
        float((curve / curve.cummax() - 1).min()),
        trades,
        curve.iloc[-1],
    )


def assert_parity(bars: Bars) -> None:
    found = backtest(check(CROSS), bars, free(10_000.0, fill="close")).metrics
    expected = vars(run_loop(pd.Series(bars.close[0])))
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_parity_on_the_sample() -> None:
    bars = load("sample:sp500").bars
    assert_parity(bars)
    assert run_loop(pd.Series(bars.close[0])).num_trades > 20


def test_parity_on_random_prices() -> None:
    rng = np.random.default_rng(20)
    for _ in range(200):
        count = int(rng.integers(60, 500))
        close = 50 * np.exp(np.cumsum(rng.normal(0.0002, 0.02, count)))
        days = np.busday_offset("2015-01-01", np.arange(count), roll="forward")
        panel = close[None, :].copy()
        ones = np.ones((1, count))
        time = days.astype("datetime64[ns]")
        assert_parity(Bars(("RANDOM",), time, panel, panel, panel, panel, ones, ones))


def test_parity_when_nothing_is_ever_known() -> None:
    count = 40  # shorter than the slow average
    panel = np.linspace(50, 60, count)[None, :]
    ones = np.ones((1, count))
    time = np.busday_offset("2015-01-01", np.arange(count), roll="forward")
    bars = Bars(("SHORT",), time.astype("datetime64[ns]"), panel, panel, panel, panel, ones, ones)
    assert_parity(bars)
    assert run_loop(pd.Series(panel[0])) == LoopFigures(0.0, 0.0, 0.0, 0, 10_000.0)
