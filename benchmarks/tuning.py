"""Share of a planted rule's edge that `evolve tune` regains from a strategy with wrong numbers.

On each market, prices rise after a hidden rule holds. The strategy has the rule's form and wrong
numbers. It is tuned on train; then it, the tuned one and the rule run on another market with the
same rule. `share` is the ratio of their appraisal ratios to that of the rule there, over all
markets, with its standard error. `peak` is the share of the variant with the best score, which is
chosen without regard to its neighbors. On random walks without costs, nothing can be gained, and
`false` is the share of tuned strategies whose gain is reported to exceed luck.
"""

from __future__ import annotations

import argparse
import os
import tempfile

import numpy as np
from report import report

from dsl.analysis.check import check
from evolve.analysis.tunable import find_tunables
from evolve.analysis.tuning import Variant
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data import load
from evolve.experiment.tune import TunedStrategy, split_data, tune_strategy
from evolve.stop import Stop

RULES = {  # the rule, its exit, and the wrong numbers of both
    "rsi(close, 3) < 20": ("rsi(close, 3) > 50", "rsi(close, 9) < 45", "rsi(close, 9) > 75"),
    "close / sma(close, 10) < 0.985": (
        "close / sma(close, 10) > 1", "close / sma(close, 40) < 0.96", "close / sma(close, 40) > 1"
    ),
    "close > highest(close, 20)[1]": (
        "close < highest(close, 20)[1]",
        "close > highest(close, 80)[1]",
        "close < highest(close, 80)[1]",
    ),
    "roc(close, 4) < -0.02": (
        "roc(close, 4) > 0", "roc(close, 15) < -0.06", "roc(close, 15) > 0.02"
    ),
}  # fmt: skip
EDGES_BPS = (30, 60)
BARS, FRESH_BARS, FRESH_SEEDS = 4000, 10_000, 10_000
METRIC = "appraisal_ratio"
TEXT = "strategy tuned {{ buy when {entry} sell when {exit} }}"
FREE = market(slippage_bps=0.0, commission_bps=0.0)


def tune_text(text: str, spec: str, seed: int, evaluations: int) -> TunedStrategy:
    """Tune a strategy on the bars of a spec, without costs."""
    found = find_tunables(text, "tuned.evo", "tuned")
    data = split_data(load(spec), FREE)
    return tune_strategy(found, data, evaluations, seed, Stop(), lambda trials, best: None)


def measure(rule: str, edge: int, seed: int, evaluations: int) -> dict[str, float]:
    """Return the figures of one market."""
    right_exit, entry, wrong_exit = RULES[rule]
    spec = f"synthetic:planted?rule={rule}&edge_bps={edge}"
    text = TEXT.format(entry=entry, exit=wrong_exit)
    tuned = tune_text(text, f"{spec}&seed={seed}&bars={BARS}", seed, evaluations)
    fresh = load(f"{spec}&seed={FRESH_SEEDS + seed}&bars={FRESH_BARS}").bars

    def score(text: str) -> float:
        return backtest(check(text), fresh, FREE).metrics[METRIC]

    def best(variant: Variant) -> float:
        return variant.score

    peak = max(tuned.tuning.variants, key=best)
    return {
        "rule": score(TEXT.format(entry=rule, exit=right_exit)),
        "before": score(text),
        "after": score(tuned.text),
        "peak": score(tuned.tuning.text.render(peak.point)),
        "trials": tuned.tuning.trials,
        "exceeds": tuned.exceeds_luck,
    }


def measure_noise(entry: str, leave: str, seed: int, evaluations: int) -> bool:
    """Return whether a gain on a random walk is reported to exceed luck."""
    text = TEXT.format(entry=entry, exit=leave)
    spec = f"synthetic:walk?seed={seed}&bars={BARS}"
    return tune_text(text, spec, seed, evaluations).exceeds_luck


def summarize(values: np.ndarray) -> list[float]:
    """Return the mean and its standard error."""
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return [round(float(np.mean(values)), 3), round(error, 3)]


def main() -> None:
    """Print the figures as one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=2_000)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with tempfile.TemporaryDirectory() as home:
        os.environ["EVOLVE_HOME"] = home  # the ledger of the user counts no benchmark
        rows = [
            measure(rule, edge, seed, options.evaluations)
            for rule in RULES
            for edge in EDGES_BPS
            for seed in seeds
        ]
        false = [
            measure_noise(entry, leave, seed, options.evaluations)
            for _, entry, leave in RULES.values()
            for seed in seeds
        ]
    columns = {name: np.array([float(each[name]) for each in rows]) for name in rows[0]}
    report(
        "tuning",
        markets=len(rows),
        seeds=[seeds.start, seeds.stop - 1],
        evaluations=options.evaluations,
        share={
            name: summarize(columns[name] / columns["rule"]) for name in ("before", "after", "peak")
        },
        trials=int(np.median(columns["trials"])),
        exceeds_luck=summarize(columns["exceeds"]),
        false=summarize(np.array(false, dtype=float)),
    )


if __name__ == "__main__":
    main()
