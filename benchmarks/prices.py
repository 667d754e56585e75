"""Gross gains on prices without drift, by generator and exit; all should be zero.

On a martingale, no order that could have filled has a mean gain. A pair of a stop and a target may
lose, because the worse one fills first if both are within one bar. `stop_gain` detects a symbol
without traded opens.
"""

from __future__ import annotations

import argparse

import numpy as np
from report import report

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data import load

DRIFTLESS = {
    "walk": "drift=0", "garch": "drift=0", "ar": "drift=0&wander=0", "regime": "rise=0&fall=0",
}  # fmt: skip
EXITS = {
    "hold": "hold 1",
    "stop": "stop 0.02% hold 3",
    "trail": "trail 0.02% hold 3",
    "target": "target 0.02% hold 3",
    "stop and target": "stop 0.3% target 1% hold 5",
}
SAMPLES = ("sample:sp500", "sample:stocks")
NO_COSTS = market(commission_bps=0, slippage_bps=0)


def gain_bps(spec: str, exits: str, seeds: int, bars: int) -> dict[str, float]:
    """Return the mean gross gain per trade in bps, long and short pooled, and its error."""
    sums, counts = np.zeros(seeds), np.zeros(seeds)
    for seed in range(seeds):
        market_bars = load(f"{spec}&seed={seed}&bars={bars}").bars
        for side, sign in (("buy", 1.0), ("short", -1.0)):
            run = backtest(
                check(f"strategy s {{ {side} when true {exits} }}"), market_bars, NO_COSTS
            )
            moves = [trade.exit_price / trade.entry_price - 1.0 for trade in run.trades]
            sums[seed] += sign * 1e4 * sum(moves)
            counts[seed] += len(moves)
    mean = sums.sum() / counts.sum()
    error = np.std(sums - mean * counts, ddof=1) / np.sqrt(seeds) / counts.mean()
    return {"bps": round(float(mean), 3), "error": round(float(error), 3)}


def main() -> None:
    """Print the gains as one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--bars", type=int, default=20_000)
    chosen = parser.parse_args()
    gains = {
        generator: {
            name: gain_bps(f"synthetic:{generator}?{options}", exits, chosen.seeds, chosen.bars)
            for name, exits in EXITS.items()
        }
        for generator, options in DRIFTLESS.items()
    }
    samples = {
        symbol: {"bps": round(gain.bps, 1), "t": round(gain.t, 1)}
        for sample in SAMPLES
        for symbol, gain in load(sample).stop_gains.items()
    }
    report("prices", gain_per_trade=gains, stop_gain=samples)


if __name__ == "__main__":
    main()
