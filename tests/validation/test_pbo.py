"""Probability of backtest overfitting against a plain implementation, noise and planted skill."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import linregress, rankdata

from evolve.errors import EvolveError
from evolve.validation.pbo import Overfitting, estimate_overfitting, find_dominance

Matrix = NDArray[np.float64]
BARS, STRATEGIES, SKILLED = 1000, 200, 20
SKILL = 0.15  # mean over deviation per bar; annualized 2.4 for daily bars


def noise(seed: int, bars: int = BARS, strategies: int = STRATEGIES) -> Matrix:
    """Return independent normal returns, float64[bar, strategy]."""
    return 0.01 * np.random.default_rng(seed).normal(size=(bars, strategies))


def planted(seed: int, skill: float = SKILL) -> Matrix:
    """Return noise in which some strategies have a positive mean."""
    returns = noise(seed)
    returns[:, :SKILLED] += 0.01 * skill
    return returns


def follow_the_paper(returns: Matrix, slices: int) -> dict[str, float]:
    """Return the figures of each combination from its bars, one strategy at a time."""
    blocks = np.array_split(np.arange(len(returns)), slices)
    best_inside, best_outside, means, logits = [], [], [], []
    for chosen in combinations(range(slices), slices // 2):
        inside = np.concatenate([blocks[each] for each in chosen])
        outside = np.setdiff1d(np.arange(len(returns)), inside)
        ratios = [
            np.array([sharpe(column[rows]) for column in returns.T]) for rows in (inside, outside)
        ]
        best = int(np.argmax(ratios[0]))
        rank = rankdata(ratios[1])[best] / (returns.shape[1] + 1)
        best_inside.append(ratios[0][best])
        best_outside.append(ratios[1][best])
        means.append(ratios[1].mean())
        logits.append(math.log(rank / (1 - rank)))
    return {
        "pbo": float(np.mean(np.array(logits) <= 0)),
        "slope": float(linregress(best_inside, best_outside).slope),
        "dominance": integrate_dominance(np.array(best_outside), np.array(means)),
        "loss": float(np.mean(np.array(best_outside) < 0)),
        "combinations": len(logits),
    }


def sharpe(returns: Matrix) -> float:
    return float(returns.mean() / returns.std(ddof=1)) if np.ptp(returns) else 0.0


def integrate_dominance(chosen: Matrix, other: Matrix) -> int:
    """Return the order of dominance from both distribution functions, step by step."""
    points = np.unique(np.concatenate([chosen, other]))
    first, second = (
        np.array([(sample <= point).mean() for point in points]) for sample in (chosen, other)
    )
    if (first <= second).all() and (first < second).any():
        return 1
    integral = np.cumsum((second - first)[:-1] * np.diff(points))
    is_dominated = (integral >= -1e-12).all() and (integral > 1e-12).any()
    return 2 if is_dominated else 0


@pytest.mark.parametrize(
    ("bars", "strategies", "slices", "skill"),
    [(60, 5, 6, 0.0), (61, 8, 4, 0.0), (119, 6, 6, 0.4), (40, 3, 2, 0.0), (80, 2, 8, 0.2)],
)
def test_the_figures_equal_those_of_a_plain_implementation(
    bars: int, strategies: int, slices: int, skill: float
) -> None:
    returns = noise(3, bars, strategies)
    returns[:, 0] += 0.01 * skill
    found = estimate_overfitting(returns, slices)
    expected = follow_the_paper(returns, slices)
    assert vars(found) == pytest.approx(expected, rel=1e-9)


def test_equal_strategies_share_their_rank() -> None:
    returns = noise(8, 90, 4)
    # Other scales and another order of sums change ratios by rounding.
    doubled = np.concatenate([returns, 3 * returns, returns / 7], axis=1)
    single, triple = estimate_overfitting(returns, 6), estimate_overfitting(doubled, 6)
    assert triple.pbo == pytest.approx(single.pbo)
    assert triple.slope == pytest.approx(single.slope)
    equal = returns[:, :1] * np.array([1.0, 3.0, 1 / 7])
    worse = returns[:, :1] - 0.1
    assert estimate_overfitting(equal, 6).pbo == 1.0  # at the median
    assert estimate_overfitting(np.concatenate([equal, worse], axis=1), 6).pbo == 0.0


def test_a_strategy_that_does_not_trade_in_a_half_has_a_ratio_of_0_there() -> None:
    returns = noise(9, 80, 4)
    returns[:40, 1] = 0
    returns[:, 2] = 1e-4
    returns[:, 3] = 0
    assert vars(estimate_overfitting(returns, 4)) == pytest.approx(follow_the_paper(returns, 4))


def test_sixteen_slices_have_12870_combinations() -> None:
    assert estimate_overfitting(noise(0, 200, 3)).combinations == 12_870


def test_scale_of_a_strategy_does_not_matter() -> None:
    returns = noise(2, 160, 12)
    scaled = returns * np.logspace(-6, 2, 12)
    assert vars(estimate_overfitting(scaled, 8)) == pytest.approx(
        vars(estimate_overfitting(returns, 8))
    )


def test_the_order_of_strategies_does_not_matter() -> None:
    returns = noise(2, 160, 12)
    mixed = returns[:, np.random.default_rng(0).permutation(12)]
    assert vars(estimate_overfitting(mixed, 8)) == pytest.approx(
        vars(estimate_overfitting(returns, 8))
    )


def test_planted_skill_is_no_overfitting() -> None:
    found = [estimate_overfitting(planted(seed)) for seed in range(3)]
    assert max(each.pbo for each in found) < 0.02
    assert max(each.loss for each in found) < 0.02


def test_a_much_better_group_dominates_in_the_first_order() -> None:
    assert estimate_overfitting(planted(1, 0.3), 8).dominance == 1
    assert estimate_overfitting(noise(1), 8).dominance == 0


def test_returns_that_reverse_are_always_overfitted() -> None:
    # A strategy earns in either the first or the second half, and loses as much in the other.
    returns = noise(6, 200, 20)
    signs = np.where(np.arange(20) % 2, 1.0, -1.0)
    returns[:100] += 0.05 * signs
    returns[100:] -= 0.05 * signs
    found = estimate_overfitting(returns, 2)
    assert (found.pbo, found.loss) == (1.0, 1.0)


@pytest.mark.slow
def test_noise_is_overfitted_in_half_of_the_cases() -> None:
    found = [estimate_overfitting(noise(seed)) for seed in range(60)]
    assert 0.44 < np.mean([each.pbo for each in found]) < 0.58
    assert 0.44 < np.mean([each.loss for each in found]) < 0.58
    assert np.mean([each.slope for each in found]) < 0
    assert not any(each.dominance for each in found)


@pytest.mark.slow
def test_planted_skill_is_no_overfitting_in_sixty_draws() -> None:
    assert max(estimate_overfitting(planted(seed)).pbo for seed in range(60)) < 0.02


@pytest.mark.parametrize("seed", range(20))
def test_dominance_equals_that_of_the_integrated_distribution_functions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chosen, other = rng.normal(0.5, 0.5, 6).round(1), rng.normal(0.0, 1.0, 6).round(1)
    assert find_dominance(chosen, other) == integrate_dominance(chosen, other)


def test_a_larger_sample_dominates_and_a_safer_one_in_the_second_order() -> None:
    base = np.array([0.0, 1.0, 2.0])
    assert find_dominance(np.array([0.0, 1.0, 3.0]), base) == 1
    assert find_dominance(np.array([0.5, 1.0, 1.5]), base) == 2
    assert find_dominance(np.array([-0.5, 1.0, 9.0]), base) == 0
    assert find_dominance(base[::-1].copy(), base) == 0


@pytest.mark.parametrize(
    ("bars", "strategies", "slices", "message"),
    [
        (100, 5, 5, "expected an even number of slices, found 5"),
        (100, 5, 0, "expected an even number of slices, found 0"),
        (100, 1, 4, "expected at least 2 strategies to select from, found 1"),
        (31, 5, 16, "expected at least 2 bars in each of 16 slices, found 31 bars"),
    ],
)
def test_too_little_data_is_an_error(bars: int, strategies: int, slices: int, message: str) -> None:
    with pytest.raises(EvolveError) as caught:
        estimate_overfitting(noise(0, bars, strategies), slices)
    assert caught.value.message == message
    assert caught.value.hint


def test_the_result_is_frozen_data() -> None:
    found = estimate_overfitting(noise(0, 40, 3), 4)
    assert found == Overfitting(**vars(found))
