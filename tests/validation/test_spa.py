"""Test for superior predictive ability against a plain implementation, arch and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, optimal_block_length
from numpy.typing import NDArray

from evolve.errors import EvolveError
from evolve.validation.spa import (
    choose_block_bars,
    compute_spa,
    draw_counts,
    estimate_deviations,
)

Matrix = NDArray[np.float64]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def noise(seed: int, bars: int = 500, strategies: int = 10) -> Matrix:
    """Return dependent gains without a mean: autocorrelated, with a factor in common."""
    rng = generator(seed)
    shocks = rng.normal(size=(bars, strategies)) + rng.normal(size=(bars, 1))
    return 0.01 * (shocks[1:] + 0.5 * shocks[:-1])


def clustered(seed: int, bars: int = 500, strategies: int = 10) -> Matrix:
    """Return gains without a mean or autocorrelation, with clusters of volatility."""
    rng = generator(seed)
    shocks = np.convolve(rng.normal(size=bars + 59), 0.97 ** np.arange(60), "valid")
    gains = rng.normal(size=(bars, strategies)) + rng.normal(size=(bars, 1))
    return 0.01 * np.exp(0.12 * shocks)[:, None] * gains


def autocovariance_of_hansen(gains: Matrix, block_bars: float) -> float:
    """Return the long-run variance of one strategy, lag by lag, as in Hansen (2005), section 3."""
    bars, q = len(gains), 1 / block_bars
    deviations = gains - gains.mean()
    variance = float(deviations @ deviations / bars)
    for lag in range(1, bars):
        kernel = (bars - lag) / bars * (1 - q) ** lag + lag / bars * (1 - q) ** (bars - lag)
        variance += 2 * kernel * float(deviations[lag:] @ deviations[:-lag]) / bars
    return variance


def follow_the_paper(gains: Matrix, block_bars: float, resamples: int, seed: int) -> list[float]:
    """Return the lower, consistent and upper p value, one strategy and resample at a time."""
    bars, strategies = gains.shape
    counts = np.concatenate(list(draw_counts(bars, block_bars, resamples, generator(seed))))
    means = gains.mean(axis=0)
    error = [
        math.sqrt(autocovariance_of_hansen(gains[:, k], block_bars)) for k in range(strategies)
    ]
    root = math.sqrt(bars)
    observed = max(max(root * means[k] / error[k] for k in range(strategies)), 0.0)
    limit = math.sqrt(2 * math.log(math.log(bars)))
    exceeding = [1, 1, 1]
    for row in counts.astype(int):
        resample = gains[np.repeat(np.arange(bars), row)]
        largest = [0.0, 0.0, 0.0]
        for k in range(strategies):
            is_near = root * means[k] / error[k] >= -limit
            for which, mean in enumerate((max(means[k], 0.0), means[k] * is_near, means[k])):
                value = root * (resample[:, k].mean() - mean) / error[k]
                largest[which] = max(largest[which], value)
        exceeding = [
            old + (value >= observed) for old, value in zip(exceeding, largest, strict=True)
        ]
    return [each / (resamples + 1) for each in exceeding]


@pytest.mark.parametrize(("seed", "shift"), [(0, 0.0), (1, -0.1), (2, 0.05), (3, -1.0)])
def test_p_values_equal_those_of_a_plain_implementation(seed: int, shift: float) -> None:
    gains = noise(seed, 80, 5) + 0.01 * shift * np.arange(5)
    found = compute_spa(gains, generator(seed), 200, 6.0)
    expected = follow_the_paper(gains, 6.0, 200, seed)
    assert [found.lower, found.consistent, found.upper] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_p_values_equal_those_of_arch_for_strategies_of_one_deviation(seed: int) -> None:
    gains = noise(seed, 300, 6)
    gains /= estimate_deviations(gains, 5.0)  # arch does not studentize
    gains += np.array([0.004, 0.002, 0.0, -0.002, -0.005, -0.02])
    found = compute_spa(gains, generator(seed), 2000, 5.0)
    oracle = SPA(np.zeros(len(gains)), -gains, block_size=5, reps=1000, seed=seed)
    oracle.compute()
    values = [found.lower, found.consistent, found.upper]
    assert values == pytest.approx(list(oracle.pvalues), abs=0.06)


def test_deviations_equal_those_of_arch_and_of_hansen() -> None:
    gains = noise(5, 120, 4)
    oracle = SPA(np.zeros(len(gains)), -gains, block_size=7, reps=1)
    oracle._compute_variance()
    found = estimate_deviations(gains, 7.0)
    assert found**2 == pytest.approx(oracle._loss_diff_var)
    assert found[0] ** 2 == pytest.approx(autocovariance_of_hansen(gains[:, 0], 7.0))


def test_with_blocks_of_one_bar_the_deviation_is_that_of_the_gains() -> None:
    gains = noise(6)
    assert estimate_deviations(gains, 1.0) == pytest.approx(gains.std(axis=0))


@pytest.mark.parametrize("block_bars", [1.0, 4.0, 30.0])
def test_resampled_means_vary_as_computed_and_as_in_arch(block_bars: float) -> None:
    gains = np.cumsum(noise(7, 200, 1), axis=0)  # strongly dependent
    gains -= gains.mean()
    counts = np.concatenate(list(draw_counts(len(gains), block_bars, 4000, generator(1))))
    means = (counts @ gains)[:, 0] / len(gains)
    exact = estimate_deviations(gains, block_bars)[0] / math.sqrt(len(gains))
    bootstrap = StationaryBootstrap(block_bars, gains, seed=2)
    oracle = bootstrap.apply(lambda x: x.mean(axis=0), 1000)[:, 0]
    assert means.std() == pytest.approx(exact, rel=0.04)
    assert oracle.std() == pytest.approx(exact, rel=0.08)
    assert abs(means.mean()) < 4 * exact / math.sqrt(4000)


def test_a_resample_has_as_many_bars_as_the_data_and_each_bar_equally_often() -> None:
    counts = np.concatenate(list(draw_counts(50, 8.0, 4000, generator(3))))
    assert counts.shape == (4000, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert counts.min() == 0
    assert counts.mean(axis=0) == pytest.approx(np.ones(50), abs=0.12)


def test_a_block_longer_than_the_data_repeats_no_bar() -> None:
    counts = np.concatenate(list(draw_counts(40, 1e12, 20, generator(3))))
    assert (counts == 1).all()


def test_long_data_are_resampled_a_few_at_a_time() -> None:
    parts = [len(each) for each in draw_counts(400_000, 50.0, 5, generator())]
    assert parts == [2, 2, 1]


@pytest.mark.parametrize("seed", range(3))
def test_the_block_length_is_the_mean_of_those_of_arch(seed: int) -> None:
    gains = noise(seed)
    lengths = [optimal_block_length(each)["stationary"].iloc[0] for each in gains.T]
    assert choose_block_bars(gains) == pytest.approx(np.mean(lengths))
    assert compute_spa(gains, generator(), 10).block_bars == choose_block_bars(gains)


def test_a_constant_strategy_has_no_part_in_the_block_length() -> None:
    gains = noise(1)
    flat = 0.1 + 1e-17 * np.arange(2 * len(gains)).reshape(-1, 2)
    extended = np.concatenate([gains, flat], axis=1)
    assert flat.std() > 0
    assert choose_block_bars(extended) == pytest.approx(choose_block_bars(gains))
    assert choose_block_bars(np.zeros((40, 3))) == 1.0


def test_a_block_has_at_least_one_bar_and_is_shorter_than_the_data() -> None:
    white = generator(6).normal(size=(2500, 1))
    assert optimal_block_length(white)["stationary"].iloc[0] < 1
    assert choose_block_bars(white) == 1.0
    cancelling = np.zeros((100, 1))
    cancelling[3:5, 0] = 0.1, -0.1
    assert 1 < choose_block_bars(cancelling) < 100


def test_one_block_of_all_bars_does_not_vary() -> None:
    for seed in range(5):
        assert estimate_deviations(noise(seed), 1e300) == pytest.approx(np.zeros(10), abs=1e-6)


def test_a_good_quiet_strategy_is_found_among_weak_loud_ones() -> None:
    rng = generator(8)
    loud = rng.normal(0.0, 0.05, (1000, 30))
    quiet = rng.normal(0.0003, 0.002, (1000, 1))  # t of about 5, a tenth of a loud mean's error
    gains = np.concatenate([loud, quiet], axis=1)
    found = compute_spa(gains, generator(1))
    assert found.best == 30
    assert found.consistent < 0.01
    assert gains.mean(axis=0).argmax() != 30


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_scale_of_a_strategy_does_not_matter(scale: float) -> None:
    gains = noise(2)
    scaled = gains.copy()
    scaled[:, 3] *= scale
    first, second = (compute_spa(each, generator(4), 500, 4.0) for each in (gains, scaled))
    assert vars(second) == pytest.approx(vars(first))


def test_more_bad_strategies_raise_only_the_upper_p_value() -> None:
    gains = noise(3, 400, 2) + 0.0005
    bad = noise(4, 400, 40) - 0.02
    alone = compute_spa(gains, generator(5), 1000, 4.0)
    among = compute_spa(np.concatenate([gains, bad], axis=1), generator(5), 1000, 4.0)
    assert among.statistic == pytest.approx(alone.statistic)
    assert (among.lower, among.consistent) == pytest.approx((alone.lower, alone.consistent))
    assert among.upper > alone.upper + 0.05


@pytest.mark.parametrize("seed", range(10))
def test_p_values_are_ordered_and_above_0(seed: int) -> None:
    found = compute_spa(noise(seed) + 0.001 * (seed - 5), generator(seed), 99)
    assert 0.01 <= found.lower <= found.consistent <= found.upper <= 1


def test_without_gains_the_p_value_is_1() -> None:
    for gains in (np.zeros((50, 3)), np.full((50, 2), 0.3), noise(1) - 1.0):
        found = compute_spa(gains, generator(), 50)
        assert (found.statistic, found.lower, found.consistent, found.upper) == (0, 1, 1, 1)


def test_a_constant_strategy_changes_nothing() -> None:
    gains = noise(2)
    extended = np.concatenate([gains, np.full((len(gains), 1), 0.1)], axis=1)
    first, second = (compute_spa(each, generator(4), 300) for each in (gains, extended))
    assert vars(second) == pytest.approx(vars(first))


def test_a_seed_determines_the_result() -> None:
    gains = noise(9)
    same = [compute_spa(gains, generator(seed), 200) for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


@pytest.mark.slow
def test_without_autocorrelation_p_values_are_uniform() -> None:
    found = [compute_spa(clustered(seed), generator(seed + 7), 299) for seed in range(1000)]
    for level in (0.05, 0.1, 0.25, 0.5):
        share = np.mean([each.consistent <= level for each in found])
        assert share == pytest.approx(level, abs=3.5 * math.sqrt(level * (1 - level) / 1000))


@pytest.mark.slow
def test_with_strong_autocorrelation_one_in_ten_p_values_is_below_a_twentieth_at_most() -> None:
    # The bootstrap estimates the long-run variance from few blocks, and too low.
    found = [compute_spa(noise(seed), generator(seed + 7), 299) for seed in range(1000)]
    assert np.mean([each.consistent <= 0.05 for each in found]) < 0.1


def test_few_bars_are_an_error() -> None:
    with pytest.raises(EvolveError, match="expected at least 16 bars, found 15"):
        compute_spa(noise(0, 16, 2), generator())
