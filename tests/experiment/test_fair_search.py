"""Search on random walks: its strategies earn nothing on fresh bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evolve.backtest.backtest import backtest
from evolve.experiment.finalists import assess_finalists
from evolve.experiment.plan import build_problem, read_plan
from evolve.notices import NoticeList
from evolve.search.search import search

EXPERIMENT = """
name: fair
seed: {seed}
data: {{from: "synthetic:walk?seed={seed}&bars=12000&drift=0"}}
search: {{islands: 2, population: 60}}
budget: {{evaluations: 1200, stale_epochs: 8}}
workers: 1
"""
SEEDS = 20
MAX_MEDIAN_RATIO = 0.2


@pytest.mark.slow
def test_strategies_found_on_random_walks_earn_nothing_on_fresh_bars(tmp_path: Path) -> None:
    """Check the median ratio, which exceeds 3 on walks with the extremes of 16 steps.

    The bars are those of the holdout: validation chooses among the candidates.
    """
    ratios = []
    for seed in range(1, SEEDS + 1):
        path = tmp_path / f"{seed}.yaml"
        path.write_text(EXPERIMENT.format(seed=seed), "utf-8")
        plan = read_plan(path)
        data, settings = plan.load(NoticeList()), plan.experiment
        *_, last = search(build_problem(plan, data), settings.budget.budget())
        best, *_ = assess_finalists(last.hall_of_fame, plan, data)
        assert best.train.metrics["exposure"] >= 0.05
        start = len(data.split.seen)
        fresh = backtest(best.program, data.dataset.bars, data.market, start)
        ratios.append(fresh.metrics["appraisal_ratio"])
    assert np.median(ratios) <= MAX_MEDIAN_RATIO, sorted(ratios)
