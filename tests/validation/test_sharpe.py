"""Statistics of Sharpe ratios against published figures, scipy and simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kurtosis, skew, ttest_1samp

from evolve.validation.sharpe import (
    CRITICAL_T,
    ReturnMoments,
    compute_power,
    compute_t,
    deflated_sharpe,
    expected_best,
    measure_moments,
    minimum_track_record,
    probabilistic_sharpe,
)

HEDGE_FUND = ReturnMoments(24, 1.585 / math.sqrt(12), -2.448, 10.164)  # of the paper of 2012
BEST_TRIAL = ReturnMoments(1250, 2.5 / math.sqrt(250), -3.0, 10.0)  # of the paper of 2014
TRIALS_VARIANCE = 0.5 / 250


def best_of_draws(trials: int, rounds: int) -> float:
    """Return the mean, over rounds, of the maximum of normal draws."""
    rng = np.random.default_rng(7)
    return float(np.mean([rng.standard_normal(trials).max() for _ in range(rounds)]))


@pytest.mark.parametrize("trials", [10, 100, 1000])
def test_the_expected_best_is_the_mean_of_the_largest_of_many_draws(trials: int) -> None:
    assert expected_best(trials) == pytest.approx(best_of_draws(trials, 6000), rel=0.035)


@pytest.mark.parametrize(
    ("trials", "exact"), [(10, 1.538753), (100, 2.507594), (1000, 3.241436), (10_000, 3.851615)]
)
def test_the_expected_best_is_at_most_a_fortieth_above_the_exact_value(
    trials: int, exact: float
) -> None:
    assert exact < expected_best(trials) < 1.025 * exact


def test_the_expected_best_follows_its_equation() -> None:
    assert expected_best(2) == pytest.approx(0.5197553443)
    assert expected_best(10) == pytest.approx(1.5745983013)
    assert expected_best(100) == pytest.approx(2.5306029, abs=5e-8)
    assert expected_best(1000) == pytest.approx(3.2551215137)


def test_the_expected_best_of_at_most_one_trial_is_0() -> None:
    assert [expected_best(count) for count in (-1, 0, 1)] == [0.0, 0.0, 0.0]


def test_the_expected_best_rises_with_every_trial() -> None:
    levels = [expected_best(count) for count in (1, 2, 3, 10, 1000, 10**6, 10**9)]
    assert levels == sorted(set(levels))


@pytest.mark.parametrize("seed", range(3))
def test_moments_equal_those_of_scipy(seed: int) -> None:
    returns = np.random.default_rng(seed).gamma(2.0, 0.01, 300) - 0.015
    moments = measure_moments(returns)
    assert moments.count == 300
    assert moments.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert moments.skewness == pytest.approx(skew(returns))
    assert moments.kurtosis == pytest.approx(kurtosis(returns, fisher=False))


def test_scale_does_not_change_moments() -> None:
    returns = np.random.default_rng(1).normal(0.1, 1.0, 100)
    moments, scaled = measure_moments(returns), measure_moments(returns * 1e-6)
    assert scaled.sharpe == pytest.approx(moments.sharpe)
    assert scaled.skewness == pytest.approx(moments.skewness)
    assert scaled.kurtosis == pytest.approx(moments.kurtosis)


@pytest.mark.parametrize("returns", [[], [0.1], [0.0] * 9, [0.1] * 9, [0.1 + 0.2, 0.3] * 4])
def test_constant_returns_have_a_ratio_of_0_and_no_shape(returns: list[float]) -> None:
    moments = measure_moments(np.array(returns))
    assert (moments.count, moments.sharpe) == (len(returns), 0.0)
    assert math.isnan(moments.skewness)
    assert math.isnan(moments.kurtosis)


def test_an_unknown_return_leaves_all_moments_unknown() -> None:
    moments = measure_moments(np.array([0.1, math.nan, 0.2]))
    assert all(map(math.isnan, (moments.sharpe, moments.skewness, moments.kurtosis)))


def test_the_probabilistic_ratio_reproduces_the_published_example() -> None:
    assert probabilistic_sharpe(HEDGE_FUND) == pytest.approx(0.9132343, abs=5e-8)


def test_the_probability_to_exceed_the_own_ratio_is_a_half() -> None:
    assert probabilistic_sharpe(HEDGE_FUND, HEDGE_FUND.sharpe) == 0.5


def test_negative_skewness_and_fat_tails_lower_the_probability() -> None:
    normal = replace(HEDGE_FUND, skewness=0.0, kurtosis=3.0)
    assert probabilistic_sharpe(replace(normal, skewness=-1.0)) < probabilistic_sharpe(normal)
    assert probabilistic_sharpe(replace(normal, kurtosis=9.0)) < probabilistic_sharpe(normal)


def test_moments_that_no_distribution_has_give_no_probability() -> None:
    impossible = ReturnMoments(100, 0.5, 4.0, 1.0)
    assert math.isnan(probabilistic_sharpe(impossible))
    for count in (0, 1, 9):
        assert math.isnan(probabilistic_sharpe(measure_moments(np.zeros(count))))


@pytest.mark.parametrize(("trials", "probability"), [(100, 0.9003968), (46, 0.950502)])
def test_the_deflated_ratio_reproduces_the_published_example(
    trials: int, probability: float
) -> None:
    found = deflated_sharpe(BEST_TRIAL, trials, TRIALS_VARIANCE)
    assert found == pytest.approx(probability, abs=5e-7)


def test_one_trial_deflates_nothing() -> None:
    found = deflated_sharpe(BEST_TRIAL, 1, TRIALS_VARIANCE)
    assert found == probabilistic_sharpe(BEST_TRIAL) > deflated_sharpe(BEST_TRIAL, 2, 1e-4)


@pytest.mark.parametrize(("bars_per_year", "years"), [(250, 2.731188), (52, 2.828834)])
def test_the_minimum_track_record_reproduces_the_published_years(
    bars_per_year: int, years: float
) -> None:
    moments = ReturnMoments(0, 2 / math.sqrt(bars_per_year), 0.0, 3.0)
    bars = minimum_track_record(moments, 1 / math.sqrt(bars_per_year), 0.95)
    assert bars / bars_per_year == pytest.approx(years, abs=5e-7)


def test_after_the_minimum_track_record_the_probability_is_the_confidence() -> None:
    for confidence in (0.9, 0.95, 0.99):
        bars = minimum_track_record(BEST_TRIAL, 0.05, confidence)
        rounded = round(bars)
        found = probabilistic_sharpe(replace(BEST_TRIAL, count=rounded), 0.05)
        assert found == pytest.approx(confidence, abs=1e-3)


def test_no_track_record_raises_a_ratio_above_its_threshold() -> None:
    assert minimum_track_record(BEST_TRIAL, BEST_TRIAL.sharpe) == math.inf
    assert minimum_track_record(replace(BEST_TRIAL, sharpe=-0.1)) == math.inf


def test_t_is_that_of_student_within_a_part_of_t() -> None:
    returns = np.random.default_rng(4).normal(0.1, 1.0, 400)
    moments = measure_moments(returns)
    student = ttest_1samp(returns, 0.0).statistic
    # Student divides by the root of T, and the paper by that of T - 1.
    assert compute_t(moments.sharpe, 400) == pytest.approx(student * math.sqrt(399 / 400))


def test_few_returns_have_a_t_of_0() -> None:
    assert [compute_t(2.0, count) for count in (0, 1)] == [0.0, 0.0]


def test_power_is_the_share_of_samples_that_are_significant() -> None:
    rng = np.random.default_rng(5)
    samples = rng.normal(0.08, 1.0, (4000, 500))
    t = samples.mean(axis=1) / samples.std(axis=1, ddof=1) * math.sqrt(499)
    assert compute_power(0.08, 500) == pytest.approx((t >= CRITICAL_T).mean(), abs=0.025)


def test_without_skill_the_power_is_the_level_of_the_test() -> None:
    assert compute_power(0.0, 1000) == pytest.approx(0.05, abs=2e-5)
