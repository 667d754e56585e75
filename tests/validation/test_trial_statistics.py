"""Statistics of a winner among its trials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evolve.validation.pbo import estimate_overfitting
from evolve.validation.sharpe import (
    deflated_sharpe,
    measure_moments,
    minimum_track_record,
    probabilistic_sharpe,
)
from evolve.validation.trial_statistics import compute_trial_statistics, group_by_behavior


def draw_groups(bars: int, groups: int, members: int, noise: float, seed: int = 1) -> np.ndarray:
    """Return float64[bar, strategy]: groups of strategies whose returns are nearly equal."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(bars, groups)).repeat(members, axis=1)
    return 0.01 * (common + noise * rng.normal(size=common.shape))


def test_strategies_that_trade_alike_are_one_class() -> None:
    returns = draw_groups(500, 6, 5, 0.3)
    labels = group_by_behavior(returns)
    assert len(set(labels)) == 6
    for group in range(6):
        assert len(set(labels[5 * group : 5 * group + 5])) == 1
    assert len(set(group_by_behavior(returns * np.geomspace(0.1, 10, 30)))) == 6
    assert len(set(group_by_behavior(draw_groups(500, 30, 1, 0.0)))) == 30


def test_opposite_and_constant_strategies_are_other_classes() -> None:
    base = draw_groups(300, 1, 1, 0.0)
    labels = group_by_behavior(np.hstack([base, -base, 0 * base, 0 * base + 1e-4]))
    assert labels[0] != labels[1]
    assert labels[2] == labels[3]
    assert len(set(labels)) == 3


@pytest.mark.parametrize("strategies", [0, 1])
def test_too_few_strategies_give_no_cross_validation(strategies: int) -> None:
    winner = draw_groups(300, 1, 1, 0.0)[:, 0] + 0.001
    sample = np.tile(winner[:, None], strategies)
    found = compute_trial_statistics(winner, sample, 100, 252.0, np.random.default_rng(1))
    assert found.classes == strategies
    assert found.overfitting is None
    assert found.superior is None
    assert found.probabilistic == probabilistic_sharpe(measure_moments(winner))


def test_the_statistics_are_those_of_their_functions() -> None:
    sample = draw_groups(640, 12, 3, 0.2, seed=5)
    winner = sample[:, 4] + 0.0005
    found = compute_trial_statistics(winner, sample, 5000, 252.0, np.random.default_rng(3))
    moments = measure_moments(winner)
    variance = np.var(sample.mean(axis=0) / sample.std(axis=0, ddof=1), ddof=1)
    assert (found.trials, found.sampled, found.classes) == (5000, 36, 12)
    assert found.deflated_by_classes == pytest.approx(deflated_sharpe(moments, 12, variance))
    assert found.deflated_by_trials == pytest.approx(deflated_sharpe(moments, 5000, variance))
    assert found.deflated_by_trials < found.deflated_by_classes < found.probabilistic
    assert found.track_record_years == minimum_track_record(moments) / 252.0
    best = [max(range(3 * g, 3 * g + 3), key=lambda s: sample[:, s].mean() / sample[:, s].std())
            for g in range(12)]  # fmt: skip
    expected = estimate_overfitting(sample[:, sorted(best)])
    assert found.overfitting is not None
    assert found.overfitting.pbo == pytest.approx(expected.pbo, abs=0.02)
    assert found.superior is not None
    assert 0.0 < found.superior.consistent <= 1.0


def test_equal_inputs_give_equal_statistics() -> None:
    sample = draw_groups(400, 8, 2, 0.2)
    first, second = (
        compute_trial_statistics(sample[:, 0], sample, 50, 252.0, np.random.default_rng(7))
        for _ in range(2)
    )
    assert first == second


def test_a_losing_winner_has_no_track_record() -> None:
    sample = draw_groups(400, 8, 2, 0.2)
    losing = -np.abs(sample[:, 0])
    found = compute_trial_statistics(losing, sample, 50, 252.0, np.random.default_rng(7))
    assert math.isinf(found.track_record_years)
    assert found.probabilistic < 0.01
