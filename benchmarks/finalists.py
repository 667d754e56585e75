"""Share of a planted rule's edge that the winner of a search has out of sample, by finalists.

Each market has a hidden rule after which prices rise. A search runs on train, and validation picks
the winner among the shortlist of each selection. The winner and the rule, traded as it is, run on
another market with the same rule. The share is the ratio of their appraisal ratios there, averaged
over markets, with its standard error. `gain` is the paired difference from the five best by score.

A selection is `train` (the best by score), `score` (the five best by score) or a total of the
shortlist, by size and behaviour. `both` picks by the score and the metric on validation, weighted
by their numbers of bars. `best` is the share of the best one, which no selection can know.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from report import report

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.gc_pause import pause_gc
from evolve.backtest.backtest import Backtester, backtest
from evolve.backtest.performance import Series
from evolve.data import load
from evolve.experiment.plan import LoadedData, build_problem, read_plan
from evolve.experiment.shortlist import select_shortlist
from evolve.notices import NoticeList
from evolve.search.individual import Individual
from evolve.search.progress import Budget
from evolve.search.search import search

RULES = (
    "rsi(close, 2) < 15",
    "close / sma(close, 10) < 0.985",
    "close > highest(close, 20)[1]",
    "close > sma(close, 50) and rsi(close, 3) < 30",
    "stdev(roc(close, 1), 10) < 0.8 * stdev(roc(close, 1), 60)",
    "close < open and close[1] < open[1]",
    "ema(close, 5) > ema(close, 20) and close < ema(close, 5)",
    "(close - low) / (high - low) < 0.2",
)
EDGES_BPS = (30, 45)
EXPERIMENT = """
name: planted
seed: {seed}
data: {{from: "{spec}&seed={seed}&bars=5000"}}
"""
FRESH_SEEDS, FRESH_BARS = 10_000, 10_000  # of the other market
METRIC = "appraisal_ratio"
TOTALS = (5, 8, 10, 15)
BEST_BY_SCORE = 5


def search_market(spec: str, seed: int, evaluations: int) -> tuple[list[Individual], LoadedData]:
    """Return the hall of fame of a search on a market, and its data."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planted.yaml"
        path.write_text(EXPERIMENT.format(seed=seed, spec=spec), "utf-8")
        plan = read_plan(path)
    data = plan.load(NoticeList())
    with pause_gc():
        *_, last = search(build_problem(plan, data), Budget(evaluations))
    return list(last.hall_of_fame), data


def measure(rule: str, edge_bps: int, seed: int, evaluations: int) -> dict[str, float]:
    """Return the share of the winner by selection, on one market."""
    spec = f"synthetic:planted?rule={rule}&edge_bps={edge_bps}"
    hall_of_fame, data = search_market(spec, seed, evaluations)
    split = data.split
    selected = [
        each
        for each, _ in select_shortlist(
            hall_of_fame, Backtester(split.train, data.market), TOTALS[-1]
        )
    ]
    distinct = list({each.score: each for each in reversed(hall_of_fame)}.values())[::-1]
    choices = {"train": distinct[:1], "score": distinct[:BEST_BY_SCORE]}
    choices |= {str(total): selected[:total] for total in TOTALS}  # each extends the one before

    fresh = load(f"{spec}&seed={FRESH_SEEDS + seed}&bars={FRESH_BARS}").bars
    rule_itself = check(f"strategy s {{ buy when {rule} sell when not ({rule}) }}")
    whole = score_on(rule_itself, fresh, data)
    train_bars, bars = len(split.train), len(split.seen)
    shares: dict[str, float] = {}
    for name, finalists in choices.items():
        scores = np.array([each.score for each in finalists])
        validation = np.array(
            [score_on(each.program, split.seen, data, train_bars) for each in finalists]
        )
        both = (train_bars * scores + (bars - train_bars) * validation) / bars
        found = [score_on(each.program, fresh, data) / whole for each in finalists]
        shares[name] = found[int(np.argmax(validation))]
        shares[f"{name}, both"] = found[int(np.argmax(both))]
        shares[f"{name}, best"] = max(found)
    return shares


def score_on(program: Program, bars: Bars, data: LoadedData, start: int = 0) -> float:
    """Return the appraisal ratio of a program."""
    return backtest(program, bars, data.market, start=start).metrics[METRIC]


def summarize(values: Series) -> list[float]:
    """Return the mean and its standard error."""
    return [
        round(float(np.mean(values)), 3),
        round(float(np.std(values, ddof=1) / len(values) ** 0.5), 3),
    ]


def main() -> None:
    """Print the shares as one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--evaluations", type=int, default=5_000)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    markets = [(rule, edge, seed) for rule in RULES for edge in EDGES_BPS for seed in seeds]
    shares = [measure(*market, options.evaluations) for market in markets]
    by_choice = {name: np.array([each[name] for each in shares]) for name in shares[0]}
    report(
        "finalists",
        markets=len(markets),
        seeds=[seeds.start, seeds.stop - 1],
        evaluations=options.evaluations,
        share={name: summarize(values) for name, values in by_choice.items()},
        gain={name: summarize(values - by_choice["score"]) for name, values in by_choice.items()},
    )


if __name__ == "__main__":
    main()
