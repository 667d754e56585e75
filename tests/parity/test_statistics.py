"""Statistics of a search equal those of purgedcv and holdout on the same returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from evolve.validation.pbo import estimate_overfitting
from evolve.validation.sharpe import (
    ReturnMoments,
    deflated_sharpe,
    expected_best,
    measure_moments,
    minimum_track_record,
    probabilistic_sharpe,
)
from evolve.validation.spa import compute_spa

pytestmark = pytest.mark.parity

Matrix = NDArray[np.float64]
SEEDS = range(5)


@pytest.fixture(scope="module")
def holdout() -> Any:
    return pytest.importorskip("holdout")


@pytest.fixture(scope="module")
def purgedcv() -> Any:
    return pytest.importorskip("purgedcv")


def draw(seed: int, bars: int = 400, strategies: int = 12) -> Matrix:
    """Return skewed returns with fat tails, float64[bar, strategy], some with a mean."""
    rng = np.random.default_rng(seed)
    returns = 0.01 * (rng.standard_t(5, (bars, strategies)) - rng.gamma(1.0, 1.0, (bars, 1)) + 1.0)
    return returns + 0.001 * rng.normal(size=strategies)


def use_conventions_of_purgedcv(returns: Matrix) -> ReturnMoments:
    """Return moments with the deviation of the population, and the shape without bias."""
    return ReturnMoments(
        len(returns),
        float(returns.mean() / returns.std()),
        float(skew(returns, bias=False)),
        float(kurtosis(returns, bias=False, fisher=False)),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_moments_equal_those_of_holdout(holdout: Any, seed: int) -> None:
    returns = draw(seed)[:, 0]
    found, oracle = measure_moments(returns), holdout.estimate_sharpe(returns)
    assert (found.count, found.sharpe, found.skewness, found.kurtosis) == pytest.approx(
        (oracle.n, oracle.value, oracle.skewness, oracle.kurtosis)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_probabilistic_and_deflated_ratios_equal_those_of_holdout(holdout: Any, seed: int) -> None:
    found = measure_moments(draw(seed)[:, 0])
    shape = {"skewness": found.skewness, "kurtosis": found.kurtosis}
    args = (found.sharpe, found.count)
    for threshold in (-0.05, 0.0, 0.1):
        oracle = holdout.probabilistic_sharpe_ratio(*args, benchmark=threshold, **shape)
        assert probabilistic_sharpe(found, threshold) == pytest.approx(oracle)
    for trials in (1, 2, 50, 10_000):
        oracle = holdout.deflated_sharpe_ratio(
            *args, n_trials=trials, trials_variance=0.002, **shape
        )
        assert deflated_sharpe(found, trials, 0.002) == pytest.approx(oracle, abs=1e-12)
    length = holdout.minimum_track_record_length(found.sharpe, benchmark=-0.3, **shape)
    assert minimum_track_record(found, -0.3) == pytest.approx(length)


@pytest.mark.parametrize("seed", SEEDS)
def test_probabilistic_and_deflated_ratios_equal_those_of_purgedcv(
    purgedcv: Any, seed: int
) -> None:
    returns = draw(seed)[:, 0]
    moments = use_conventions_of_purgedcv(returns)
    for threshold in (-0.05, 0.0, 0.1):
        oracle = purgedcv.probabilistic_sharpe_ratio(returns, threshold)
        assert probabilistic_sharpe(moments, threshold) == pytest.approx(oracle)
    for trials in (1, 2, 50, 10_000):
        oracle = purgedcv.deflated_sharpe_ratio(returns, trials, 0.002)
        assert deflated_sharpe(moments, trials, 0.002) == pytest.approx(oracle, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_overfitting_equals_that_of_holdout(holdout: Any, seed: int) -> None:
    returns = draw(seed, 401)
    found = estimate_overfitting(returns, 12)
    oracle = holdout.probability_of_backtest_overfitting(returns, n_blocks=12)
    assert (found.pbo, found.loss, found.combinations) == pytest.approx(
        (oracle.pbo, oracle.probability_of_loss, oracle.n_partitions)
    )
    assert found.slope == pytest.approx(oracle.degradation[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_overfitting_equals_that_of_purgedcv(purgedcv: Any, seed: int) -> None:
    # With an even number of strategies no rank is at the median, which purgedcv does not count.
    returns = draw(seed, 101)
    found = estimate_overfitting(returns, 6)
    oracle = purgedcv.probability_of_backtest_overfitting(returns.T, 6)
    assert (found.pbo, found.slope, found.combinations) == pytest.approx(
        (oracle.pbo, oracle.slope, oracle.n_combos)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_superior_ability_equals_that_of_holdout_within_the_error_of_resampling(
    holdout: Any, seed: int
) -> None:
    gains = draw(seed) - 0.001
    found = compute_spa(gains, np.random.default_rng(seed), 4000, 5.0)
    oracle = holdout.superior_predictive_ability(
        gains, n_bootstrap=4000, block_length=5.0, seed=seed
    )
    assert found.best == oracle.best
    assert found.statistic == pytest.approx(oracle.statistic, rel=0.05)
    assert (found.lower, found.consistent, found.upper) == pytest.approx(
        (oracle.lower, oracle.consistent, oracle.upper), abs=0.04
    )


@pytest.mark.parametrize("trials", [2, 10, 1000])
def test_the_expected_best_equals_those_of_both(holdout: Any, purgedcv: Any, trials: int) -> None:
    assert expected_best(trials) == pytest.approx(holdout.expected_maximum_sharpe(trials, 1.0))
    # The shortest backtest for a ratio of 1 is the square of the best of as many trials.
    years = purgedcv.minimum_backtest_length(trials, 1.0)
    assert expected_best(trials) ** 2 == pytest.approx(years)
