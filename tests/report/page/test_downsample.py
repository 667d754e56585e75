"""A downsampled series has the extremes, the first and the last bar of the whole series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evolve.report.page.downsample import pick_extremes

VALUES = arrays(
    np.float64,
    st.integers(0, 300),
    elements=st.sampled_from([np.nan, np.inf, -np.inf]) | st.floats(-1e9, 1e9),
)


@given(VALUES, st.integers(1, 40))
def test_extremes_of_each_part_and_both_ends_survive(values: np.ndarray, parts: int) -> None:
    picked, known = pick_extremes(values, parts), np.flatnonzero(np.isfinite(values))
    assert len(picked) <= 2 * parts + 2
    assert (np.diff(picked) > 0).all()
    assert set(picked) <= set(known)
    if not len(known):
        return
    assert (picked[0], picked[-1]) == (known[0], known[-1])
    for part in np.array_split(known, parts):
        if len(part):
            drawn = values[np.intersect1d(part, picked)]
            assert (drawn.min(), drawn.max()) == (values[part].min(), values[part].max())


@pytest.mark.parametrize("bars", [0, 1, 5, 22])
def test_a_short_series_is_complete(bars: int) -> None:
    assert pick_extremes(np.arange(bars, dtype=np.float64), 10).tolist() == list(range(bars))


def test_a_single_outlier_in_each_direction_survives() -> None:
    values = np.ones(200_000)
    values[[77_777, 123_456]] = 9.0, -9.0
    assert {77_777, 123_456} <= set(pick_extremes(values, 100))
