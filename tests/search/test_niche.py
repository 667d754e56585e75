"""Niches of behavior."""

from __future__ import annotations

from itertools import product

from evolve.search.niche import (
    MAX_EXPOSURE_BY_CLASS,
    MAX_HOLDING_BARS_BY_CLASS,
    find_niche,
)


def test_niches_follow_exposure_and_holding_time() -> None:
    exposures, holdings = (0.0, 0.2, 0.5, 1.0), (1.0, 3.0, 10.0, 30.0, 400.0)
    niches = [find_niche(*each) for each in product(exposures, holdings)]
    assert len(set(niches)) == len(niches)
    assert len(niches) == (len(MAX_EXPOSURE_BY_CLASS) + 1) * (len(MAX_HOLDING_BARS_BY_CLASS) + 1)
    assert niches == sorted(niches)


def test_a_maximum_belongs_to_its_class() -> None:
    assert find_niche(MAX_EXPOSURE_BY_CLASS[0], MAX_HOLDING_BARS_BY_CLASS[0]) == (0, 0)
