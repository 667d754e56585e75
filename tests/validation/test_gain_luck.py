"""Luck of a gain: a gain without an edge is seldom significant, and a large one always is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evolve.validation.gain_luck import MAX_BLOCKS, GainLuck, measure_gain_luck, split_ratio

YEARS, BARS = 2.0, 504


def draw(count: int, seed: int, drift: float = 0.0, own: float = 1.0) -> np.ndarray:
    """Return float64[bar, variant] of parts of ratios; variants share noise if `own` is small."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(BARS, 1)) + own * rng.normal(size=(BARS, count))
    noise[:, 1] += drift
    return np.array([split_ratio(each, YEARS) for each in noise.T]).T


def measure(table: np.ndarray, chosen: int) -> GainLuck:
    found = measure_gain_luck(
        table[:, 0], table[:, chosen], table[:, 1:], np.random.default_rng(1)
    )  # fmt: skip
    assert found is not None
    return found


def test_the_parts_sum_to_the_annualized_ratio() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 7001)
    parts = split_ratio(returns, 5.0)
    ratio = returns.mean() / returns.std() * math.sqrt(7001 / 5.0)
    assert len(parts) <= MAX_BLOCKS and parts.sum() == pytest.approx(ratio)


def test_the_best_of_equal_variants_is_seldom_significant() -> None:
    found = []
    for seed in range(30):
        table = draw(40, seed)
        found.append(measure(table, int(table[:, 1:].sum(axis=0).argmax()) + 1).p_value)
    assert sum(each <= 0.05 for each in found) <= 5
    assert 0.25 < np.mean(found) < 0.75


def test_a_real_gain_is_significant() -> None:
    assert all(measure(draw(40, seed, 0.7), 1).exceeds_luck for seed in range(5))


def test_luck_gains_less_among_variants_that_are_alike() -> None:
    far, near = (measure(draw(40, 3, own=own), 1) for own in (1.0, 0.1))
    assert near.mean < far.mean / 3 and near.threshold < far.threshold / 3


def test_more_variants_have_more_luck() -> None:
    few, many = (measure(draw(count, 4), 1) for count in (3, 300))
    assert few.mean < many.mean and few.threshold < many.threshold


def test_without_bars_or_variants_there_is_no_comparison() -> None:
    rng, table = np.random.default_rng(1), draw(2, 5)
    assert measure_gain_luck(table[:9, 0], table[:9, 0], table[:9], rng) is None
    assert measure_gain_luck(table[:, 0], table[:, 0], table[:, :0], rng) is None
    assert split_ratio(np.zeros(40), YEARS).sum() == 0
