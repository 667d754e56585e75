"""Rates of the verdicts on synthetic markets: small versions of `benchmarks/verdict.py`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import binom

from evolve.validation.null_run import LEVEL
from evolve.validation.verdict import NOT_TESTED, PASS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SEARCH = {"evaluations": 200, "population": 40, "nulls": 19, "bars": 2_500}
MARKETS, FAULTY_MARKETS = 12, 8
NEVER = 1e-4  # probability of a count that no correct test should reach
MAX_DEVIATION = 3.9  # of a mean, with the same probability


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("verdict_trials")


@pytest.mark.slow
def test_the_null_run_rarely_rejects_luck_that_a_naive_test_rejects(trials: ModuleType) -> None:
    found = list(trials.list_trials("walk", range(1, MARKETS + 1), trials.Setting(**SEARCH)))
    rejected = sum(each.p_value <= LEVEL for each in found)
    assert binom.sf(rejected - 1, MARKETS, LEVEL) > NEVER, rejected
    p_values = np.array([each.p_value for each in found])
    steps = 1 + SEARCH["nulls"]
    error = np.sqrt((steps**2 - 1) / 12 / MARKETS) / steps  # of the mean of uniform p-values
    assert abs(p_values.mean() - (steps + 1) / 2 / steps) <= MAX_DEVIATION * error, p_values
    assert sum(each.psr >= 0.95 for each in found) >= 0.75 * MARKETS
    assert not [each for each in found if each.run.verdict.label == PASS]
    for each in found:
        assert each.run.evidence.family is not None
        assert each.passed_null == (each.p_value <= LEVEL)


@pytest.mark.slow
def test_most_searches_find_autocorrelated_returns(trials: ModuleType) -> None:
    setting = trials.Setting(**{**SEARCH, "bars": 5_000}, phi=0.3, overnight=0.0)
    found = list(trials.list_trials("ar", range(1, 7), setting))
    assert sum(each.passed_null for each in found) >= 4
    assert any(each.run.verdict.label == PASS for each in found)


@pytest.mark.slow
def test_the_null_run_rejects_a_search_that_sees_the_holdout(trials: ModuleType) -> None:
    """Check that the null run rejects what the holdout, which is no longer sealed, confirms."""
    setting = trials.Setting(**SEARCH)
    with trials.skip_check():
        found = list(
            trials.list_trials(
                "walk", range(1, FAULTY_MARKETS + 1), setting, trials.peek_at_holdout
            )
        )
    assert sum(trials.passes_holdout(each.run) for each in found) >= 0.75 * FAULTY_MARKETS
    rejected = sum(each.passed_null for each in found)
    assert binom.sf(rejected - 1, FAULTY_MARKETS, LEVEL) > NEVER, rejected


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["peek_at_holdout", "peek_at_all_bars", "peek_in_search_alone"])
def test_a_search_that_is_not_scored_on_train_is_not_tested(trials: ModuleType, fault: str) -> None:
    bars = trials.draw_market("walk", 2_500, 1, {"overnight": 0.3})
    with trials.open_market(bars, trials.Setting(**SEARCH)) as prepare:
        plan = prepare(1)
        with getattr(trials, fault)(plan):
            finished = trials.run_plan(plan)
    assert finished.verdict.label == NOT_TESTED
    assert "not reproduced on train" in finished.evidence.untested
    assert finished.evidence.null is None
