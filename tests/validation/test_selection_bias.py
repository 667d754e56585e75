"""The best of independent trials against simulated luck."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evolve.validation.selection_bias import RATIOS, compute_independent_level
from evolve.validation.sharpe import expected_best


def best_of_scores(
    trials: int, years: float, folds: int, penalty: float, rounds: int = 300
) -> float:
    """Return the mean, over rounds, of the best score of trials with random folds."""
    rng = np.random.default_rng(11)
    best = []
    for _ in range(rounds):
        by_fold = rng.normal(0.0, math.sqrt(folds / years), (trials, folds))
        spread = by_fold.std(axis=1, ddof=1) if folds > 1 else np.zeros(trials)
        best.append((by_fold.mean(axis=1) - penalty * spread).max())
    return float(np.mean(best))


def test_without_folds_or_penalty_the_error_is_that_of_the_window() -> None:
    whole = expected_best(400) / 3
    for measure in RATIOS:
        assert compute_independent_level(measure, 400, 9.0, 1, 0.5) == pytest.approx(whole)
        assert compute_independent_level(measure, 400, 9.0, 5, 0.0) == pytest.approx(whole)


def test_one_trial_is_expected_to_lose_the_penalty_on_its_spread() -> None:
    known = {2: 0.7978845608, 5: 0.9399856030, 10: 0.9726592741}  # c4 of statistics
    for folds, deviation in known.items():
        of_a_fold = math.sqrt(folds / 12)
        level = compute_independent_level("sharpe", 1, 12.0, folds, 0.5)
        assert level == pytest.approx(-0.5 * of_a_fold * deviation)


@pytest.mark.parametrize(
    ("trials", "years", "folds"),
    [(100, 12.0, 1), (1000, 12.0, 1), (100, 4.0, 5), (1000, 12.0, 5)],
)
def test_the_level_equals_the_best_of_random_scores(trials: int, years: float, folds: int) -> None:
    lucky = best_of_scores(trials, years, folds, 0.0)
    assert compute_independent_level("appraisal_ratio", trials, years, folds, 0.0) == pytest.approx(
        lucky, rel=0.03
    )


@pytest.mark.parametrize(
    ("trials", "years", "folds"), [(10, 12.0, 5), (100, 12.0, 5), (1000, 12.0, 5), (1000, 12.0, 10)]
)
def test_with_a_penalty_the_level_is_an_upper_estimate(
    trials: int, years: float, folds: int
) -> None:
    lucky = best_of_scores(trials, years, folds, 0.5)
    level = compute_independent_level("appraisal_ratio", trials, years, folds, 0.5)
    assert level is not None
    assert -0.02 < (level - lucky) * math.sqrt(years) < 0.1  # in standard errors of the window


def test_the_level_rises_with_trials_and_falls_with_years() -> None:
    by_trials = [
        compute_independent_level("sharpe", trials, 12.0, 5, 0.5) or 0.0
        for trials in (10, 100, 1000)
    ]
    assert by_trials == sorted(set(by_trials))
    by_years = [
        compute_independent_level("sharpe", 1000, years, 5, 0.5) or 0.0
        for years in (4.0, 12.0, 48.0)
    ]
    assert by_years == sorted(set(by_years), reverse=True)
    assert by_years[0] == pytest.approx(by_years[2] * math.sqrt(12))


@pytest.mark.parametrize("measure", ["total_return", "nodes", "cagr", ""])
def test_a_measure_without_a_known_error_has_no_level(measure: str) -> None:
    assert compute_independent_level(measure, 1000, 12.0, 5, 0.5) is None


def test_zero_years_have_no_level() -> None:
    assert compute_independent_level("sharpe", 1000, 0.0, 5, 0.5) is None
