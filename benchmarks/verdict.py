"""Rates of the verdicts of `evolve run` on markets whose edge is known.

Each part runs the search, its null searches and the holdout on many synthetic markets, each with a
separate ledger. It prints one JSON line; running counts go to standard error.

- `walk`, `garch`, `leverage`: markets without an edge, so each discovery is false.
- `ar`: daily returns with an autocorrelation of `--phi`, which `close > close[1]` trades.
- `family`: five runs per random walk, of which the best is reported.
- `peek`: searches on random walks that are scored on the holdout, a fault planted here.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from report import report
from scipy.stats import binom, kstest
from verdict_markets import draw_market
from verdict_trials import (
    Setting,
    Trial,
    list_trials,
    open_market,
    passes_holdout,
    peek_at_all_bars,
    peek_at_holdout,
    peek_in_search_alone,
    run_plan,
    skip_check,
)

from evolve.validation.null_run import LEVEL
from evolve.validation.verdict import LABELS, NOT_TESTED

SEEDS = 5  # of the searches of a family
NAIVE = 0.95  # probabilistic Sharpe ratio that seems significant
FAULTS = {
    "holdout": peek_at_holdout,
    "all_bars": peek_at_all_bars,
    "search_alone": peek_in_search_alone,
}


def summarize(trials: list[Trial]) -> dict[str, object]:
    """Return the figures of trials."""
    p_values = np.array([each.p_value for each in trials])
    steps = np.array([1 + len(each.null.results) if each.null else 1 for each in trials])
    # A p-value has a few values only; with a uniform draw below it, it is continuous.
    continuous = p_values - np.random.default_rng(0).random(len(trials)) / steps
    rejected = int((p_values <= LEVEL).sum())
    labels = [each.run.verdict.label for each in trials]
    return {
        "rejected": rejected,
        "rejected_error": _compute_error(rejected, len(trials)),
        "probability_of_as_many": round(float(binom.sf(rejected - 1, len(trials), LEVEL)), 4),
        "passed_null_gate": sum(each.passed_null for each in trials),
        "decisions_that_differ": sum(
            each.passed_null != (each.p_value <= LEVEL) for each in trials if _was_tested(each)
        ),
        "uniform_ks_p": round(float(kstest(continuous, "uniform").pvalue), 4),
        "pivot_rejected": {
            f"{level:.3g}": sum(each.pivot <= level for each in trials)
            for level in (LEVEL, LEVEL / 3, LEVEL / 10)
        },
        "naive_psr_rejected": sum(each.psr >= NAIVE for each in trials),
        "null_searches_of_run": round(float(np.mean([_count_nulls(each) for each in trials])), 1),
        "best_score": round(float(np.mean([each.null.score for each in trials if each.null])), 3),
        "labels": {label: labels.count(label) for label in LABELS},
        "p_values": [round(float(each), 4) for each in p_values],
    }


def measure_family(seeds: range, setting: Setting) -> dict[str, object]:
    """Return how often the best of five runs on a random walk passes, naively and as a family."""
    naive, family, passed_at_once, p_values = 0, 0, 0, []
    for count, seed in enumerate(seeds, start=1):
        bars = draw_market("walk", setting.bars, seed, {"overnight": setting.overnight})
        with open_market(bars, setting) as prepare:
            runs = {each: run_plan(prepare(each)) for each in range(1, SEEDS + 1)}
            nulls = {each: run.evidence.null for each, run in runs.items() if run.evidence.null}
            passed_at_once += any(Trial(each, None).passed_null for each in runs.values())
            if nulls:
                best = min(nulls, key=lambda each: (nulls[each].p_value, -nulls[each].score))
                evidence = run_plan(prepare(best)).evidence
                assert evidence.family is not None
                naive += nulls[best].p_value <= LEVEL
                family += evidence.family.p_value <= LEVEL
                p_values.append(round(evidence.family.p_value, 4))
        print(f"family: naive {naive}, of five {family}, at once {passed_at_once} of {count}",
              file=sys.stderr, flush=True)  # fmt: skip
    return {
        "seeds": SEEDS,
        "naive_rejected": naive,
        "family_rejected": family,
        "family_error": _compute_error(family, len(seeds)),
        "any_passed_when_run": passed_at_once,
        "p_values": p_values,
    }


def measure_peeking(seeds: range, setting: Setting) -> dict[str, object]:
    """Return the figures of searches that see the holdout, with and without the check of scores."""
    figures: dict[str, object] = {}
    for name, fault in FAULTS.items():
        with skip_check():
            trials = list(list_trials("walk", seeds, setting, fault))
        refused = 0
        for seed in seeds:
            bars = draw_market("walk", setting.bars, seed, {"overnight": setting.overnight})
            with open_market(bars, setting) as prepare, fault(prepare(seed)):
                refused += run_plan(prepare(seed)).verdict.label == NOT_TESTED
        figures[name] = {
            "not_tested_with_check": refused,
            "holdout_alone_passes": sum(passes_holdout(each.run) for each in trials),
            **summarize(trials),
        }
    return figures


def _compute_error(count: int, total: int) -> float:
    """Return the standard error of a share."""
    share = count / total
    return round(float(np.sqrt(share * (1 - share) / total)), 4)


def _was_tested(trial: Trial) -> bool:
    return trial.run.evidence.family is not None


def _count_nulls(trial: Trial) -> int:
    null = trial.run.evidence.null
    return 0 if null is None else len(null.results)


def main() -> None:
    """Print the figures of one part."""
    parser = argparse.ArgumentParser()
    parts = ("walk", "garch", "leverage", "ar", "family", "peek")
    parser.add_argument("part", choices=parts)
    parser.add_argument("--markets", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=1)
    for name, value in vars(Setting()).items():
        kind = int if value is None else type(value)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=value)
    options = vars(parser.parse_args())
    part, markets, first = (options.pop(name) for name in ("part", "markets", "first_seed"))
    setting, seeds = Setting(**options), range(first, first + markets)
    if part == "family":
        figures = measure_family(seeds, setting)
    elif part == "peek":
        figures = measure_peeking(seeds, setting)
    else:
        figures = summarize(list(list_trials(part, seeds, setting)))
    report("verdict", part=part, markets=markets, first_seed=first, **vars(setting), **figures)


if __name__ == "__main__":
    main()
